"""Frozen layers run once: what is read in their place changes no loss and no weight, and survives the process."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from luthier import catalog
from luthier.caching import Cache
from luthier.fit import fit
from luthier.progress import Progress
from luthier.runtime import Runtime
from luthier.training.checkpoint import newest_checkpoint
from luthier.training.frozen.boundary import find_boundary
from luthier.training.how import Fitted, Training
from luthier.training.journal import read_journal
from luthier.training.optimise import copy_weights
from tiny import Bench, TinyModels, bench

ROOM = 2**30


class Told(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str = "") -> None:
        self.lines.append(text)


class Done:
    """A short training, as `luthier train` does it."""

    def __init__(self, ready: Bench, folder: Path, method: str = "head", **how: Any) -> None:
        options = how.pop("options", {})
        self.said = Told()
        self.ran: list[int] = []
        tuned = catalog.tuning_method(method)(ready.model, **options)
        inner = next(part for part in _layers(tuned.model)[0].modules() if next(part.children(), None) is None)
        inner.register_forward_hook(lambda *_: self.ran.append(1))
        settings = {
            "epochs": 3, "batch_size": 4, "max_tokens": 128, "learning_rate": 1e-2, "warmup": 0.1, "weight_decay": 0.01,
            "max_grad_norm": 1.0, "optimiser": "sgd", "schedule": "linear", "save_every": 1000, "keep": 9,
            "patience": 0, "seed": 0, "cache_bytes": ROOM,
        }  # fmt: skip
        self.fitted: Fitted = fit(
            tuned, ready.codec, ready.windows, ready.examples[:6], Training(**{**settings, **how}), folder=folder,
            facts={}, runtime=Runtime(), screen=self.said,
        )  # fmt: skip
        self.weights: dict[str, Tensor] = copy_weights(tuned.model)
        journal = read_journal(folder / "metrics.jsonl")
        self.losses = [entry["loss"] for entry in journal if "loss" in entry]
        self.validation = [entry["validation"] for entry in journal if "validation" in entry]


def _layers(model: nn.Module) -> Any:
    from luthier.tuning.parts import layer_stack

    plain: Any = model.get_base_model() if hasattr(model, "get_base_model") else model
    return layer_stack(plain)[1]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("LUTHIER_CACHE", str(tmp_path / "cache"))
    return Cache(tmp_path / "cache", ROOM)


def folder_of(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


CASES = [
    ("classification", "dropout_encoder", "head", {}),
    ("classification", "dropout_encoder", "last_layers", {"n": 1}),
    ("classification", "roberta", "last_layers", {"n": 2}),
    ("classification", "distilbert", "head", {}),
    ("classification", "decoder", "last_layers", {"n": 1}),
    ("classification", "dropout_encoder", "lora", {"target_modules": ["layer.2.attention.self.query"]}),
    ("multilabel", "encoder", "last_layers", {"n": 1}),
    ("regression", "encoder", "head", {}),
    ("ner", "dropout_encoder", "last_layers", {"n": 1}),
    ("question_answering", "encoder", "head", {}),
    ("sft", "causal", "last_layers", {"n": 1}),
]


@pytest.mark.parametrize(
    ("task", "model", "method", "options"),
    [pytest.param(*case, marks=() if i == 1 else pytest.mark.slow) for i, case in enumerate(CASES)],
)
def test_losses_and_weights_are_those_of_layers_that_run_every_time(
    task: str, model: str, method: str, options: dict[str, Any], models: TinyModels, tmp_path: Path
) -> None:
    ready = bench(task, getattr(models, model))
    kept = Done(ready, folder_of(tmp_path, "kept"), method, options=options)
    plain = Done(
        bench(task, getattr(models, model)), folder_of(tmp_path, "plain"), method, options=options, cache_bytes=0
    )
    assert kept.fitted.kept_layers > 0 and plain.fitted.kept_layers == 0
    assert kept.losses == pytest.approx(plain.losses, abs=2e-5)
    for one, other in zip(kept.validation, plain.validation, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    for name, weight in kept.weights.items():
        torch.testing.assert_close(weight, plain.weights[name], rtol=0, atol=3e-4)
    assert len(kept.ran) < len(plain.ran)


def test_a_second_training_finds_them_and_ends_with_the_same_bits(models: TinyModels, tmp_path: Path) -> None:
    first = Done(bench("classification", models.dropout_encoder), folder_of(tmp_path, "first"))
    again = Done(bench("classification", models.dropout_encoder), folder_of(tmp_path, "again"))
    assert first.fitted.kept_seconds and "they ran once" in "".join(first.said.lines)
    assert not again.fitted.kept_seconds and "known from an earlier run" in "".join(again.said.lines)
    assert all(weight.equal(first.weights[name]) for name, weight in again.weights.items())
    assert again.losses == first.losses


def test_other_frozen_weights_or_other_texts_are_not_taken_for_the_same(models: TinyModels, tmp_path: Path) -> None:
    Done(bench("classification", models.dropout_encoder), folder_of(tmp_path, "first"))
    other = bench("classification", models.dropout_encoder)
    with torch.no_grad():
        _layers(other.model)[0].output.dense.bias[0] += 1e-3
    assert Done(other, folder_of(tmp_path, "weights")).fitted.kept_seconds
    shorter = bench("classification", models.dropout_encoder, max_length=8)
    assert Done(shorter, folder_of(tmp_path, "texts")).fitted.kept_seconds


def test_the_head_alone_may_differ(models: TinyModels, tmp_path: Path) -> None:
    Done(bench("classification", models.dropout_encoder), folder_of(tmp_path, "first"))
    other = bench("classification", models.dropout_encoder)
    with torch.no_grad():
        other.model.get_submodule("classifier").get_parameter("weight").mul_(2)
    assert not Done(other, folder_of(tmp_path, "head")).fitted.kept_seconds


@pytest.mark.parametrize("how", [{"cache_bytes": 40}, {"epochs": 1}, {"neftune_alpha": 5.0}])
def test_where_it_cannot_be_or_does_not_pay_the_layers_run(
    how: dict[str, Any], models: TinyModels, tmp_path: Path, cache: Cache
) -> None:
    done = Done(bench("classification", models.dropout_encoder), folder_of(tmp_path, "run"), **how)
    assert done.fitted.kept_layers == 0 and cache.bytes_used() == 0
    assert ("more than train.cache_bytes=40" in "".join(done.said.lines)) == ("cache_bytes" in how)


def test_a_frozen_layer_has_no_dropout_kept_or_not(models: TinyModels, tmp_path: Path) -> None:
    """A feature of the text is the same at every step; what learns above it still drops."""
    ready = bench("classification", models.dropout_encoder)
    modes: list[tuple[bool, bool]] = []
    layers = _layers(ready.model)
    layers[2].register_forward_hook(lambda *_: modes.append((layers[0].training, layers[2].training)))
    Done(ready, folder_of(tmp_path, "run"), "last_layers", options={"n": 1}, cache_bytes=0)
    assert (False, True) in modes and (True, True) not in modes


@pytest.mark.parametrize(
    ("method", "count"), [("full", None), ("head", 3), ("last_layers", 1), ("pattern", None), ("lora", None)]
)
def test_the_boundary_is_the_lowest_layer_that_learns(method: str, count: int | None, models: TinyModels) -> None:
    tuned = catalog.tuning_method(method)(copy.deepcopy(bench("classification", models.encoder).model))
    found = find_boundary(tuned.model)
    assert (None if found is None else len(found.layers)) == count


def test_a_resume_reads_what_was_kept_and_ends_with_the_same_bits(models: TinyModels, tmp_path: Path) -> None:
    import shutil

    from luthier.tuning.methods import head

    whole = Done(bench("classification", models.dropout_encoder), folder_of(tmp_path, "whole"))
    checkpoints = tmp_path / "whole" / "checkpoints"
    steps = sorted(int(path.name.split("-")[1]) for path in checkpoints.iterdir())
    for step in steps[1:]:
        shutil.rmtree(checkpoints / f"checkpoint-{step}")
    found = newest_checkpoint(checkpoints, [])
    assert found is not None
    ready = bench("classification", models.dropout_encoder)
    tuned = head(ready.model)
    how = Training(3, 4, 128, 1e-2, 0.1, 0.01, 1.0, "sgd", "linear", 1000, 9, 0, 0, cache_bytes=ROOM)
    fit(tuned, ready.codec, ready.windows, ready.examples[:6], how, folder=tmp_path / "whole", facts={},
        runtime=Runtime(), screen=Progress(), state=found[0])  # fmt: skip
    assert all(weight.equal(whole.weights[name]) for name, weight in copy_weights(tuned.model).items())
