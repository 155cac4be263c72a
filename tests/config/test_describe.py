"""The schema that editors are given takes what Luthier takes, and marks what Luthier refuses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from luthier.cli.main import main
from luthier.config.describe import config_schema
from luthier.config.meanings import _MEANINGS as MEANINGS
from luthier.config.schema import Settings
from luthier.config.settings import load_settings
from luthier.config.write import as_yaml
from luthier.errors import ConfigError

ROOT = Path(__file__).parents[2]
SCHEMA = Draft202012Validator(config_schema())


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def shown() -> list[Any]:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    blocks = [block for page in pages for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S)]
    return [read(text) for text in [*(path.read_text() for path in ROOT.glob("recipes/*.yaml")), *blocks]]


def test_it_is_a_schema_and_says_what_each_setting_wants() -> None:
    Draft202012Validator.check_schema(SCHEMA.schema)
    training = SCHEMA.schema["$defs"]["TrainSettings"]["properties"]
    words = "share of the steps in which the learning rate rises (a share from 0 to below 1, or auto)"
    assert training["warmup"]["description"] == words
    assert "title" not in training["warmup"]


def test_every_key_and_every_option_says_what_it_means_and_no_meaning_is_left_over() -> None:
    schema, said, silent = SCHEMA.schema, set[str](), list[str]()
    sections = [("", schema["properties"]), ("data.split", schema["$defs"]["SplitSettings"]["properties"])]
    for name in ("data", "train", "search", "distil"):
        sections.append((name, schema["$defs"][f"{name.title()}Settings"]["properties"]))
    for section, properties in sections:
        keys = {f"{section}.{key}".strip(".") for key, kind in properties.items() if "$ref" not in kind}
        silent += [key for key in keys if key not in MEANINGS]
        said |= keys
    for section in ("task", "tuning", "balance", "augment"):
        for one in schema["properties"][section]["anyOf"]:
            if "additionalProperties" in one:  # ours; PEFT's methods take any option
                (name,) = (kind["const"] for kind in one["properties"].values() if "const" in kind)
                silent += [f"{section}={name}"] * (not one["description"])
                said.add(f"{section}={name}")
                for option, kind in one["properties"].items():
                    if "const" not in kind:
                        silent += [f"{section}={name}.{option}"] * ("description" not in kind)
                        said |= {f"{section}.{option}", f"{section}.{name}.{option}"}
    assert not silent
    assert not set(MEANINGS) - said


def test_it_speaks_the_users_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTHIER_LANG", "zh")
    found = config_schema()["$defs"]["TrainSettings"]["properties"]["warmup"]["description"]
    assert found != SCHEMA.schema["$defs"]["TrainSettings"]["properties"]["warmup"]["description"]


def test_every_recipe_and_every_configuration_of_the_docs_fits() -> None:
    found = [config for config in shown() if set(config) <= set(Settings.model_fields)]
    assert len(found) > 8
    for config in found:
        assert not [error.message for error in SCHEMA.iter_errors(config)], config


def test_what_a_run_keeps_of_its_configuration_fits() -> None:
    settings = load_settings(None, ["task=classification", "tuning.method=lora", "tuning.r=4", "data.train=a.csv"])
    assert not list(SCHEMA.iter_errors(read(as_yaml(settings, ""))))


@pytest.mark.parametrize(
    "config",
    [
        {"trian": {"epochs": 3}},
        {"train": {"epoch": 3}},
        {"train": {"epochs": 0}},
        {"train": {"optimiser": "adamm"}},
        {"task": "clasification"},
        {"task": {"name": "ner", "label_smoothing_": 0.1}},
        {"tuning": {"method": "lora", "n": 2}},
        {"tuning": {"method": "lora", "r": "many"}},
        {"balance": "oversampel"},
        {"augment": {"method": "swap", "shar": 0.1}},
        {"data": {"split": {"test_size": 0.2}}},
    ],
    ids=json.dumps,
)
def test_what_is_refused_is_marked(config: dict[str, Any]) -> None:
    assert list(SCHEMA.iter_errors(config))
    with pytest.raises(ConfigError):
        load_settings(None, values=config)


@pytest.mark.parametrize(
    "config",
    [
        {"task": {"label_smoothing": 0.1}},
        {"task": "ner", "tuning": {"layer_decay": 0.9}},
        {"tuning": "prefix_tuning"},
        {"tuning": {"method": "prefix_tuning", "num_virtual_tokens": 8}},
        {"data": {"train": ["a.csv", "b.csv"], "clean": "html, whitespace", "mix": {"a.csv": 0.5}}},
        {"train": {"epochs": "auto", "learning_rate": 2e-5}},
    ],
    ids=json.dumps,
)
def test_what_is_taken_is_not_marked(config: dict[str, Any]) -> None:
    load_settings(None, values=config)
    assert not list(SCHEMA.iter_errors(config))


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA.schema
    assert main(["schema", "--json"]) == 0
    assert capsys.readouterr().out.count("\n") == 1
