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

CAUSAL = ("sft",)
"""Tasks of causal language models, whose samples the tokenizer of the encoders does not see."""
END_OF_TEXT = "<|endoftext|>"
CHAT_TOKENS = ("<|im_start|>", "<|im_end|>")
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class TinyModels:
    """encoder: BERT without dropout. dropout_encoder: with it. roberta, distilbert: kin with other heads and parts.
    vision: a ViT. causal: a Llama whose tokenizer reads bytes and has a chat template, ChatML."""

    encoder: Path
    dropout_encoder: Path
    roberta: Path
    distilbert: Path
    decoder: Path
    vision: Path
    causal: Path


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
    write_causal(folder / "causal")
    names = ("encoder", "dropout_encoder", "roberta", "distilbert", "decoder", "vision", "causal")
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


def write_causal(folder: Path, template: str | None = CHAT, *, special: Sequence[str] = CHAT_TOKENS) -> Path:
    """A Llama of two layers with a tokenizer of bytes and the commonest words' pieces. template: None for a base model;
    special: tokens that its tokenizer knows beside the end of text."""
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    inner = byte_tokenizer(special)
    fast = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=END_OF_TEXT, pad_token=END_OF_TEXT)
    fast.chat_template = template
    config = LlamaConfig(
        vocab_size=inner.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, intermediate_size=64, max_position_embeddings=512, bos_token_id=None,
        eos_token_id=inner.token_to_id(END_OF_TEXT), pad_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def byte_tokenizer(special: Sequence[str] = (), soft: Sequence[str] = ()) -> Any:
    """Of bytes, with the pieces of some words. soft: added tokens that are not special."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    words = " ".join([*(word for words in _WORDS.values() for word in words), *_FILLER])
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    inner.train_from_iterator([f"{words} {words}\n\nuser\nassistant\nsystem\n"], trainer)
    inner.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in (END_OF_TEXT, *special)])
    inner.add_tokens([AddedToken(token, special=False, normalized=False) for token in soft])
    return inner


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
    task = task.learn(examples)
    found = find_model(str(folder))
    task, tokenizer, _ = task.with_tokenizer(load_tokenizer(folder))
    rule = TextRule(tokenizer.backend, max_length, tokenizer.pad_id, found.has_segments)
    loaded = task.load_model(folder, seed=0, device="cpu")
    pad_alike(loaded, tokenizer.pad_id)
    return Bench(Codec(task, rule, columns), loaded.model, examples)


def _needed(task_name: str, models: Path) -> dict[str, Any]:
    """Options without which a task cannot begin: names of further models."""
    return {"fusion": {"encoder": str(models / "vision"), "modality_dropout": 0.0}}.get(task_name, {})


def _texts() -> list[str]:
    paths = [path for path in sorted(SAMPLES.glob("*.jsonl")) if path.stem not in CAUSAL]
    rows = [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]
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
