"""Tiny real models with random weights, real tokenizers, small labelled data."""

from __future__ import annotations

import copy
import csv
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiny_causal import write_causal

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from luthier.codec import Codec
    from luthier.types import Example, LabelledBatch, LabelledWindow

SAMPLES = Path(__file__).with_name("samples")
_WORDS = {
    "delivery": ["parcel", "late", "courier", "driver", "porch", "tracking", "depot", "waiting"],
    "refund": ["money", "back", "return", "refund", "credit", "unwanted", "send", "cash"],
    "billing": ["invoice", "charged", "twice", "card", "payment", "vat", "receipt", "voucher"],
}
_FILLER = [
    "the",
    "my",
    "it",
    "was",
    "is",
    "and",
    "to",
    "on",
    "please",
    "again",
    "today",
    "still",
    "that",
    "with",
    "for",
    "a",
    "i",
    "this",
]


@dataclass(frozen=True)
class TinyModels:
    """encoder: BERT without dropout. dropout_encoder: with it. roberta, distilbert: kin with other heads and parts.
    vision: a ViT. t5, bart: encoders with a decoder and tokenizers of their own. causal: a Llama with a chat template.
    masked, plain: a BERT and a Llama for plain text, as `luthier tokenizer` makes tokenizers."""

    encoder: Path
    dropout_encoder: Path
    roberta: Path
    distilbert: Path
    decoder: Path
    vision: Path
    t5: Path
    bart: Path
    masked: Path
    plain: Path
    causal: Path

    def suited(self, task_name: str) -> Path:
        """A model of the kind that the task takes."""
        from luthier import catalog

        kind = catalog.task(task_name).auto_class
        return self.plain if task_name == "pretrain" else getattr(self, _SUITED.get(kind, "encoder"))


_SUITED = {"AutoModelForSeq2SeqLM": "t5", "AutoModelForCausalLM": "causal"}
_OWN_WORDS = frozenset(("seq2seq", "sft", "pretrain"))
"""Tasks whose samples make the vocabulary of tokenizers of their own, and not that of the tiny encoders."""


def ticket_rows(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Short texts of three classes that differ by their words; no two alike."""
    draw = random.Random(seed)
    rows: dict[str, str] = {}
    while len(rows) < count:
        label = draw.choice(list(_WORDS))
        words = draw.sample(_WORDS[label], 2) + draw.choices(_FILLER, k=draw.randint(1, 9))
        draw.shuffle(words)
        rows.setdefault(" ".join(words), label)
    return list(rows.items())


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_tiny_models(folder: Path) -> TinyModels:
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        DistilBertConfig,
        DistilBertForSequenceClassification,
        GPT2Config,
        GPT2ForSequenceClassification,
        RobertaConfig,
        RobertaForSequenceClassification,
    )

    size: Any = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
    for name, dropout in (("encoder", 0.0), ("dropout_encoder", 0.1)):
        config = BertConfig(
            vocab_size=vocabulary_size(), hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
            max_position_embeddings=64, **size,
        )  # fmt: skip
        save_tiny(folder / name, BertForSequenceClassification(config).bert)
    roberta = RobertaConfig(
        vocab_size=vocabulary_size(), max_position_embeddings=66, type_vocab_size=1, pad_token_id=0,
        bos_token_id=2, eos_token_id=3, **size,
    )  # fmt: skip
    save_tiny(folder / "roberta", RobertaForSequenceClassification(roberta).roberta)
    distil = DistilBertConfig(
        vocab_size=vocabulary_size(), dim=32, n_layers=3, n_heads=4, hidden_dim=64, max_position_embeddings=64
    )
    save_tiny(folder / "distilbert", DistilBertForSequenceClassification(distil).distilbert)
    gpt2 = GPT2Config(vocab_size=vocabulary_size(), n_embd=32, n_layer=3, n_head=4, n_positions=64, pad_token_id=0)
    save_tiny(folder / "decoder", GPT2ForSequenceClassification(gpt2).transformer)
    write_vision(folder / "vision")
    write_t5(folder / "t5")
    write_bart(folder / "bart")
    write_causal(folder / "causal")
    write_plain(folder / "masked", "bert")
    write_plain(folder / "plain", "llama")
    names = ("encoder", "dropout_encoder", "roberta", "distilbert", "decoder", "vision", "t5", "bart", "masked",
             "plain", "causal")  # fmt: skip
    return TinyModels(*(folder / name for name in names))


def write_vision(folder: Path) -> Path:
    """A ViT that reads images of 24 × 24 in places of 8 × 8."""
    import torch
    from transformers import ViTConfig, ViTModel
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=24, patch_size=8,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 24, "width": 24}).save_pretrained(folder)
    return folder


def write_plain(folder: Path, model_type: str) -> Path:
    """A model of that type with random weights, and a tokenizer learnt from the samples of pretraining."""
    import torch
    import transformers

    from luthier.config.schema import DataSettings, Settings
    from luthier.making.tokenizer import Asked, make_tokenizer
    from luthier.making.untrained import Size

    settings = Settings(data=DataSettings(train=str(SAMPLES / "pretrain.jsonl")))
    make_tokenizer(settings, folder, Asked(500, None, model_type, Size(2, 48, 4, 128)))
    config = transformers.AutoConfig.from_pretrained(folder)
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        setattr(config, name, 0.0)
    torch.manual_seed(0)
    kind = "AutoModelForMaskedLM" if model_type == "bert" else "AutoModelForCausalLM"
    getattr(transformers, kind).from_config(config).save_pretrained(folder)
    return folder


def write_t5(folder: Path, **settings: Any) -> Path:
    """With a unigram tokenizer, whose pieces include the special tokens' own names, as those of T5 do."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(_written_texts(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    size: Any = {"d_model": 48, "d_kv": 12, "d_ff": 96, "num_layers": 2, "num_heads": 4, "dropout_rate": 0.0}
    config = T5Config(vocab_size=tokenizer.get_vocab_size(), decoder_start_token_id=0, **{**size, **settings})
    return _save_writer(folder, T5ForConditionalGeneration(config), tokenizer)


def write_bart(folder: Path, **settings: Any) -> Path:
    """With a byte-level tokenizer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator(_written_texts(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    size: Any = {"d_model": 48, "max_position_embeddings": 128, "dropout": 0.0}
    for side in ("encoder", "decoder"):
        size |= {f"{side}_layers": 2, f"{side}_attention_heads": 4, f"{side}_ffn_dim": 96}
    config = BartConfig(vocab_size=tokenizer.get_vocab_size(), **{**size, **settings})
    return _save_writer(folder, BartForConditionalGeneration(config), tokenizer)


def _written_texts() -> list[str]:
    rows = [json.loads(line) for line in (SAMPLES / "seq2seq.jsonl").read_text("utf-8").splitlines()]
    return [text for row in rows for text in row.values()]


def _save_writer(folder: Path, model: Any, tokenizer: Any) -> Path:
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        **({"bos_token": "<s>"} if tokenizer.token_to_id("<s>") is not None else {}),
    )  # fmt: skip
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class Bench:
    """A task made ready on its samples: what a run makes, without the run."""

    codec: Codec
    model: PreTrainedModel
    examples: list[Example[Any, Any]]

    @property
    def windows(self) -> list[LabelledWindow]:
        return self.codec.encode_labelled(self.examples)

    def batches(self, size: int) -> list[LabelledBatch]:
        """The samples as micro-batches of at most `size` windows, padded as they come."""
        windows = self.windows
        starts = range(0, len(windows), size)
        return [self.codec.collate_labelled(windows[k : k + size], range(len(windows))[k : k + size]) for k in starts]


def bench(task_name: str, folder: Path, *, max_length: int = 32, **options: Any) -> Bench:
    """A model of its own each time: a copy, ten times as fast as reading the folder again."""
    made = _bench(task_name, folder, max_length, json.dumps(options, sort_keys=True))
    return replace(made, model=copy.deepcopy(made.model))


@cache
def _bench(task_name: str, folder: Path, max_length: int, options: str) -> Bench:
    from luthier import catalog
    from luthier.codec import Codec
    from luthier.data.columns import find_columns
    from luthier.data.rows import parse_rows
    from luthier.errors import Place
    from luthier.models.find import find_model
    from luthier.models.load import load_tokenizer, pad_alike
    from luthier.reading.read import open_table
    from luthier.text.tokenizer import TextRule
    from luthier.types import Example

    task = catalog.task(task_name)(**{**_needed(task_name, folder.parent), **json.loads(options)})
    table = open_table(SAMPLES / f"{task_name}.jsonl")
    columns = find_columns(table.columns, task.format.columns, {}, Place("samples"))
    examples = [row for row in parse_rows(table.rows, task.format.parse, columns) if isinstance(row, Example)]
    task, _ = task.learn(examples).fitted(folder)
    found = find_model(str(folder))
    task, tokenizer, _ = task.with_tokenizer(load_tokenizer(folder))
    rule = TextRule(tokenizer.backend, max_length, tokenizer.pad_id, found.has_segments)
    loaded = task.load_model(folder, seed=0, device="cpu")
    pad_alike(loaded, tokenizer.pad_id)
    return Bench(Codec(task, rule, columns), loaded.model, examples)


def _needed(task_name: str, models: Path) -> dict[str, Any]:
    """Options without which a task cannot begin, such as the name of a further model."""
    needed = {
        "fusion": {"encoder": str(models / "vision"), "modality_dropout": 0.0},
        "seq2seq": {"max_new_tokens": 24, "samples": 3},
        "sft": {"max_new_tokens": 24, "samples": 3},
    }  # fmt: skip
    return needed.get(task_name, {})


def _texts() -> list[str]:
    rows = [
        json.loads(line)
        for path in SAMPLES.glob("*.jsonl")
        if path.stem not in _OWN_WORDS
        for line in path.read_text("utf-8").splitlines()
    ]
    words = [" ".join(words) for words in (*_WORDS.values(), _FILLER)]
    cells = [cell for row in rows for value in row.values() for cell in (value if isinstance(value, list) else [value])]
    return [cell for cell in cells if isinstance(cell, str)] + words


def _tokenizer() -> Any:
    """Whole words and single characters, lower case."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    normalizer = normalizers.BertNormalizer()
    before = pre_tokenizers.BertPreTokenizer()
    words = {word for text in _texts() for word, _ in before.pre_tokenize_str(normalizer.normalize_str(text))}
    letters = {c for word in words for c in word} | set("abcdefghijklmnopqrstuvwxyz0123456789.,!?'")
    pieces = sorted(words | letters) + sorted(f"##{c}" for c in letters)
    vocabulary = {token: i for i, token in enumerate([*special, *pieces])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, before
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


@cache
def vocabulary_size() -> int:
    return _tokenizer().get_vocab_size()


def save_tiny(folder: Path, model: Any) -> None:
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=_tokenizer(), pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
