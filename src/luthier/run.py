"""The one place that knows the order of the whole workflow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.caching import open_cache
from luthier.config.schema import Settings
from luthier.config.settings import load_settings
from luthier.distilling.named import student_name, teacher_files
from luthier.errors import without_secrets
from luthier.extras import require
from luthier.identity import check_explicit, check_same, run_facts
from luthier.language import t
from luthier.looks import Looks
from luthier.models.known import choose_model
from luthier.preparing.prepare import Prepared, prepare
from luthier.progress import SILENT, Progress
from luthier.runfolder import (
    CONFIG,
    RunFolder,
    check_free,
    claim,
    is_finished,
    new_run_path,
    newest_unfinished,
    sweep_run,
)
from luthier.tracking import check_trackers, open_tracking
from luthier.training.journal import Tell, unheard

if TYPE_CHECKING:  # torch takes a second to import; a mistake in the data is told before
    from luthier.augmentation import Augmentation
    from luthier.augmenting.method import Method
    from luthier.evaluation.baselines import Baseline
    from luthier.evaluation.written.forgetting import Likely
    from luthier.finish import Run
    from luthier.inference.artifact import Predictor
    from luthier.ready import Ready
    from luthier.runtime import Runtime
    from luthier.training.checkpoint import TrainState
    from luthier.training.how import Fitted, Tried
    from luthier.tuning.parts import Tuned
    from luthier.types import LabelledWindow


def train(
    settings: Settings,
    *,
    explicit: Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    screen: Progress = SILENT,
    prepared: Prepared | None = None,
    looks: Looks | None = None,
) -> Run:
    """From the user's file to a saved, tested and judged model.

    explicit: the dotted keys that the user wrote; on a resume only they are compared with the run's own.
    resume: go on from the newest intact checkpoint, to the same result bit for bit.
    overwrite: remove the run that the folder holds. prepared: the data, where they were read and told of before.
    looks: shared with other runs on the same rows, for all of which the baselines are the same.
    Errors: LuthierError of any kind; a mistake of the user's is told before anything is written.
    """
    require("torch", "transformers", "peft")
    began = time.time()
    path = run_path(settings, resume=resume)
    check_free(path, resume=resume, overwrite=overwrite)
    if resume:
        settings = as_begun(path, explicit or {})
    check_trackers(settings.track)
    told, prepared = prepared is not None, prepared or prepare(settings)
    if resume and is_finished(path):
        from luthier.finish import read_run

        screen.say(t("{run} is finished; nothing is left to do", run=path))
        return read_run(path)
    kind = prepared.task.auto_class
    named, taught_files = student_name(settings.model, settings.distil), teacher_files(settings.distil)
    folder, choices = choose_model(named, prepared.language, kind, weights=settings.pretrained)
    from luthier import announce
    from luthier.augmentation import find_augmentation
    from luthier.distilling.teacher import find_teacher
    from luthier.finish import finish, read_run, write_beginning
    from luthier.ready import make_ready
    from luthier.runtime import open_runtime
    from luthier.teachable import teachable

    with open_runtime(settings.train.precision) as runtime:
        screen = screen if runtime.is_first else SILENT
        if not told:
            announce.data(prepared, screen)
        ready = make_ready(settings, prepared, folder, choices, runtime)
        prepared = teachable(ready.codec, prepared, screen, skip=settings.data.bad_rows == "skip")
        teacher = find_teacher(ready.settings.distil, ready.codec.task, runtime.device)
        method = find_augmentation(ready.settings, prepared.task, prepared.split.train, folder, runtime)
        with _claimed(path, overwrite, runtime) as owned:
            facts = run_facts(owned.run_id, ready.settings, {**prepared.files, **taught_files}, runtime)
            state = _state(owned, facts, resume, screen)
            if runtime.is_first:
                write_beginning(owned, ready, prepared)
            runtime.wait()
            announce.plan(ready, prepared, screen)
            begun = _begin(owned, ready, prepared, method, state is None, runtime, screen, looks or Looks())
            ready, made, augmentation, general = begun
            facts = run_facts(owned.run_id, ready.settings, {**prepared.files, **taught_files}, runtime)
            step = state.progress.step if state else 0
            with open_tracking(
                ready.settings, path, owned.run_id, step, screen.warn, first=runtime.is_first
            ) as tracking:
                tuned, windows, fitted = _learn(
                    path, ready, prepared, augmentation, facts, runtime, screen, state, tell=tracking.tell,
                    teacher=teacher,
                )  # fmt: skip
                if runtime.is_first:
                    trial = augmentation.trial if augmentation else None
                    finish(owned, ready, prepared, tuned, fitted, windows, made, runtime, screen, began, trial,
                           general, teacher)  # fmt: skip
                    tracking.result(read_run(path).test)
            runtime.wait()
            return read_run(path)


def attempt(
    settings: Settings, prepared: Prepared, path: Path, tried: Tried, *, looks: Looks, screen: Progress = SILENT
) -> tuple[Ready, Fitted]:
    """The same training, tried out: it learns from the training rows and is judged on the validation rows alone, has no
    baselines and no test, and leaves nothing but metrics.jsonl in `path`.

    settings: with a remedy against imbalance, where the task has classes. prepared: with its test rows withheld.
    Errors: as of `train`; ValueError where there are test rows, which a choice must not see.
    """
    if prepared.split.test:
        raise ValueError("test rows in a training that is only tried out")
    from luthier.augmentation import begin_augmentation, find_augmentation
    from luthier.distilling.teacher import find_teacher
    from luthier.probing import begin_head
    from luthier.ready import make_ready
    from luthier.runtime import open_runtime
    from luthier.teachable import teachable

    kind = prepared.task.auto_class
    named = student_name(settings.model, settings.distil)
    folder, choices = choose_model(named, prepared.language, kind, weights=settings.pretrained)
    with open_runtime(settings.train.precision) as runtime:
        ready = make_ready(settings, prepared, folder, choices, runtime)
        prepared = teachable(ready.codec, prepared, SILENT, skip=settings.data.bad_rows == "skip")
        method = find_augmentation(ready.settings, prepared.task, prepared.split.train, folder, runtime)
        frozen = look_with(looks, ready, prepared, runtime, screen)
        model, how = ready.loaded.model, ready.training
        augmentation = begin_augmentation(
            method, model, ready.codec, prepared.split, None, runtime, how.max_tokens, how.seed, SILENT
        )  # without the untuned model's features it is not tested
        begin_head(model, ready.codec.task, frozen, runtime, ready.settings.train.head_init, ready.remedy, how.seed)
        teacher = find_teacher(ready.settings.distil, ready.codec.task, runtime.device)
        _, _, fitted = _learn(path, ready, prepared, augmentation, {}, runtime, screen, tried=tried, teacher=teacher)
        return ready, fitted


def look_with(looks: Looks, ready: Ready, prepared: Prepared, runtime: Runtime, screen: Progress) -> Any:
    """What the untuned model sees; what it saw before, where that was the same."""
    from luthier import catalog
    from luthier.probing import look
    from luthier.tuning.four_bits import loading_of

    how, pretrained = ready.training, ready.settings.pretrained
    loading = loading_of(catalog.tuning_method(ready.settings.tuning["method"]), runtime.device)
    return looks.of(ready.settings, loading, lambda: look(
        ready.loaded.model, ready.codec, prepared.split, runtime, how.max_tokens, how.seed, screen,
        pretrained=pretrained, cache=open_cache(how.cache_bytes),
    ))  # fmt: skip


def _learn(
    path: Path, ready: Ready, prepared: Prepared, augmentation: Augmentation | None, facts: Mapping[str, Any],
    runtime: Runtime, screen: Progress, state: TrainState | None = None, tried: Tried | None = None,
    tell: Tell = unheard, teacher: Predictor | None = None,
) -> tuple[Tuned, Sequence[LabelledWindow], Fitted]:  # fmt: skip
    """The training rows as tokens, the model with what the tuning method makes of it, and how it learned."""
    from luthier import announce
    from luthier.distilling.student import taught_by
    from luthier.fit import fit
    from luthier.planning.reckoning.estimate import estimate
    from luthier.probing import with_head_last
    from luthier.ready import tune

    split, how = prepared.split, ready.training
    with screen.track(t("tokenising"), len(split.train)) as tracker:
        windows = ready.codec.encode_labelled(split.train, tracker.advance, ready.sets(split.train))
    tuned = with_head_last(tune(ready), ready.codec, split.train, runtime, ready.remedy, how.max_tokens, how.seed)
    announce.parameters(tuned, screen)
    sampling = ready.sampling(split.train, windows)
    taught = taught_by(
        teacher, tuned, windows, ready.codec, split, ready.settings, path, runtime, screen,
        sampled=sampling is not None,
    )  # fmt: skip
    tuned, windows = taught.tuned, taught.windows
    if tried is None and runtime.is_first:
        announce.course(ready, estimate(ready, prepared, tuned, windows, runtime), runtime, screen)
    fitted = fit(
        tuned, ready.codec, windows, split.validation, how,
        folder=path, facts=facts, runtime=runtime, screen=screen, state=state,
        augmented=augmentation.windows if augmentation else None,
        sampling=sampling, tried=tried, tell=tell,
    )  # fmt: skip
    return tuned, windows, fitted


def _begin(
    owned: RunFolder, ready: Ready, prepared: Prepared, method: Method | None, anew: bool, runtime: Runtime,
    screen: Progress, looks: Looks,
) -> tuple[Ready, list[Baseline], Augmentation | None, Likely | None]:  # fmt: skip
    """What the untuned model sees, and all that hangs on it: the baselines, the remedy where it was left open, whether
    changed texts help, where the head begins, and how likely it finds general text. anew: not from a checkpoint, which
    has the head."""
    from luthier.augmentation import begin_augmentation
    from luthier.balancing.choose import choose_remedy
    from luthier.general_text import read_general
    from luthier.probing import begin_head
    from luthier.trial import run_baselines

    model, how, split = ready.loaded.model, ready.training, prepared.split
    pretrained = ready.settings.pretrained
    frozen = look_with(looks, ready, prepared, runtime, screen)
    if looks.baselines is None and frozen is not None:
        looks.baselines = run_baselines(ready.codec.task, frozen, seed=how.seed, screen=screen, pretrained=pretrained)
    baselines = list(looks.baselines or ())
    if ready.remedy_is_open:
        ready = choose_remedy(owned, ready, prepared, frozen, runtime, screen)
    augmentation = begin_augmentation(
        method, model, ready.codec, split, frozen if pretrained else None, runtime, how.max_tokens, how.seed, screen
    )  # fmt: skip
    if anew:
        start = ready.settings.train.head_init
        begin_head(model, ready.codec.task, frozen, runtime, start, ready.remedy, how.seed)
    general = read_general(
        model, ready.codec, prepared.general, runtime, screen,
        max_tokens=how.max_tokens, longest=ready.folder.most_tokens,
    )  # fmt: skip
    return ready, baselines, augmentation, general


def run_path(settings: Settings, *, resume: bool) -> Path:
    """The run's folder: the one that is named, else a new one, or the newest unfinished one."""
    if settings.out is not None:
        return Path(settings.out)
    return newest_unfinished() if resume else new_run_path(_named_for(settings.data.named))


def _named_for(train: str | list[str] | None) -> Path:
    """The data's name, for the run's folder: of several the first, of a pattern or an address what is plain in it."""
    first = train[0] if isinstance(train, list) else train or "run"
    return Path(without_secrets(first).partition("?")[0].replace("*", "").rstrip("/"))


def as_begun(path: Path, explicit: Mapping[str, Any]) -> Settings:
    """The settings that the run began with, and what may be changed of them."""
    begun = load_settings(path / CONFIG)
    return load_settings(path / CONFIG, values=check_explicit(explicit, begun, str(path / CONFIG)))


@contextmanager
def _claimed(path: Path, overwrite: bool, runtime: Runtime) -> Iterator[RunFolder]:
    """The run's folder: the first process takes it, the others are told."""
    if runtime.is_first:
        with claim(path, overwrite=overwrite) as owned:
            runtime.gather(owned)
            yield owned
    else:
        yield runtime.gather(None)[0]


def _state(owned: RunFolder, facts: Mapping[str, Any], resume: bool, screen: Progress) -> TrainState | None:
    """Where to go on: the newest intact checkpoint of this very run, or None at the beginning."""
    from luthier.training.checkpoint import newest_checkpoint

    if not resume:
        return None
    for name in sweep_run(owned.path):
        screen.say(t("removed {name}, left half written by an earlier process", name=name))
    rejected: list[Any] = []
    found = newest_checkpoint(owned.path / "checkpoints", rejected)
    for problem in rejected:
        screen.warn(t("{place} is passed over: {what}", place=problem.place, what=problem.what))
    if found is None:
        screen.say(t("no checkpoint was saved yet: starting at step 0"))
        return None
    state, saved = found
    for difference in check_same(saved, facts, str(owned.path / "checkpoints" / f"checkpoint-{state.progress.step}")):
        screen.say(t("{difference}: the result may differ in its last bits", difference=difference))
    screen.say(t("going on after step {step}", step=state.progress.step))
    return state
