"""A tokenizer learnt from texts, and the untrained model beside it."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from luthier.config.schema import DataSettings, Settings
from luthier.errors import ConfigError, DataError, RunError
from luthier.making.tokenizer import Asked, Made, make_tokenizer
from luthier.making.untrained import Size
from tiny import SAMPLES, write_jsonl
from workflow.helpers import luthier

ENGLISH = SAMPLES / "pretrain.jsonl"
CHINESE = ["宝玉听了，忙起身问道：林妹妹可好些了？", "黛玉笑道：我不过是昨夜没睡好，今日便懒得动。"] * 4
STRANGE = "Ünïcode 😀 と 汉字\n\ttabs  2026 <|im_end|>"
SMALL = Size(2, 32, 4, 64)


def make(folder: Path, data: Path = ENGLISH, **asked: Any) -> Made:
    settings = Settings(data=DataSettings(train=str(data)))
    return make_tokenizer(settings, folder, Asked(**{"vocabulary": 700, "size": SMALL, **asked}))


@pytest.mark.parametrize("kind", ["bpe", "unigram", "characters"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_nobody_has_seen_is_read_back_as_it_was(tmp_path: Path, kind: str, language: str) -> None:
    data = ENGLISH if language == "en" else write_jsonl(tmp_path / "zh.jsonl", ({"text": text} for text in CHINESE))
    made = make(tmp_path / "out", data, kind=kind)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    for text in (STRANGE, CHINESE[0], "The mill stands by the river."):
        ids = tokenizer(text, split_special_tokens=True)["input_ids"]
        assert tokenizer.decode(ids) == text
        assert tokenizer.unk_token_id is None or tokenizer.unk_token_id not in ids
    assert made.unknown == 0.0 and made.vocabulary == len(tokenizer) <= 700


def test_word_pieces_take_each_chinese_character_by_itself_and_keep_capitals(tmp_path: Path) -> None:
    data = write_jsonl(tmp_path / "d.jsonl", [{"text": text} for text in [*CHINESE, "Mill and mill", "Mill"]])
    make(tmp_path / "out", data, kind="wordpiece")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.tokenize("宝玉可好Mill") == ["宝", "玉", "可", "好", "Mill"]
    assert tokenizer.convert_tokens_to_ids("M") != tokenizer.unk_token_id


@pytest.mark.parametrize(
    ("model", "kind", "roles"),
    [
        ("llama", "bpe", {"eos": "<|endoftext|>", "bos": "<|endoftext|>", "pad": "<|pad|>"}),
        ("bert", "wordpiece", {"cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]", "pad": "[PAD]", "unk": "[UNK]"}),
        (
            "roberta",
            "bpe",
            {"cls": "<s>", "sep": "</s>", "mask": "<mask>", "pad": "<pad>", "bos": "<s>", "eos": "</s>"},
        ),
        ("t5", "unigram", {"eos": "</s>", "pad": "<pad>", "unk": "<unk>"}),
        ("bart", "bpe", {"bos": "<s>", "eos": "</s>", "mask": "<mask>", "pad": "<pad>"}),
    ],
)
def test_each_make_has_its_special_tokens_and_a_model_that_knows_their_ids(
    tmp_path: Path, model: str, kind: str, roles: dict[str, str]
) -> None:
    made = make(tmp_path / "out", model=model)
    tokenizer, config = AutoTokenizer.from_pretrained(tmp_path / "out"), AutoConfig.from_pretrained(tmp_path / "out")
    assert (made.kind, config.model_type, config.vocab_size) == (kind, model, len(tokenizer))
    for role, token in roles.items():
        assert getattr(tokenizer, f"{role}_token") == token
        own = getattr(config, f"{role}_token_id", None)
        assert own is None or own == getattr(tokenizer, f"{role}_token_id")
    assert tokenizer.pad_token_id not in (tokenizer.eos_token_id, None)
    sizes = (config.num_hidden_layers, config.hidden_size, config.num_attention_heads)
    assert sizes == (2, 32, 4) and config.tie_word_embeddings
    if config.is_encoder_decoder:
        assert config.decoder_start_token_id == (tokenizer.eos_token_id if model == "bart" else tokenizer.pad_token_id)


def test_a_causal_model_has_a_chat_template_whose_turns_end_with_a_token_that_stops_it(tmp_path: Path) -> None:
    make(tmp_path / "out", model="qwen3")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    said = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert said == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert end in tokenizer.all_special_ids and end != tokenizer.eos_token_id
    assert GenerationConfig.from_pretrained(tmp_path / "out").eos_token_id == [tokenizer.eos_token_id, end]


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", ["mistral", "gpt2", "gemma3_text", "mixtral", "modernbert", "deberta-v2", "mt5", "opt"]
)
def test_other_makes_are_built_in_the_same_sizes(tmp_path: Path, model: str) -> None:
    made = make(tmp_path / "out", model=model)
    config = AutoConfig.from_pretrained(tmp_path / "out")
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (2, 32, 4)
    assert 30_000 < made.parameters < 400_000


def test_roberta_reads_as_many_tokens_as_were_asked_for(tmp_path: Path) -> None:
    from luthier.models.find import find_model

    make(tmp_path / "out", model="roberta")
    assert find_model(str(tmp_path / "out"), weights=False).most_tokens == 64


def test_every_text_of_a_row_is_learnt_from_answers_included(tmp_path: Path) -> None:
    rows = [{"input": f"question {n}", "output": f"It is {n} times Zyzzogeton, and more."} for n in range(20)]
    make(tmp_path / "out", write_jsonl(tmp_path / "d.jsonl", rows), vocabulary=400)
    assert "Zyzzogeton" in " ".join(AutoTokenizer.from_pretrained(tmp_path / "out").get_vocab())


def test_the_command_tells_what_came_out_and_writes_nothing_over(tmp_path: Path) -> None:
    words = ("tokenizer", ENGLISH, "--out", tmp_path / "out", "--vocabulary", 400)
    done = luthier(*words)
    assert done.returncode == 0 and done.stderr == ""
    assert "bpe tokenizer of 400 tokens, learnt from 12 texts" in done.stdout and "The· " in done.stdout
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "chat_template.jinja", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    again = luthier(*words)
    assert again.returncode == 2 and "exists already" in again.stderr
    found = json.loads(luthier(*words[:3], tmp_path / "other", "--json", "--vocabulary", 400).stdout)
    assert found["vocabulary"] == 400 and 0.2 < found["tokens_per_character"] < 1


def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="there is no language model 'lama'"):
        make(out, model="lama")
    with pytest.raises(ConfigError, match="cannot be built in this size"):
        make(out, model="llama", size=Size(2, 30, 4, 64))
    with pytest.raises(ConfigError, match="single bytes and special tokens alone need 260"):
        make(out, vocabulary=100)
    with pytest.raises(ConfigError, match="there is no kind of tokenizer 'bpa'"):
        make(out, kind="bpa")
    with pytest.raises(DataError):
        make(out, tmp_path / "nothing.txt")
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(RunError, match="exists already"):
        make(out)
    assert [p.name for p in out.iterdir()] == ["mine"]
