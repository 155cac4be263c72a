"""What a run writes: at its beginning what it is made of, at its end model, test, verdict and report."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from luthier.balancing.decide import Moved, move_decisions
from luthier.calibrating.scale import Calibration, calibrate
from luthier.codec import Codec
from luthier.config.write import resolved_config
from luthier.distilling.beside import teacher_beside
from luthier.evaluation.baselines import Baseline
from luthier.evaluation.elsewhere.sure import Trust, trust
from luthier.evaluation.leak import Leak, given_leak, leak_worth
from luthier.evaluation.parts import parts_of
from luthier.evaluation.verdict import Verdict
from luthier.evaluation.written.forgetting import Forgetting, Likely, forgetting
from luthier.explaining.mistakes import explained_mistakes
from luthier.files import disk_trouble, whole_folder, write_text
from luthier.general_text import read_general
from luthier.inference.artifact import Predictor, load_artifact, save_artifact
from luthier.inference.golden.rows import keep_golden
from luthier.language import t
from luthier.pictured import keep_portrait
from luthier.preparing.prepare import Prepared
from luthier.probing import judged_part
from luthier.progress import Progress
from luthier.ready import Ready
from luthier.report.card import model_card
from luthier.report.elsewhere.sure import trust_story
from luthier.report.files.predictions import write_predictions
from luthier.report.mixing import mixture_story
from luthier.report.page import report_page
from luthier.report.summary import Story, balance_story, environment, summary
from luthier.report.written.story import written_story
from luthier.runfolder import BALANCE, CONFIG, REPORT, RunFolder
from luthier.runtime import Runtime, matmul_peak
from luthier.splitting.saved import NAME as SPLIT
from luthier.task import AnyTask
from luthier.training.how import Fitted
from luthier.training.journal import read_journal
from luthier.training.throughput import Throughput, layer_passes, needed_flops, peak_memory
from luthier.trial import hold_trial
from luthier.tuning.parts import Tuned
from luthier.types import Example, LabelledWindow, Report, Score

_ASKED = 4
"""Rows that a merged model answers once more."""


@dataclass(frozen=True)
class Run:
    """A finished run. test: the saved model's scores on the test split, which nothing else looked at.

    report: the content of report.json. folds: of a run in folds each fold's own run; `test` is then of all rows that
    were tested, each by the model that did not learn from it. seeds: of a run with several seeds each seed's own run;
    `test` is then of the one that was kept.
    """

    folder: Path
    test: Report
    report: Mapping[str, Any] = field(repr=False)
    folds: Sequence[Run] = field(default=(), repr=False)
    seeds: Sequence[Run] = field(default=(), repr=False)

    @property
    def verdict(self) -> Verdict:
        """Was it worth it, over the best of the cheap baselines?"""
        return Verdict(**self.report["verdict"])


def read_run(folder: Path) -> Run:
    """A finished run from its folder."""
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    folds = tuple(read_run(folder / fold["folder"]) for fold in report.get("folds", ()))
    seeds = tuple(read_run(folder / one["folder"]) for one in report.get("seeds", {}).get("runs", ()))
    return Run(folder, Report(tuple(Score(**score) for score in report["scores"])), report, folds, seeds)


def write_beginning(owned: RunFolder, ready: Ready, prepared: Prepared) -> None:
    """config.yaml, split.json and environment.json, before the first step. A resume finds them and leaves them."""
    if (owned.path / CONFIG).is_file():
        return
    with disk_trouble(owned.path):
        write_text(owned.path / "environment.json", json.dumps(environment(), indent=1))
        write_text(owned.path / SPLIT, prepared.saved.text())
        write_text(owned.path / CONFIG, resolved_config(ready.settings, ready.choices))


def finish(
    owned: RunFolder,
    ready: Ready,
    prepared: Prepared,
    tuned: Tuned,
    fitted: Fitted,
    windows: Sequence[LabelledWindow],
    baselines: Sequence[Baseline],
    runtime: Runtime,
    screen: Progress,
    began: float,
    augmentation: Mapping[str, Any] | None = None,
    untuned_general: Likely | None = None,
    teacher: Predictor | None = None,
) -> None:
    """Saves the tuned model, tests what was saved (not what was trained), judges it and writes the report.

    augmentation: how its cheap test went; None where there was none. untuned_general: how likely the untuned model
    found general text. teacher: whom the model learnt from.
    """
    from luthier import announce

    path, task = owned.path, ready.codec.task
    counts = {p: sum(x.numel() for x in tuned.model.parameters() if p or x.requires_grad) for p in (True, False)}
    throughput = _throughput(ready, prepared, tuned, fitted, windows, runtime)
    codec, calibration, moved = _decide(ready, prepared, tuned, runtime)
    announce.decisions(moved, task, screen, calibration)
    card = model_card(ready.settings, prepared, ready.folder, ready.remedy, moved, calibration, adapter=tuned.stays)
    _save(path, ready, tuned, codec, windows, card)
    predictor = load_artifact(path / "model", runtime.device)
    part = judged_part(prepared.split)
    examples = prepared.split.part(part)
    with screen.track(t("testing"), len(examples)) as tracker:
        predictions = predictor.answers(examples, tracker.advance)
    trial = hold_trial(task, part, examples, predictions, baselines, seed=ready.training.seed)
    story = Story(
        trial=trial,
        balance=balance_story(ready, moved, path / BALANCE),
        details=task.details(predictions, [example.answer for example in examples]),
        history=read_journal(path / "metrics.jsonl"),
        throughput=throughput,
        augmentation=augmentation,
        parameters=counts[True],
        trained_parameters=counts[False],
        stopped_early=fitted.stopped_early,
        best_step=fitted.progress.best_step,
        steps=fitted.progress.step,
        total_steps=fitted.total_steps,
        seconds=time.time() - began,
        train_seconds=fitted.progress.seconds,
        peak_memory_bytes=peak_memory(runtime.device),
    )
    forgotten = _forgotten(ready, prepared, predictor, untuned_general, runtime, screen)
    leak = _leak(prepared, task, examples, predictions)
    sure = _sure(task, examples, predictions, calibration, moved, ready.training.seed)
    parts = parts_of(task, examples, predictions, predictor.answers, ready.training.seed)
    beside = teacher_beside(teacher, predictor, examples, predictions, ready.training.seed, screen) if teacher else None
    report = {
        **summary(ready, prepared, story, runtime),
        "leak": leak.as_json() if leak else None,
        **trust_story(sure, calibration),
        "parts": parts.as_json() if parts else None,
        "distillation": beside,
        "mixture": mixture_story(ready, prepared, windows, fitted.progress.step),
        "explained": explained_mistakes(predictor, examples, predictions),
        **written_story(task.format, examples, predictions, baselines, prepared.split.train, forgotten),
    }
    with disk_trouble(path):
        keep_portrait(path, predictor, prepared, examples, predictions, ready.training.seed, screen)
        keep_golden(path / "model", predictor, examples)
        write_predictions(path / "predictions.csv", task, examples, predictions)
        write_text(path / "report.html", report_page(report, task, examples, predictions))
        write_text(path / REPORT, json.dumps(report, ensure_ascii=False, indent=1))
    announce.result(report, path, screen, texts=task.reads_texts)


def _save(path: Path, ready: Ready, tuned: Tuned, codec: Codec, windows: Sequence[LabelledWindow], card: str) -> None:
    """model/ and, where the method has one that becomes part of it, adapter/."""
    batches = [codec.collate_labelled([windows[i]], [i]) for i in range(min(_ASKED, len(windows)))]

    def ask(model: Any) -> None:
        """Before and after merging: a few rows, so that what is saved is known to be what was trained."""
        device = str(next(model.parameters()).device)
        for batch in batches:
            codec.task.loss(model, batch.to(device))

    with disk_trouble(path):
        for left in ("model", "adapter"):
            shutil.rmtree(path / left, ignore_errors=True)  # of a process that was killed between here and the report
        if tuned.save_adapter is not None and not tuned.stays:
            with whole_folder(path / "adapter") as temporary:
                tuned.save_adapter(temporary)
        beside = tuned.save_adapter if tuned.stays else None
        save_artifact(path / "model", tuned.merge(ask), codec, ready.tokenizer.wrapped, card, beside)


def _forgotten(
    ready: Ready, prepared: Prepared, predictor: Predictor, untuned: Likely | None, runtime: Runtime, screen: Progress
) -> Forgetting | None:
    """None for models that do not go on from any text, and where nobody wants to know."""
    how, general = ready.training, prepared.general
    longest = ready.folder.most_tokens
    tuned = read_general(
        predictor.weights, predictor.codec, general, runtime, screen, max_tokens=how.max_tokens, longest=longest
    )
    if general is None or untuned is None or tuned is None:
        return None
    return forgetting(general.name, untuned, tuned, how.seed)


def _leak(
    prepared: Prepared, task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any]
) -> Leak | None:
    """What rows that training has seen add to a score: to this run's where the parts are the user's own; where Luthier
    kept copies on one side, to that of a plain random split."""
    how, split = prepared.how, prepared.split
    copied = {"exact-duplicate", "near-duplicate", "conflicting-label", "split-leak"}
    if how.folds is not None or not copied.intersection(finding.code for finding in prepared.findings):
        return None
    seed = 0 if how.seed is None else how.seed
    if how.by in ("random", "group") and how.test and how.near_duplicates:
        return leak_worth(task, [*split.train, *split.validation, *split.test], seed, how.test)
    return given_leak(task, split.train, examples, predictions, seed)


def _decide(
    ready: Ready, prepared: Prepared, tuned: Tuned, runtime: Runtime
) -> tuple[Codec, Calibration | None, Moved | None]:
    """What is chosen after training, on validation rows: how sure the model says it is, then, of its logits as they are
    by then, where its decisions lie. None for what is not asked for, or has no rows to be chosen on."""
    codec, how, moves = ready.codec, ready.training, ready.remedy.moves_decisions
    rows, asked = prepared.split.validation, ready.settings.train.calibrate
    calibrates, places = asked is not False and codec.task.calibrates(), moves or codec.task.needs_placing()
    if not rows or not (calibrates or places):
        return codec, None, None
    answers = [example.answer for example in rows]
    said = Predictor(tuned.model, codec, "", runtime.device, how.max_tokens).answers(rows)
    calibration = moved = None
    if calibrates:
        codec, calibration = calibrate(tuned.model, codec, rows, said, asked, device=runtime.device, seed=how.seed)
        said = codec.task.tempered(said, calibration.temperature)
    if places:
        moved = move_decisions(tuned.model, codec, said, answers, ready.counts, seed=how.seed, moves=moves)
        codec = moved.codec
    return codec, calibration, moved


def _sure(
    task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any], calibration: Calibration | None,
    moved: Moved | None, seed: int,
) -> Trust | None:  # fmt: skip
    """What the model's sureness is worth on the judged rows, with what was done to it taken out as well."""
    temperature = calibration.temperature if calibration else 1.0
    shifts_C = moved.shifts_C if moved else None
    answers = [example.answer for example in examples]
    return trust(task, predictions, answers, seed=seed, temperature=temperature, shifts_C=shifts_C)


def _throughput(
    ready: Ready, prepared: Prepared, tuned: Tuned, fitted: Fitted, windows: Sequence[LabelledWindow], runtime: Runtime
) -> Throughput:
    progress = fitted.progress
    seconds = max(progress.seconds, 1e-9)
    folder = ready.folder
    per_epoch = fitted.total_steps // ready.training.epochs
    still = {name: min(1.0, group.thaws(per_epoch, fitted.total_steps) / max(1, progress.step))
             for group in tuned.groups for name in group.names}  # fmt: skip
    passes = layer_passes(ready.loaded.model, tuned.model, still)
    once, passes = passes[: fitted.kept_layers], passes[fitted.kept_layers :]
    sampling = ready.sampling(prepared.split.train, windows)
    times = np.ones(len(windows)) if sampling is None else sampling.weights_N
    epoch = needed_flops([len(w) for w in windows], times, folder.hidden_size, folder.feed_forward, passes)
    work = epoch * progress.examples / max(1, times.sum())
    if fitted.kept_seconds:  # what is frozen saw every window once, however often it is shown
        work += needed_flops([len(w) for w in windows], np.ones(len(windows)), folder.hidden_size,
                             folder.feed_forward, once)  # fmt: skip
    peak = matmul_peak(runtime.device, runtime.precision) * runtime.world
    return Throughput(
        tokens_per_second=progress.tokens / seconds,
        examples_per_second=progress.examples / seconds,
        real_to_padded=progress.tokens / max(1, progress.padded),
        utilisation=work / (seconds * peak),
    )
