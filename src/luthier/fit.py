"""Training, with what stands around it: evaluate, keep the best, save, stop early, go on where it stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch.optim import Optimizer

from luthier.balancing.sampling import Sampling
from luthier.caching import open_cache
from luthier.codec import Codec
from luthier.evaluation.evaluate import evaluate
from luthier.inference.predict import predict_shared
from luthier.language import t
from luthier.progress import Progress as Screen
from luthier.progress import Tracker
from luthier.runtime import Runtime, give_back
from luthier.training.augmented import Augmented, windows_at
from luthier.training.averaging import NONE, Averaging, Rule, mean
from luthier.training.checkpoint import Progress, TrainState, load_checkpoint, save_checkpoint
from luthier.training.dropout import Noise
from luthier.training.frozen.once import Once, frozen_once, plan_of
from luthier.training.gradient.around import as_it_learns
from luthier.training.gradient.filled import filled
from luthier.training.gradient.room import Collate, Room
from luthier.training.how import Fitted, Training, Tried
from luthier.training.journal import Journal, Tell, unheard
from luthier.training.loop import LossScale, train_steps
from luthier.training.optimise import (
    Schedule,
    build_optimiser,
    copy_moments,
    copy_weights,
    restore_moments,
    restore_weights,
)
from luthier.training.order import alike_targets, evaluation_steps, holds_unlike, plan_steps, steps_per_epoch, unlike
from luthier.training.stopping.signals import Interruption, watch_signals
from luthier.training.stopping.stops import count_skipped, interrupted, why_early
from luthier.tuning.parts import Tuned
from luthier.types import Example, LabelledBatch, LabelledWindow, Report, Window

_FP16_SCALE = 2.0**15


@dataclass
class _Run:
    """What the steps of one training share. journal: of the first process alone. why: it is to stop, or ""."""

    tuned: Tuned
    codec: Codec
    validation: Sequence[Example[Any, Any]]
    how: Training
    folder: Path
    facts: Mapping[str, Any]
    runtime: Runtime
    screen: Screen
    optimiser: Optimizer
    scale: LossScale
    progress: Progress
    sampling: Sampling | None
    averaging: Averaging
    once: Once
    saved_step: int = -1
    journal: Journal | None = None
    augmented: Augmented | None = None
    tried: Tried | None = None
    why: str = ""

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"


def fit(
    tuned: Tuned,
    codec: Codec,
    windows: Sequence[LabelledWindow],
    validation: Sequence[Example[Any, Any]],
    how: Training,
    *,
    folder: Path,
    facts: Mapping[str, Any],
    runtime: Runtime,
    screen: Screen,
    state: TrainState | None = None,
    augmented: Augmented | None = None,
    sampling: Sampling | None = None,
    tried: Tried | None = None,
    tell: Tell = unheard,
) -> Fitted:
    """Trains tuned.model in place and leaves it with the weights that did best on validation; with the last ones
    where there is no validation data.

    folder: of the run; checkpoints/ and metrics.jsonl in it are written. facts: what its checkpoints belong to.
    state: where to go on. sampling: of the windows; without one every epoch shows each once. augmented: changes the
    windows at each step. tried: the training is only tried out. tell: hears what is written to metrics.jsonl.
    Errors: InterruptedRun after a signal, StoppedError for the disk or the numerics.
    """
    model = tuned.model
    lengths = [len(window) for window in windows]
    assert sampling is None or len(sampling.classes_N) == len(windows)  # a class for each window
    per_epoch = tuned.paired_steps or steps_per_epoch(len(sampling or windows), how.batch_size)
    total = per_epoch * how.epochs
    with ExitStack() as stack:
        interruption = stack.enter_context(watch_signals())
        noise = stack.enter_context(as_it_learns(
            model, codec, windows, validation, runtime,
            seed=how.seed, packing=how.packing, neftune_alpha=how.neftune_alpha, any_token=augmented is not None,
            compiling=screen.say if how.compile else None,
        ))  # fmt: skip
        to_come = how.epochs - (state.progress.step // per_epoch if state else 0)
        plan = plan_of(tuned, windows, lambda: _asked(codec, validation, runtime), how, to_come, augmented)
        cache = open_cache(how.cache_bytes)
        once = stack.enter_context(
            frozen_once(model, codec, plan, cache, runtime, screen, lambda: bool(interruption.number))
        )
        run = _begin(tuned, codec, validation, how, folder, facts, runtime, screen, state, sampling, once, per_epoch)
        run.augmented, run.tried = augmented, tried
        if run.journal is not None:
            run.journal.tell = tell
        with screen.track(t("training"), total) as tracker:
            tracker.advance(run.progress.step)
            stopped = _steps(run, windows, lengths, per_epoch, noise, interruption, tracker)
        runtime.wait()
        if tried is not None:
            return Fitted(run.progress, total, stopped)
        kept = run.progress.best_step or run.progress.step  # the last, where no score ever was a number
        best, _ = load_checkpoint(run.checkpoints / f"checkpoint-{kept}")
        rule = run.averaging.rule
        restore_weights(model, mean(best.averages, rule, kept) if rule and best.averages else best.weights)
    give_back()
    return Fitted(run.progress, total, stopped, once.layers, once.seconds)


def _asked(codec: Codec, validation: Sequence[Example[Any, Any]], runtime: Runtime) -> Sequence[Window]:
    """What this process will ask about the validation rows after every epoch; nothing where the model writes."""
    if codec.task.speaks_untuned:
        return ()
    inputs = codec.task.checked().questions(validation)[runtime.rank :: runtime.world]
    return [window for group in codec.asked(inputs) for window in group]


def _begin(
    tuned: Tuned, codec: Codec, validation: Sequence[Example[Any, Any]], how: Training, folder: Path,
    facts: Mapping[str, Any], runtime: Runtime, screen: Screen, state: TrainState | None, sampling: Sampling | None,
    once: Once, per_epoch: int,
) -> _Run:  # fmt: skip
    total = per_epoch * how.epochs
    optimiser = build_optimiser(
        tuned.model, tuned.groups, how.optimiser, how.weight_decay, per_epoch=per_epoch, total=total
    )
    averaging = Averaging(tuned.model, Rule(how.averaging, total) if how.averaging != NONE else None)
    progress = state.progress if state else Progress()
    if state is not None:
        restore_weights(tuned.model, state.weights)
        restore_moments(tuned.model, optimiser, state.moments)
        averaging.restore(state.averages)
        scale = LossScale(progress.loss_scale, progress.good_steps)
    else:
        scale = LossScale(_FP16_SCALE if runtime.precision == "fp16" else 1.0)
    progress = replace(progress, seconds=progress.seconds + once.seconds)
    run = _Run(tuned, codec, validation, how, folder, facts, runtime, screen, optimiser, scale, progress, sampling,
               averaging, once)  # fmt: skip
    run.saved_step = progress.step if state else -1
    if runtime.is_first:
        run.journal = Journal(folder / "metrics.jsonl", progress.metrics_bytes, screen.warn)
        run.journal.open_at()
    return run


def _steps(
    run: _Run, windows: Sequence[LabelledWindow], lengths: Sequence[int], per_epoch: int, noise: Noise,
    interruption: Interruption, tracker: Tracker,
) -> str:  # fmt: skip
    """Trains until the end, an early stop or a signal. Returns why it stopped early."""
    how, total = run.how, per_epoch * run.how.epochs
    if run.progress.stale >= how.patience > 0:
        return why_early(run.progress.best_step, how.patience)
    collate = _collate(run, windows)
    batches = _batches(run, windows, lengths, collate)
    loop = train_steps(
        run.tuned.model, run.tuned.objective_for(run.codec.task), batches, run.optimiser,
        Schedule(how.learning_rate, round(how.warmup * total), total, how.schedule), run.runtime,
        seed=how.seed, start=run.progress.step, max_grad_norm=how.max_grad_norm, scale=run.scale, noise=noise,
        once=run.once, room=Room(collate, run.screen.warn),
    )  # fmt: skip
    evaluations = evaluation_steps(per_epoch, how.epochs)
    skipped = 0
    begin = time.perf_counter()
    for step in loop:
        run.averaging.add(step.number)
        run.progress = run.progress.after(step, time.perf_counter() - begin, run.scale.value, run.scale.good_steps)
        skipped = 0 if run.scale.is_active else count_skipped(step, skipped, how.learning_rate, run.screen.warn)
        rate = run.progress.tokens / max(run.progress.seconds, 1e-9)
        tracker.advance(1, t("loss {loss:.4f}, {rate:.0f} tokens/s", loss=step.loss, rate=rate))
        _log(run, {"step": step.number, "loss": step.loss, "learning_rate": step.learning_rate,
                   "grad_norm": step.grad_norm, "tokens": step.num_tokens}, tokens_per_second=rate)  # fmt: skip
        if step.number in evaluations:
            _evaluate(run, step.number / per_epoch)
            _tell(run, step.number / total)
        if step.number in evaluations or (step.number % how.save_every == 0 and step.applied):
            _save(run)  # not behind a step that was left out: a resume then tries it again
        if run.runtime.any(bool(interruption.number)):
            _save(run)
            raise interrupted(run.folder, run.progress.step, interruption)
        if run.why and step.number < total:
            return run.why
        if step.number in evaluations and run.progress.stale >= how.patience > 0 and step.number < total:
            return why_early(run.progress.best_step, how.patience)
        begin = time.perf_counter()
    return ""


def _collate(run: _Run, windows: Sequence[LabelledWindow]) -> Collate:
    shown = windows_at(run.codec, windows, run.augmented, run.how.seed)
    if not run.how.packing:
        return lambda step, numbers: run.codec.collate_labelled(shown(step, numbers), numbers)
    fills = run.runtime.device != "cpu" and run.how.neftune_alpha == 0 and not run.once.layers

    def row(step: int, numbers: Sequence[int]) -> LabelledBatch:
        made = run.codec.collate_row(shown(step, numbers), numbers)
        return filled(made, run.codec.text.pad_id) if fills else made

    return row


def _batches(
    run: _Run, windows: Sequence[LabelledWindow], lengths: Sequence[int], collate: Collate
) -> Iterator[list[LabelledBatch]]:
    """The rest of the run, lazily: for each step this process's collated micro-batches."""
    how = run.how
    plan = plan_steps(
        lengths, packed=how.packing, batch_size=how.batch_size, max_tokens=how.max_tokens, epochs=how.epochs,
        seed=how.seed, start=run.progress.step, rank=run.runtime.rank, world=run.runtime.world, sampling=run.sampling,
        alike=alike_targets(windows) if run.tuned.paired_steps else (), paired=run.tuned.paired_steps,
    )  # fmt: skip
    long = unlike(lengths)
    for number, step in enumerate(plan, run.progress.step):
        if run.runtime.device == "cpu" and holds_unlike(step, lengths, long):
            give_back()
        yield [collate(number, numbers) for numbers in step]


def _evaluate(run: _Run, epoch: float) -> None:
    """Scores the validation data and remembers whether this is the best so far. A main score that is not a number
    is never the best; without validation data the last evaluation always is."""
    if run.tuned.settle is not None:
        run.tuned.settle()
    progress = run.progress
    if not run.validation:
        run.progress = replace(progress, best_step=progress.step)
        return
    codec = replace(run.codec, task=run.codec.task.checked())
    once = run.once
    with run.averaging.in_place(progress.step), once.reading(once.validation):
        predictions = predict_shared(
            run.tuned.model, codec, run.validation, run.runtime, max_tokens=run.how.max_tokens, begin=once.begin
        )
    report = evaluate(codec.task, predictions, [e.answer for e in run.validation], seed=run.how.seed, intervals=False)
    value, loss = report.main.goodness, _loss_of(report)
    better = not progress.best_step or (value, -loss) > (progress.best_value, -progress.best_loss)
    if not math.isnan(value) and better:
        run.progress = replace(progress, best_step=progress.step, best_value=value, best_loss=loss, stale=0)
    else:
        run.progress = replace(progress, stale=progress.stale + 1)
    _log(run, {"step": progress.step, "epoch": epoch, "validation": {s.name: s.value for s in report.scores}})
    mark = " ★" if better else ""
    scores = ", ".join(f"{s.name} {s.value:.4f}" for s in report.scores[:2])
    said = t("epoch {epoch:g}: validation {scores}", epoch=epoch, scores=scores)
    if any(score.name == "loss" for score in report.scores[2:]):
        said = t("epoch {epoch:g}: validation {scores}, loss {loss:.4f}", epoch=epoch, scores=scores, loss=loss)
    run.screen.say(said + mark)


def _tell(run: _Run, share: float) -> None:
    if run.tried is not None:
        run.why = run.tried(share, run.progress.best_value if run.progress.best_step else math.nan)


def _loss_of(report: Report) -> float:
    return next((score.value for score in report.scores if score.name == "loss"), 0.0)


def _save(run: _Run) -> None:
    if run.saved_step == run.progress.step or run.tried is not None:
        return
    run.saved_step = run.progress.step
    if not run.runtime.is_first:
        return
    model = run.tuned.model
    moments = copy_moments(model, run.optimiser)
    state = TrainState(run.progress, copy_weights(model), moments, run.averaging.copied())
    save_checkpoint(run.checkpoints, state, run.facts, run.how.keep)


def _log(run: _Run, entry: Mapping[str, Any], **passing: float) -> None:
    if run.journal is not None:
        run.journal.add(entry, **passing)
        run.progress = replace(run.progress, metrics_bytes=run.journal.length)
