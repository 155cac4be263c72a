"""What does not fit into the memory is tried again in smaller parts, with the same result."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from luthier.errors import StoppedError
from luthier.runtime import Runtime
from luthier.training.dropout import cheap_dropout
from luthier.training.gradient.room import Room, is_out_of_memory
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser, copy_weights
from luthier.tuning.methods import full
from luthier.types import LabelledBatch, Step
from tiny import Bench, TinyModels, bench


@contextmanager
def memory_for(model: Any, tokens: int) -> Iterator[None]:
    """Inside the block the last layer finds no memory for a longer forward pass: layers below have run by then."""

    def refuse(module: Any, given: Any, said: Any) -> None:
        states: Tensor = given[0]
        if states.shape[0] * states.shape[1] > tokens:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 436.00 MiB")

    hook = model.bert.encoder.layer[-1].register_forward_hook(refuse)
    yield
    hook.remove()


def trained(ready: Bench, warnings: list[str], steps: int = 3) -> tuple[list[Step], dict[str, Tensor]]:
    def collate(step: int, numbers: Sequence[int]) -> LabelledBatch:
        return ready.codec.collate_labelled([ready.windows[i] for i in numbers], numbers)

    whole = [collate(0, range(len(ready.windows)))]
    with cheap_dropout(ready.model, 0) as noise:
        loop = train_steps(
            ready.model, ready.codec.task.objective(), [whole] * steps,
            build_optimiser(ready.model, full(ready.model).groups, "sgd", 0.01), lambda _: 1e-2, Runtime(), seed=0,
            noise=noise, room=Room(collate, warnings.append),
        )  # fmt: skip
        return list(loop), copy_weights(ready.model)


def test_out_of_memory_leaves_the_result_and_says_so_once(models: TinyModels) -> None:
    plain = trained(bench("classification", models.dropout_encoder), [])
    ready, warnings = bench("classification", models.dropout_encoder), []
    largest = max(len(w) for w in ready.windows) * len(ready.windows)
    with memory_for(ready.model, largest // 2):
        small = trained(ready, warnings)

    assert len(warnings) == 1 and f"out of memory with {largest:,} tokens" in warnings[0]
    assert [step.num_windows for step in small[0]] == [len(ready.windows)] * 3
    for one, other in zip(plain[0], small[0], strict=True):
        assert one.loss == pytest.approx(other.loss, abs=1e-5)
    for name, weight in plain[1].items():
        torch.testing.assert_close(weight, small[1][name], rtol=0, atol=1e-5)


def test_where_not_even_one_text_fits_the_run_stops_and_names_a_remedy(models: TinyModels) -> None:
    ready = bench("classification", models.encoder)
    with memory_for(ready.model, 1), pytest.raises(StoppedError) as stopped:
        trained(ready, [], steps=1)
    (problem,) = stopped.value.problems

    assert problem.code == "out-of-memory" and "train.max_length" in problem.fix


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    assert is_out_of_memory(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_layers_computed_once_more_learn_the_same(models: TinyModels) -> None:
    plain = trained(bench("classification", models.dropout_encoder), [])
    ready = bench("classification", models.dropout_encoder)
    ready.model.gradient_checkpointing_enable({"use_reentrant": False})
    anew = trained(ready, [])

    for name, weight in plain[1].items():
        torch.testing.assert_close(weight, anew[1][name], rtol=0, atol=1e-6)
