"""What a run will take, reckoned: the numbers are asked of what will do the work."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from luthier.config.settings import load_settings
from luthier.errors import ConfigError
from luthier.planning.forecast import Forecast, Limits, forecast
from luthier.planning.reckoning.memory import state_bytes
from luthier.planning.steps import Timed, steps_to_try
from luthier.planning.words import read_bytes, read_seconds
from luthier.preparing.prepare import prepare
from luthier.progress import SILENT
from tiny import SAMPLES, TinyModels

Foretold = Callable[..., Forecast]


@pytest.fixture
def foretold(models: TinyModels) -> Foretold:
    def tell(task: str, **values: object) -> Forecast:
        given = {"data.train": str(SAMPLES / f"{task}.jsonl"), "task.name": task, "model": str(models.suited(task))}
        settings = load_settings(None, [f"{key}={value}" for key, value in values.items()], given)
        return forecast(settings, prepare(settings), SILENT)

    return tell


def test_amounts_are_read_as_people_write_them() -> None:
    assert [read_bytes(text) for text in ("8GiB", "1.5 gb", "512m")] == [8 * 2**30, 1.5e9, 512 * 2**20]
    assert [read_seconds(text) for text in ("1h30m", "90 min", "45s")] == [5400, 5400, 45]


@pytest.mark.parametrize(("read", "text"), [(read_bytes, "lots"), (read_bytes, "0"), (read_seconds, "soon"),
                                            (read_seconds, "5"), (read_seconds, "5 fortnights")])  # fmt: skip
def test_what_is_no_amount_is_refused_with_an_example(read: Callable[[str], float], text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert text in str(refused.value) and "--" in str(refused.value)


def test_the_optimiser_itself_says_what_it_keeps() -> None:
    assert [state_bytes(name) for name in ("adamw", "adam", "sgd")] == [8, 8, 4]


def test_a_run_is_as_long_as_its_steps_whatever_their_lengths() -> None:
    flops_S = np.linspace(1e9, 9e9, 50)
    slow = Timed(first=7.0, steps=tuple((f, 0.2 + f / 1e10) for f in (9e9, 5e9, 1e9)))
    assert slow.seconds(flops_S, 3) == pytest.approx(3 * (0.2 * 50 + flops_S.sum() / 1e10) + 7.0 - 0.3, rel=1e-3)


def test_what_runs_once_is_counted_once() -> None:
    steps = tuple((f, 0.1 + f / 1e10) for f in (9e9, 5e9, 1e9))
    one, three = (Timed(0.0, steps, once=20.0).seconds(np.full(10, 5e9), epochs) for epochs in (1, 3))
    assert three - one == pytest.approx(2 * 10 * 0.6, rel=1e-3) and one == pytest.approx(20 + 10 * 0.6, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classification", "sft"])
def test_what_autograd_keeps_of_another_batch_is_foretold(task: str, models: TinyModels) -> None:
    from luthier.planning.reckoning import kept
    from luthier.runtime import Runtime
    from luthier.training.gradient.around import as_it_learns
    from luthier.training.how import Training
    from luthier.tuning.parts import Tuned, unchanged
    from tiny import bench

    made = bench(task, models.dropout_encoder if task == "classification" else models.suited(task), max_length=64)
    how = Training(1, 8, 4096, 1e-3, 0, 0, 1, "adamw", "linear", 10, 1, 0, 0)
    around: AbstractContextManager[object] = as_it_learns(
        made.model, made.codec, made.windows, [], Runtime(), seed=0, packing=False, neftune_alpha=0, any_token=False
    )
    tuned = Tuned(made.model, (), unchanged(made.model))
    with around as noise:
        found = kept.count_kept(tuned, made.codec, made.windows, how, Runtime(), noise)
        numbers = list(range(min(7, len(made.windows))))
        count, facts = kept._counted(tuned, made.codec, made.windows, numbers, how, Runtime(), noise)
    assert float(found.of(*facts)) == pytest.approx(sum(count.storages.values()), rel=0.1)


@pytest.mark.slow
def test_the_step_that_holds_most_is_tried_and_so_is_the_mean_one(foretold: Foretold) -> None:
    told = foretold("classification", **{"train.batch_size": 4})
    assert told.found is not None
    course, flops_S = told.found.course, told.flops_S
    tried = steps_to_try(course, told.found.kept, flops_S)
    longest = course.most(course.tokens)
    assert longest[tried[1]] == longest.max()
    assert abs(flops_S[tried[0]] - flops_S.mean()) == np.abs(flops_S - flops_S.mean()).min()


@pytest.mark.slow
@pytest.mark.parametrize("task", ["ner", "multilabel", "retrieval", "seq2seq", "pretrain"])
def test_every_kind_of_task_is_reckoned(task: str, foretold: Foretold) -> None:
    told = foretold(task, **{"train.epochs": 2})
    parts = told.memory.parts
    assert told.epochs == 2 and told.per_epoch >= 1
    assert parts["activations"] + parts["logits"] > 0 and parts["moments"] == pytest.approx(8 * _learnt(told))
    assert all(value >= 0 for value in told.seconds.values()) and told.peak > parts["runtime"]


@pytest.mark.slow
def test_methods_differ_by_what_learns_and_by_nothing_else(foretold: Foretold) -> None:
    told = {name: foretold("sft", **{"tuning.method": name}) for name in ("full", "lora", "prompt_tuning")}
    full = told["full"]
    assert full.trained == full.parameters
    for name in ("lora", "prompt_tuning"):
        assert told[name].trained < full.trained / 2
        assert told[name].memory.parts["moments"] == pytest.approx(8 * told[name].trained)
        assert told[name].disk["checkpoints"] < full.disk["checkpoints"] / 2


@pytest.mark.slow
def test_frozen_layers_are_reckoned_once_and_not_in_every_epoch_where_a_run_would_keep_what_they_give(
    foretold: Foretold,
) -> None:
    asked = {"tuning.method": "head", "train.epochs": 4}
    kept, anew, once, augmented = (
        foretold("classification", **{**asked, **more}).found
        for more in ({}, {"train.cache_bytes": 0}, {"train.epochs": 1}, {"augment.method": "swap"})
    )
    assert kept is not None and anew is not None and once is not None and augmented is not None
    assert kept.speed.flops == 0 < anew.speed.flops and kept.speed.once > 0
    assert anew.speed.once == once.speed.once == augmented.speed.once == 0
    assert kept.speed.once < 2 * anew.speed.flops  # of four epochs
    assert kept.seconds["evaluating"] < anew.seconds["evaluating"] / 2


def _learnt(told: Forecast) -> float:
    """Numbers that learn, without the embedding's rows that no text of the data has."""
    return told.memory.parts["copies"] / 12


def test_numbers_of_any_kind_are_held_against_the_limits() -> None:
    told: Any = SimpleNamespace(peak=np.float64(5), total_seconds=np.float64(50))
    assert Forecast.over(told, Limits(memory=4, seconds=60)) == ["memory"]
    assert Forecast.over(told, Limits(memory=6, seconds=40)) == ["time"]
    assert Forecast.over(told, Limits()) == []
