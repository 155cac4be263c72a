"""Whether, and how, a training lets its frozen layers run once only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from luthier.batching import cut
from luthier.caching import Cache, NoRoom, key_of
from luthier.codec import Codec
from luthier.files import size_text
from luthier.language import t
from luthier.objective import Joint
from luthier.progress import Progress as Screen
from luthier.runtime import Runtime
from luthier.task import Task
from luthier.training.augmented import Augmented
from luthier.training.frozen.boundary import Boundary, find_boundary
from luthier.training.frozen.reading import Reader, alike, read_instead, same_step
from luthier.training.frozen.states import Pass, States, computed, kept_states
from luthier.training.how import Training
from luthier.tuning.parts import Tuned, layers_of
from luthier.types import Batch, LabelledWindow, Window

_TRIED = 3
"""Windows on which it is tried whether reading changes anything."""


@dataclass(frozen=True)
class Once:
    """boundary: None where nothing is frozen from below. reader: None where what is frozen runs at every step.
    training, validation: what it reads. seconds: that the frozen layers took for the training windows; 0 where what
    they give was known."""

    boundary: Boundary | None = None
    reader: Reader | None = None
    training: States | None = None
    validation: States | None = None
    seconds: float = 0.0

    @property
    def layers(self) -> int:
        """That no step runs."""
        return len(self.boundary.layers) if self.boundary is not None and self.reader is not None else 0

    def begin(self, numbers: Sequence[int]) -> None:
        """Before each forward pass."""
        if self.reader is not None:
            self.reader.begin(numbers)

    def rest(self) -> None:
        """After the model was put into training mode: what is frozen from below stays out of it."""
        if self.boundary is not None:
            self.boundary.rest()

    def reading(self, states: States | None) -> AbstractContextManager[None]:
        """A block in which windows are numbers in these states."""
        return self.reader.of(states) if self.reader is not None else nullcontext()


@dataclass(frozen=True)
class Plan:
    """windows: of training. ask: gives those of the validation rows that this process asks the model about; called
    where something is frozen. steady: that a window is the same at every step, and embedded without noise. epochs:
    still to come."""

    windows: Sequence[LabelledWindow]
    ask: Callable[[], Sequence[Window]]
    max_tokens: int
    epochs: int
    packed: bool
    steady: bool

    @cached_property
    def asked(self) -> Sequence[Window]:
        return self.ask()

    def pays(self, codec: Codec) -> bool:
        """Whether reading what the frozen layers give would be the same as running them, and less work."""
        usable = self.steady and type(codec.task).seen_at is Task.seen_at
        return usable and not isinstance(codec.task.objective(), Joint) and self.epochs > 1 and len(self.windows) > 0


def plan_of(
    tuned: Tuned, windows: Sequence[LabelledWindow], ask: Callable[[], Sequence[Window]], how: Training, epochs: int,
    augmented: Augmented | None,
) -> Plan:  # fmt: skip
    """epochs: still to come."""
    steady = augmented is None and how.neftune_alpha == 0 and tuned.objective is None
    return Plan(windows, ask, how.max_tokens, epochs, how.packing, steady)


@contextmanager
def frozen_once(
    model: nn.Module, codec: Codec, plan: Plan, cache: Cache | None, runtime: Runtime, screen: Screen,
    stop: Callable[[], bool],
) -> Iterator[Once]:  # fmt: skip
    """Inside the block the frozen layers of the model are read where that is possible and pays; its results are the
    same. cache: None to let them run. stop: whether somebody wants the training to stop."""
    boundary = find_boundary(model)
    possible = cache is not None and plan.pays(codec)
    if boundary is None or runtime.any(not possible) or cache is None:  # all processes, or none
        yield Once(boundary)
        return
    reader = Reader(runtime.device)
    with read_instead(boundary.layers, reader):
        if runtime.any(not _same(model, codec, plan, boundary, reader, runtime)):
            yield Once(boundary)
            return
        was_training = model.training
        model.eval()
        found, seconds = _found(model, codec, plan, boundary, cache, runtime, screen, stop)
        model.train(was_training)
        if "training" not in found:
            yield Once(boundary)
            return
        yield Once(boundary, reader, found["training"], found.get("validation"), seconds)


def _same(model: nn.Module, codec: Codec, plan: Plan, boundary: Boundary, reader: Reader, runtime: Runtime) -> bool:
    """It is tried, whatever the model's make: a few windows must give the same loss, gradients and answers."""
    few = sorted(plan.windows, key=len)[:: max(1, len(plan.windows) // _TRIED)][:_TRIED]
    numbers = range(len(few))
    was_training = model.training
    model.eval()
    try:
        way = _training_pass(model, codec, few, 10**9, runtime, packed=plan.packed, autocast=False)
        states = computed(boundary.layers[-1], way)
        batch = _collated(codec, few, numbers, plan.packed)
        reader.begin(numbers)
        same = same_step(model, reader, states, lambda: codec.task.loss(model, batch.to(runtime.device)))
        return same and (not plan.asked or _same_answers(model, codec, plan.asked[:_TRIED], boundary, reader, runtime))
    except (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError):
        return False
    finally:
        model.zero_grad(set_to_none=True)
        model.train(was_training)


def _same_answers(
    model: nn.Module, codec: Codec, windows: Sequence[Window], boundary: Boundary, reader: Reader, runtime: Runtime
) -> bool:
    batch = codec.collate(windows).to(runtime.device)
    states = computed(boundary.layers[-1], _asking_pass(model, codec, windows, 10**9, runtime))
    reader.begin(range(len(windows)))
    with torch.no_grad():
        plain = codec.task.infer(model, batch)
        with reader.of(states):
            return alike(list(plain), list(codec.task.infer(model, batch)))


def _found(
    model: nn.Module, codec: Codec, plan: Plan, boundary: Boundary, cache: Cache, runtime: Runtime, screen: Screen,
    stop: Callable[[], bool],
) -> tuple[dict[str, States], float]:  # fmt: skip
    """The states by what they are for, and the seconds that those of training took. Of several processes the first
    computes, and the others read what it wrote: all of them have it, or none."""
    environment = {"device": runtime.device.partition(":")[0], "threads": torch.get_num_threads(),
                   "torch": torch.__version__}  # fmt: skip
    key, layer = key_of({"weights": boundary.key(), **environment}), boundary.layers[-1]
    plain = [window.window for window in plan.windows]
    way = _training_pass(model, codec, plan.windows, plan.max_tokens, runtime, packed=plan.packed, autocast=True)
    ways: dict[str, tuple[Sequence[Window], Pass]] = {"training": (plain, way)}
    if plan.asked:
        ways["validation"] = plan.asked, _asking_pass(model, codec, plan.asked, plan.max_tokens, runtime)
    states: dict[str, States] = {}
    seconds = 0.0
    for name, (windows, one) in ways.items():
        found, why = None, ""
        for rank in range(runtime.world):
            if rank == runtime.rank:
                try:
                    with screen.track(t("running the frozen layers"), len(windows)) as tracker:
                        found = kept_states(cache, key, windows, layer, one, stop, tracker.advance)
                except (NoRoom, OSError) as error:
                    why = _why(error, cache)
            runtime.wait()
        if why:
            screen.say(t("what the frozen layers give is not kept ({why}): they run anew each epoch", why=why))
        if runtime.any(found is None) or found is None:
            return states, seconds
        states[name] = found[0]
        if name == "training":
            seconds = found[1]
            _tell(found[0], seconds, boundary, cache, screen, model)
    return states, seconds


def _tell(states: States, seconds: float, boundary: Boundary, cache: Cache, screen: Screen, model: nn.Module) -> None:
    facts = {"count": len(boundary.layers), "all": len(layers_of(model)), "size": size_text(states.bytes),
             "folder": cache.folder}  # fmt: skip
    if seconds:
        screen.say(t("{count} of {all} layers are frozen: they ran once, in {seconds:.1f} s; what they gave, {size} in "
                     "{folder}, is read at every step", seconds=seconds, **facts))  # fmt: skip
    else:
        screen.say(t("{count} of {all} layers are frozen: what they give is known from an earlier run ({size} in "
                     "{folder})", **facts))  # fmt: skip


def _why(error: Exception, cache: Cache) -> str:
    if isinstance(error, NoRoom):
        return t("more than train.cache_bytes={most} or the disk allow", most=cache.most_bytes)
    return str(getattr(error, "strerror", None) or error)


def _training_pass(
    model: nn.Module, codec: Codec, windows: Sequence[LabelledWindow], max_tokens: int, runtime: Runtime, *,
    packed: bool, autocast: bool,
) -> Pass:  # fmt: skip
    """In the precision of training."""

    def ask(numbers: Sequence[int], sent: Callable[[Batch], None]) -> None:
        batch = _collated(codec, windows, numbers, packed).to(runtime.device)
        sent(batch.inputs)
        with runtime.autocast() if autocast else nullcontext():
            codec.task.loss(model, batch)

    batches = cut(range(len(windows)), list(map(len, windows)), max_tokens, packed=packed)
    return Pass(batches, ask, packed, runtime.precision if autocast else "fp32")


def _asking_pass(model: nn.Module, codec: Codec, windows: Sequence[Window], max_tokens: int, runtime: Runtime) -> Pass:
    """In fp32, as answers are."""

    def ask(numbers: Sequence[int], sent: Callable[[Batch], None]) -> None:
        batch = codec.collate([windows[i] for i in numbers]).to(runtime.device)
        sent(batch)
        codec.task.infer(model, batch)

    return Pass(cut(range(len(windows)), list(map(len, windows)), max_tokens), ask, False, "fp32")


def _collated(codec: Codec, windows: Sequence[LabelledWindow], numbers: Sequence[int], packed: bool) -> Any:
    collate = codec.collate_row if packed else codec.collate_labelled
    return collate([windows[i] for i in numbers], numbers)
