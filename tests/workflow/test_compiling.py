"""Layers are compiled in long runs on a GPU, and where it cannot be a run says why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier import defaults
from luthier.config.settings import load_settings
from luthier.defaults import Facts, choose
from luthier.models.find import find_model
from luthier.training.gradient import compiled
from tiny import TinyModels
from workflow.helpers import refused


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine with a GPU has beside it."""
    monkeypatch.setattr(compiled, "find_spec", lambda name: object())
    monkeypatch.setattr(compiled.shutil, "which", lambda name: "/usr/bin/cc")


def chosen(models: TinyModels, rows: int, device: str, *words: str) -> tuple[Any, str]:
    """Of the decision, and its reason; "" where it is not told."""
    model = find_model(str(models.causal))
    lengths = np.full(rows, 200)
    facts = Facts(lengths, rows, [None] * rows, (3, "usual"), model, device, "bf16", validated=True, writes=True)
    settings, choices = choose(load_settings(None, ["data.train=rows.jsonl", "task=sft", *words]), facts)
    return settings.train.compile, next((c.reason for c in choices if c.key == "train.compile"), "")


@pytest.mark.usefixtures("gpu")
def test_a_long_run_is_compiled_and_a_short_one_is_not(models: TinyModels) -> None:
    long, why = chosen(models, 20_000_000, "cuda:0")
    assert long is True and "minutes of steps" in why
    short, why = chosen(models, 500, "cuda:0")
    assert short is False and "longer than it saves" in why


@pytest.mark.usefixtures("gpu")
def test_what_the_user_says_goes_before_it(models: TinyModels) -> None:
    assert chosen(models, 500, "cuda:0", "train.compile=true") == (True, "")
    assert chosen(models, 20_000_000, "cuda:0", "train.compile=false") == (False, "")


def test_on_a_cpu_nothing_is_said_of_it(models: TinyModels) -> None:
    assert chosen(models, 20_000_000, "cpu") == (False, "")


@pytest.mark.usefixtures("gpu")
def test_layers_that_compute_themselves_once_more_stay_as_they_are(models: TinyModels) -> None:
    found, why = chosen(models, 20_000_000, "cuda:0", "train.gradient_checkpointing=true")
    assert found is False and "once more" in why
    with pytest.raises(defaults.ConfigError, match=r"train\.compile=auto"):
        chosen(models, 500, "cuda:0", "train.gradient_checkpointing=true", "train.compile=true")


def test_the_command_refuses_it_without_a_gpu_before_anything_is_written(models: TinyModels, tmp_path: Path) -> None:
    assert "only a GPU gains from it" in refused(models.encoder, tmp_path, "train.compile=true")
