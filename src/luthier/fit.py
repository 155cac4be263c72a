"""Training, with what stands around it: evaluate, keep the best, save, stop early, go on where it stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch.optim import Optimizer

from luthier.balancing.sampling import Sampling
from luthier.codec import Codec
from luthier.errors import InterruptedRun, Place, Problem, StoppedError, shown
from luthier.evaluation.evaluate import evaluate
from luthier.inference.predict import predict_shared
from luthier.language import t
from luthier.models.first_position import first_position_only
from luthier.models.packing.attention import packed_attention
from luthier.progress import Progress as Screen
from luthier.progress import Tracker
from luthier.runtime import Runtime
from luthier.training.augmented import Augmented, windows_at
from luthier.training.checkpoint import Progress, TrainState, load_checkpoint, save_checkpoint
from luthier.training.dropout import Noise, cheap_dropout
from luthier.training.gradient.neftune import noisy_embeddings
from luthier.training.journal import Journal
from luthier.training.loop import LossScale, train_steps
from luthier.training.optimise import (
    Schedule,
    build_optimiser,
    copy_moments,
    copy_weights,
    restore_moments,
    restore_weights,
)
from luthier.training.order import alike_targets, evaluation_steps, plan_steps, steps_per_epoch
from luthier.training.signals import Interruption, watch_signals
from luthier.training.vocabulary import trimmed_embedding
from luthier.tuning.parts import Tuned
from luthier.types import IDS, Example, LabelledBatch, LabelledWindow, Report, Step

MOST_SKIPPED = 3
"""Steps in a row whose loss or gradient is not finite before the run stops."""
_FP16_SCALE = 2.0**15


@dataclass(frozen=True)
class Training:
    """How to train. batch_size: windows a step, over all processes. max_tokens: of one forward pass, with padding.

    warmup: share of all steps. save_every: steps between checkpoints, beside one an evaluation. keep: checkpoints,
    the best one included. patience: evaluations without progress before the run stops early; 0 never stops.
    neftune_alpha: of the noise on input embeddings; 0 for none.
    packing: whether each forward pass is of one row, of windows one after another.
    """

    epochs: int
    batch_size: int
    max_tokens: int
    learning_rate: float
    warmup: float
    weight_decay: float
    max_grad_norm: float
    optimiser: str
    schedule: str
    save_every: int
    keep: int
    patience: int
    seed: int
    neftune_alpha: float = 0.0
    packing: bool = False


@dataclass(frozen=True)
class Fitted:
    """A finished training. The model holds the weights of progress.best_step. stopped_early: why, or ""."""

    progress: Progress
    total_steps: int
    stopped_early: str


@dataclass
class _Run:
    """What the steps of one training share. journal: of the first process alone."""

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
    saved_step: int = -1
    journal: Journal | None = None
    augmented: Augmented | None = None

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
) -> Fitted:
    """Trains tuned.model in place and leaves it with the weights that did best on validation; with the last ones
    where there is no validation data.

    folder: of the run; checkpoints/ and metrics.jsonl in it are written. facts: what its checkpoints belong to.
    state: where to go on. sampling: of the windows; without one every epoch shows each once. augmented: changes the
    windows at each step.
    Errors: InterruptedRun after a signal, StoppedError for the disk or the numerics.
    """
    model = tuned.model
    lengths = [len(window) for window in windows]
    assert sampling is None or len(sampling.classes_N) == len(windows)  # a class for each window
    per_epoch = tuned.paired_steps or steps_per_epoch(len(sampling or windows), how.batch_size)
    total = per_epoch * how.epochs
    with ExitStack() as stack:
        interruption = stack.enter_context(watch_signals())
        noise = Noise(how.seed)
        if runtime.device == "cpu":  # on a GPU these cost more than they save
            if augmented is None:  # else which tokens will be met is not known beforehand
                seen = codec.encode(codec.task.questions(validation))
                met = [*(w.window for w in windows), *(window for group in seen for window in group)]
                arrays = [ids for window in met for name, ids in window.arrays.items() if name.endswith(IDS)]
                stack.enter_context(trimmed_embedding(model, arrays, codec.text.pad_id))
            noise = stack.enter_context(cheap_dropout(model, how.seed))
        stack.enter_context(noisy_embeddings(model, noise, how.neftune_alpha))
        stack.enter_context(first_position_only(model))
        stack.enter_context(packed_attention(model, noise) if how.packing else nullcontext())
        run = _begin(tuned, codec, validation, how, folder, facts, runtime, screen, state, sampling)
        run.augmented = augmented
        with screen.track(t("training"), total) as tracker:
            tracker.advance(run.progress.step)
            stopped = _steps(run, windows, lengths, per_epoch, noise, interruption, tracker)
        runtime.wait()
        kept = run.progress.best_step or run.progress.step  # the last, where no score ever was a number
        best, _ = load_checkpoint(run.checkpoints / f"checkpoint-{kept}")
        restore_weights(model, best.weights)
    return Fitted(run.progress, total, stopped)


def _begin(
    tuned: Tuned, codec: Codec, validation: Sequence[Example[Any, Any]], how: Training, folder: Path,
    facts: Mapping[str, Any], runtime: Runtime, screen: Screen, state: TrainState | None, sampling: Sampling | None,
) -> _Run:  # fmt: skip
    optimiser = build_optimiser(tuned.model, tuned.groups, how.optimiser, how.weight_decay)
    progress = state.progress if state else Progress()
    if state is not None:
        restore_weights(tuned.model, state.weights)
        restore_moments(tuned.model, optimiser, state.moments)
        scale = LossScale(progress.loss_scale, progress.good_steps)
    else:
        scale = LossScale(_FP16_SCALE if runtime.precision == "fp16" else 1.0)
    run = _Run(tuned, codec, validation, how, folder, facts, runtime, screen, optimiser, scale, progress, sampling)
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
        return _why_early(run)
    batches = _batches(run, windows, lengths)
    loop = train_steps(
        run.tuned.model, run.tuned.objective_for(run.codec.task), batches, run.optimiser,
        Schedule(how.learning_rate, round(how.warmup * total), total, how.schedule), run.runtime,
        seed=how.seed, start=run.progress.step, max_grad_norm=how.max_grad_norm, scale=run.scale, noise=noise,
    )  # fmt: skip
    evaluations = evaluation_steps(per_epoch, how.epochs)
    skipped = 0
    begin = time.perf_counter()
    for step in loop:
        run.progress = _after(run.progress, step, time.perf_counter() - begin, run.scale)
        skipped = _count_skipped(run, step, skipped, windows)
        rate = run.progress.tokens / max(run.progress.seconds, 1e-9)
        tracker.advance(1, t("loss {loss:.4f}, {rate:.0f} tokens/s", loss=step.loss, rate=rate))
        _log(run, {"step": step.number, "loss": step.loss, "learning_rate": step.learning_rate,
                   "grad_norm": step.grad_norm, "tokens": step.num_tokens})  # fmt: skip
        if step.number in evaluations:
            _evaluate(run, step.number / per_epoch)
        if step.number in evaluations or (step.number % how.save_every == 0 and step.applied):
            _save(run)  # not behind a step that was left out: a resume then tries it again
        if run.runtime.any(bool(interruption.number)):
            _save(run)
            raise _interrupted(run, interruption)
        if step.number in evaluations and run.progress.stale >= how.patience > 0 and step.number < total:
            return _why_early(run)
        begin = time.perf_counter()
    return ""


def _batches(run: _Run, windows: Sequence[LabelledWindow], lengths: Sequence[int]) -> Iterator[list[LabelledBatch]]:
    """The rest of the run, lazily: for each step this process's collated micro-batches."""
    how = run.how
    plan = plan_steps(
        lengths, packed=how.packing, batch_size=how.batch_size, max_tokens=how.max_tokens, epochs=how.epochs,
        seed=how.seed, start=run.progress.step, rank=run.runtime.rank, world=run.runtime.world, sampling=run.sampling,
        alike=alike_targets(windows) if run.tuned.paired_steps else (), paired=run.tuned.paired_steps,
    )  # fmt: skip
    shown = windows_at(run.codec, windows, run.augmented, how.seed)
    collate = run.codec.collate_row if how.packing else run.codec.collate_labelled
    for number, step in enumerate(plan, run.progress.step):
        yield [collate(shown(number, numbers), numbers) for numbers in step]


def _after(progress: Progress, step: Step, seconds: float, scale: LossScale) -> Progress:
    return replace(
        progress,
        step=step.number,
        tokens=progress.tokens + step.num_tokens,
        padded=progress.padded + step.padded_tokens,
        examples=progress.examples + step.num_windows,
        seconds=progress.seconds + seconds,
        loss_scale=scale.value,
        good_steps=scale.good_steps,
    )


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
    predictions = predict_shared(run.tuned.model, codec, run.validation, run.runtime, max_tokens=run.how.max_tokens)
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


def _loss_of(report: Report) -> float:
    return next((score.value for score in report.scores if score.name == "loss"), 0.0)


def _save(run: _Run) -> None:
    if run.saved_step == run.progress.step:
        return
    run.saved_step = run.progress.step
    if not run.runtime.is_first:
        return
    model = run.tuned.model
    state = TrainState(run.progress, copy_weights(model), copy_moments(model, run.optimiser))
    save_checkpoint(run.checkpoints, state, run.facts, run.how.keep)


def _count_skipped(run: _Run, step: Step, skipped: int, windows: Sequence[LabelledWindow]) -> int:
    """How many steps in a row were not applied. Errors: StoppedError for too many."""
    if step.applied or run.scale.is_active:
        return 0
    where = Place(f"step {step.number}")
    what = t("loss {loss} or gradient norm {norm} is not finite; the step was left out",
             loss=step.loss, norm=step.grad_norm)  # fmt: skip
    run.screen.warn(f"{where}: {what}")
    if skipped + 1 <= MOST_SKIPPED:
        return skipped + 1
    rate = shown(f"{run.how.learning_rate / 10:.1e}")
    fix = t("lower train.learning_rate (try {rate}) or set train.precision=fp32, and start again; the last "
            "checkpoint is intact", rate=rate)  # fmt: skip
    raise StoppedError(Problem(where, t("{count} steps in a row are not finite", count=skipped + 1), fix, "not-finite"))


def _why_early(run: _Run) -> str:
    return t("no better than step {step} for {count} evaluations", step=run.progress.best_step, count=run.how.patience)


def _interrupted(run: _Run, interruption: Interruption) -> InterruptedRun:
    what = t("interrupted after step {step}; saved", step=run.progress.step)
    fix = t("go on with: luthier train --resume --out {folder}", folder=run.folder)
    return InterruptedRun(Problem(Place(str(run.folder)), what, fix, "interrupted"), exit_code=interruption.exit_code)


def _log(run: _Run, entry: Mapping[str, Any]) -> None:
    if run.journal is not None:
        run.journal.add(entry)
        run.progress = replace(run.progress, metrics_bytes=run.journal.length)
