"""A step is a sum divided once, whatever it is cut into; what is not finite is not applied."""

import math

import pytest
import torch
from torch import Tensor

from luthier import catalog
from luthier.runtime import Runtime
from luthier.training.dropout import Noise, cheap_dropout
from luthier.training.loop import LossScale, train_steps
from luthier.training.optimise import build_optimiser, copy_weights
from luthier.tuning.methods import full
from luthier.types import Step
from marks import some_fast
from tiny import Bench, TinyModels, bench

Result = tuple[list[Step], dict[str, Tensor]]


def train(ready: Bench, sizes: int, steps: int = 3, noise: Noise | None = None, **options: float) -> Result:
    """A few steps on all samples, in micro-batches of `sizes` windows. Not by Adam: some weights, such as a bias that
    all positions share under a softmax, have no gradient but rounding, which it would blow up."""
    loop = train_steps(
        ready.model, ready.codec.task.objective(), [ready.batches(sizes)] * steps,
        build_optimiser(ready.model, full(ready.model).groups, "sgd", 0.01), lambda _: 1e-2, Runtime(), seed=0,
        noise=noise, **options,
    )  # fmt: skip
    return list(loop), copy_weights(ready.model)


def assert_same(a: Result, b: Result) -> None:
    for one, other in zip(a[0], b[0], strict=True):
        assert one.loss == pytest.approx(other.loss, abs=1e-5)
        assert one.grad_norm == pytest.approx(other.grad_norm, rel=1e-3)
        assert (one.num_targets, one.num_tokens) == (other.num_targets, other.num_tokens)
    for name, weight in a[1].items():
        torch.testing.assert_close(weight, b[1][name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("task", some_fast(catalog.task_names(), ("classification", "ner", "sft")))
def test_one_batch_equals_several_accumulated_ones(task: str, models: TinyModels) -> None:
    folder = models.suited(task)
    assert_same(train(bench(task, folder), sizes=99), train(bench(task, folder), sizes=2))


def test_one_batch_equals_several_accumulated_ones_with_dropout_too(models: TinyModels) -> None:
    results = []
    for sizes in (99, 2):
        ready = bench("classification", models.dropout_encoder)
        with cheap_dropout(ready.model, 0) as noise:
            results.append(train(ready, sizes, noise=noise))
    assert_same(*results)


def test_a_step_tells_what_it_did(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    (step,) = train(ready, sizes=99, steps=1)[0]
    lengths = [len(window) for window in ready.windows]
    assert (step.number, step.num_targets, step.num_tokens) == (1, len(lengths), sum(lengths))
    assert step.padded_tokens == max(lengths) * len(lengths)
    assert step.loss == pytest.approx(math.log(3), abs=0.3)  # three classes, random weights
    assert step.learning_rate == 1e-2 and step.applied


def test_training_stops_when_nobody_asks_for_more(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    loop = train_steps(
        ready.model, ready.codec.task.loss, [ready.batches(9)] * 9,
        build_optimiser(ready.model, full(ready.model).groups, "adamw", 0.0), lambda _: 1e-3, Runtime(), seed=0,
    )  # fmt: skip
    assert [next(loop).number, next(loop).number] == [1, 2]


def test_long_gradients_are_shortened_to_the_limit_and_0_leaves_them(models: TinyModels) -> None:
    def move(limit: float) -> float:
        ready = bench("classification", models.encoder)
        before = copy_weights(ready.model)
        loop = train_steps(
            ready.model, ready.codec.task.loss, [ready.batches(99)],
            build_optimiser(ready.model, full(ready.model).groups, "sgd", 0.0), lambda _: 1.0, Runtime(), seed=0,
            max_grad_norm=limit,
        )  # fmt: skip
        list(loop)
        after = copy_weights(ready.model)
        return math.sqrt(sum((after[n] - before[n]).square().sum().item() for n in before))

    assert move(0.01) == pytest.approx(0.01, rel=1e-3)
    assert move(0) > 0.02


def test_a_step_that_is_not_finite_changes_nothing_and_says_so(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    before = copy_weights(ready.model)
    loop = train_steps(
        ready.model, lambda model, batch: ready.codec.task.loss(model, batch) * float("nan"), [ready.batches(9)] * 2,
        build_optimiser(ready.model, full(ready.model).groups, "sgd", 0.01), lambda _: 1e-2, Runtime(), seed=0,
    )  # fmt: skip
    assert [step.applied for step in loop] == [False, False]
    for name, weight in copy_weights(ready.model).items():
        assert weight.equal(before[name])


def test_a_scaled_loss_gives_the_same_step(models: TinyModels) -> None:
    plain = train(bench("classification", models.encoder), 9)
    scaled = train(bench("classification", models.encoder), 9, scale=LossScale(1024.0))
    assert_same(plain, scaled)


def test_the_loss_scale_halves_after_an_overflow_and_grows_after_many_good_steps() -> None:
    scale = LossScale(1024.0, patience=3)
    scale.after(False)
    assert scale.value == 512.0
    for _ in range(3):
        scale.after(True)
    assert scale.value == 1024.0


def test_bf16_follows_fp32_closely(models: TinyModels) -> None:
    def losses(precision: str) -> list[float]:
        ready = bench("classification", models.encoder)
        loop = train_steps(
            ready.model, ready.codec.task.loss, [ready.batches(9)] * 12,
            build_optimiser(ready.model, full(ready.model).groups, "adamw", 0.0), lambda _: 3e-3,
            Runtime(precision=precision), seed=0,
        )  # fmt: skip
        return [step.loss for step in loop]

    plain, rounded = losses("fp32"), losses("bf16")
    assert rounded != plain
    assert rounded == pytest.approx(plain, abs=0.05)
    assert rounded[-1] < rounded[0] - 0.1
