"""Bad settings, a line a case, through a file and through key=value; and random ones from the schema itself."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pydantic import BaseModel

from luthier.config.schema import Settings
from luthier.config.settings import known_keys, load_settings
from luthier.errors import ConfigError

CASES = [
    # unknown, misspelt, in the wrong section
    ("train.learning_rat", "3e-5", "unknown setting 'train.learning_rat'", "did you mean 'train.learning_rate'?"),
    ("trian.epochs", "3", "unknown setting 'trian'", "did you mean 'train'?"),
    ("learning_rate", "3e-5", "unknown setting 'learning_rate'", "it belongs to train.learning_rate"),
    ("model.epochs", "3", "model is", "it wants a text"),
    ("data.test_size", "0.2", "unknown setting 'data.test_size'", "here it is called data.split.test"),
    ("data.split.sead", "3", "unknown setting 'data.split.sead'", "did you mean 'data.split.seed'?"),
    ("tuning.rank", "8", "unknown setting 'tuning.rank'", "here it is called tuning.r"),
    ("task.smoothing", "0.1", "unknown setting 'task.smoothing'", "did you mean 'task.label_smoothing'?"),
    # wrong type
    ("train.epochs", "many", "train.epochs is 'many'", "a whole number from 1, or auto"),
    ("train.batch_size", "2.5", "train.batch_size is '2.5'", "a whole number"),
    ("train.batch_size", "yes", "train.batch_size is", "a whole number"),
    ("train.epochs", "true", "train.epochs is 'True'", "a whole number"),
    ("train.epochs", "[3]", "train.epochs is '[3]'", "a whole number"),
    ("train.learning_rate", "fast", "train.learning_rate is 'fast'", "a number above 0"),
    ("train.seed", "abc", "train.seed is 'abc'", "a whole number from 0"),
    ("data.header", "2", "data.header is '2'", "true or false"),
    ("data.columns", "text", "data.columns is 'text'", "'key: value' lines"),
    ("data.split", "0.2", "data.split is '0.2'", "'key: value' lines"),
    ("data", "tickets.csv", "data is 'tickets.csv'", "'key: value' lines"),
    ("train", "5", "train is '5'", "'key: value' lines"),
    # out of range
    ("train.epochs", "0", "train.epochs is '0'", "from 1"),
    ("train.epochs", "-1", "train.epochs is '-1'", "from 1"),
    ("train.learning_rate", "0", "train.learning_rate is '0'", "above 0"),
    ("train.learning_rate", "-1e-5", "train.learning_rate is", "above 0"),
    ("train.learning_rate", ".nan", "train.learning_rate is 'nan'", "above 0"),
    ("train.learning_rate", ".inf", "train.learning_rate is 'inf'", "above 0"),
    ("train.warmup", "1", "train.warmup is '1'", "from 0 to below 1"),
    ("train.weight_decay", "2", "train.weight_decay is '2'", "from 0 to 1"),
    ("train.neftune_alpha", "-1", "train.neftune_alpha is '-1'", "a number from 0"),
    ("train.max_length", "2", "train.max_length is '2'", "from 3"),
    ("train.keep", "0", "train.keep is '0'", "from 1"),
    ("train.seed", "-1", "train.seed is '-1'", "from 0"),
    ("data.split.test", "1.5", "data.split.test is '1.5'", "from 0 to below 1"),
    ("data.split.validation", "-0.1", "data.split.validation is '-0.1'", "from 0 to below 1"),
    ("task.label_smoothing", "1.0", "is 1.0", "from 0 to below 1"),
    ("data.max_bytes", "0", "data.max_bytes is '0'", "from 1"),
    # unknown choice
    ("task", "clasification", "there is no task 'clasification'", "did you mean 'classification'?"),
    ("tuning", "lorra", "there is no tuning method 'lorra'", "did you mean 'lora'?"),
    (
        "tuning.method",
        "qlorra",
        "there is no tuning method 'qlorra'",
        "known: full, ",
    ),
    ("train.precision", "bf61", "train.precision is 'bf61'", "did you mean 'bf16'?"),
    ("train.precision", "int4", "train.precision is 'int4'", "auto, fp32, bf16 or fp16"),
    ("train.schedule", "cosin", "train.schedule is 'cosin'", "did you mean 'cosine'?"),
    ("train.optimiser", "adamm", "train.optimiser is 'adamm'", "did you mean 'adam"),
    ("train.head_init", "zero", "train.head_init is 'zero'", "auto, align, probe or random"),
    ("data.split.by", "groups", "data.split.by is 'groups'", "did you mean 'group'?"),
    ("data.bad_rows", "drop", "data.bad_rows is 'drop'", "refuse or skip"),
    # contradictions
    ("data.split.by", "group", "names no group column", "data.split.group"),
    ("data.split", "{test: 0.6, validation: 0.5}", "1.1 of the data together", ""),
    ("tuning", "{method: full, r: 8}", "unknown setting 'tuning.r' for 'full'", "tuning.method=lora"),
]


def as_file(folder: Path, key: str, value: str) -> tuple[Path, int]:
    """The setting in a file behind others; and the line on which it stands."""
    *sections, name = key.split(".")
    lines = ["# a configuration", "out: runs/x"]
    for depth, section in enumerate(sections):
        lines.append("  " * depth + f"{section}:")
    lines.append("  " * len(sections) + f"{name}: {value}")
    path = folder / "luthier.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path, len(lines)


@pytest.mark.parametrize(("key", "value", "says", "fix"), CASES, ids=[f"{key}={value}" for key, value, *_ in CASES])
def test_a_bad_setting_is_refused_alike_in_a_file_and_on_the_command_line(
    key: str, value: str, says: str, fix: str, tmp_path: Path
) -> None:
    path, line = as_file(tmp_path, key, value)
    for settings in (lambda: load_settings(path), lambda: load_settings(None, [f"{key}={value}"])):
        with pytest.raises(ConfigError) as caught:
            settings()
        told = "\n".join(f"{p.what} {p.fix}" for p in caught.value.problems)
        assert says in told and fix in told, told
        assert all(p.fix for p in caught.value.problems)
        assert caught.value.exit_code == 2
    lines = {p.place.line for p in caught_in_file(path)}
    assert lines & set(range(3, line + 1)), lines


def caught_in_file(path: Path):
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert all(p.place.file == str(path) for p in caught.value.problems if p.place.line)
    return caught.value.problems


MUTANTS = [
    "many",
    "-7",
    "1.5",
    "0",
    "true",
    "[1, 2]",
    "{a: 1}",
    ".nan",
    "99999999999999999999999",
    "null",
    "''",
    "x" * 300,
]


def test_of_300_random_settings_each_is_valid_or_refused_by_its_own_name() -> None:
    draw = random.Random(20261125)
    keys = known_keys()
    refused = 0
    for _ in range(300):
        key, value = draw.choice(keys), draw.choice(MUTANTS)
        if draw.random() < 0.3:  # a letter too few
            cut = draw.randrange(len(key))
            key = (key[:cut] + key[cut + 1 :]).strip(".").replace("..", ".")
        try:
            load_settings(None, [f"{key}={value}"])
        except ConfigError as error:
            refused += 1
            told = str(error)
            assert any(part in told for part in (key, key.split(".")[0])), (key, value, told)
            assert "fix: " in told
    assert refused > 150


def test_every_setting_says_in_words_what_it_wants() -> None:
    def fields(model: type[BaseModel]):
        for name, info in model.model_fields.items():
            inner = info.annotation
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from fields(inner)
            else:
                yield name, info

    for name, info in fields(Settings):
        if name not in ("task", "tuning", "balance", "augment", "columns"):
            assert isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("wanted"), name
