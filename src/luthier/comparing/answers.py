"""What a finished run says to the rows that it is judged on, asked again of its saved model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from luthier.codec import Codec
from luthier.config.schema import DataSettings, Settings
from luthier.config.settings import load_settings
from luthier.errors import DataError, RunError
from luthier.inference.artifact import Predictor, load_artifact
from luthier.language import t
from luthier.preparing.again import read_examples
from luthier.preparing.prepare import Prepared, prepare, prepare_folds
from luthier.probing import judged_part
from luthier.progress import SILENT, Progress
from luthier.reading.open import Named
from luthier.runfolder import CONFIG, IDENTITY, REPORT, is_finished
from luthier.splitting.saved import NAME as SPLIT
from luthier.task import AnyTask
from luthier.teachable import teachable
from luthier.types import Example


@dataclass(frozen=True, eq=False)
class Answers:
    """examples, predictions: of the judged rows, in one order. part: of the split that they are; "" for rows of a
    further file. trained_on: the inputs of its training rows, where they are known. tokens: what tells its tokenizer
    from another; scores by token hang on it. report: the content of report.json, {} for a model folder."""

    run: Path
    task: AnyTask
    part: str
    examples: Sequence[Example[Any, Any]]
    predictions: Sequence[Any]
    tokens: str
    trained_on: frozenset[Hashable] = frozenset()
    report: Mapping[str, Any] = field(default_factory=dict)

    def reordered(self, rows: Sequence[int]) -> Answers:
        return replace(self, examples=[self.examples[i] for i in rows], predictions=[self.predictions[i] for i in rows])


Read = dict[str, list[Prepared]]
"""Data that were read for one run and serve the next as well, by the settings that they were read with."""


def judged_answers(run: Path, read: Read, screen: Progress = SILENT) -> Answers:
    """What the run says to its own test rows (to its validation rows where it has no others). read: grows.

    Errors: RunError for what is no finished run; DataError where its data have changed since; ModelError.
    """
    _check_run(run)
    settings, report = load_settings(run / CONFIG), json.loads((run / REPORT).read_text(encoding="utf-8"))
    prepared = _prepared(run, settings, read)
    if "folds" in report:
        return _of_folds(run, prepared, report, screen)
    predictor = load_artifact(run)
    whole = _learnt(predictor.codec, prepared[0], settings)
    part = judged_part(whole.split)
    examples = whole.split.part(part)
    seen = frozenset(example.input for example in whole.split.train)
    return _asked(run, predictor, part, examples, seen, report, screen)


def answers_on(run: Path, data: Named, how: DataSettings, screen: Progress = SILENT) -> Answers:
    """What a run or a model folder says to the labelled rows of a further file. Errors: DataError, ModelError."""
    predictor = load_artifact(run)
    examples = read_examples(data, predictor.codec, how, screen)
    report: dict[str, Any] = {}
    if is_finished(run):
        report = json.loads((run / REPORT).read_text(encoding="utf-8"))
    return _asked(run, predictor, "", examples, frozenset(), report, screen)


def _check_run(run: Path) -> None:
    if is_finished(run) and (run / CONFIG).is_file():
        return
    if (run / IDENTITY).is_file():
        fix = t("finish it: luthier train --resume --out {run}", run=run)
        raise RunError.at(str(run), t("is not finished"), fix, code="run-unfinished")
    if not run.exists():
        fix = t("see what is there: luthier runs")
        raise RunError.at(str(run), t("no such run"), fix, code="no-such-run")
    fix = t("name the folder of a run, or rows to judge all of them on: --data FILE")
    raise RunError.at(str(run), t("is no run: it does not tell on which rows it was judged"), fix, code="no-run")


def _prepared(run: Path, settings: Settings, read: Read) -> list[Prepared]:
    """The run's data, split as they were. Errors: DataError where they are not what they were."""
    key = json.dumps([settings.task, settings.data.model_dump()], sort_keys=True, default=str)
    if key not in read:
        folded = settings.data.split.folds is not None and settings.data.split.fold is None
        read[key] = prepare_folds(settings) if folded else [prepare(settings)]
    prepared = read[key]
    saved = json.loads((run / SPLIT).read_text(encoding="utf-8"))
    now = [json.loads(one.saved.text()) for one in prepared]
    rows = list(saved["folds"].values()) if "folds" in saved else [saved.get("rows", saved.get("tasks"))]
    if rows != [one.get("rows", one.get("tasks")) for one in now] or saved.get("files") != now[0].get("files"):
        what = t("its data have changed since: they no longer give the rows that it was judged on")
        fix = t("bring back the file as it was, or judge all runs on one file: --data FILE")
        raise DataError.at(str(run), what, fix, code="other-rows")
    return prepared


def _learnt(codec: Codec, prepared: Prepared, settings: Settings) -> Prepared:
    return teachable(codec, prepared, SILENT, skip=settings.data.bad_rows == "skip")


def _asked(
    run: Path, predictor: Predictor, part: str, examples: Sequence[Example[Any, Any]], seen: frozenset[Hashable],
    report: Mapping[str, Any], screen: Progress,
) -> Answers:  # fmt: skip
    task = predictor.codec.task
    with screen.track(t("asking {run}", run=run), len(task.questions(examples))) as tracker:
        predictions = predictor.answers(examples, tracker.advance)
    return Answers(run, task, part, examples, predictions, _tokens(predictor.codec), seen, report)


def _of_folds(run: Path, prepared: Sequence[Prepared], report: Mapping[str, Any], screen: Progress) -> Answers:
    """Of each row what that fold's model says which did not learn from it."""
    told: list[Answers] = []
    for fold, own in zip(prepared, report["folds"], strict=True):
        folder = run / own["folder"]
        predictor = load_artifact(folder)
        data = _learnt(predictor.codec, fold, load_settings(folder / CONFIG))
        told.append(_asked(folder, predictor, "test", data.split.test, frozenset(), {}, screen))
    return Answers(
        run, told[0].task, "test", [e for one in told for e in one.examples],
        [said for one in told for said in one.predictions], told[0].tokens, frozenset(), report,
    )  # fmt: skip


def _tokens(codec: Codec) -> str:
    vocabulary = codec.text.tokenizer.get_vocab(with_added_tokens=True)
    return hashlib.sha256(json.dumps(sorted(vocabulary.items())).encode()).hexdigest()
