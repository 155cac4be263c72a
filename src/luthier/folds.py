"""Training that is one run, or one run a fold: every row is then tested once, by a model that did not learn from it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import run as single
from luthier import seeds
from luthier.alone import check_processes, with_parts_alone
from luthier.config.schema import Settings
from luthier.config.settings import load_settings
from luthier.errors import ConfigError
from luthier.extras import require
from luthier.files import disk_trouble, write_text
from luthier.language import t
from luthier.models.known import choose_model
from luthier.preparing.prepare import Prepared, prepare_folds
from luthier.progress import SILENT, Progress
from luthier.runfolder import CONFIG, REPORT, check_free, claim, is_finished, sweep_run
from luthier.several import begin, train_within
from luthier.tracking import check_trackers
from luthier.types import PARTS

if TYPE_CHECKING:
    from luthier.finish import Run


def train(
    settings: Settings,
    *,
    explicit: Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    screen: Progress = SILENT,
) -> Run:
    """`run.train`, once or, with data.split.folds and no data.split.fold, for each fold in turn; with train.seeds for
    each seed.

    A resume goes on with the first fold or seed that is not finished. Errors: LuthierError.
    """
    path = single.run_path(settings, resume=resume)
    settings = settings.model_copy(update={"out": str(path)})
    has_begun = resume and (path / CONFIG).is_file()
    begun = load_settings(path / CONFIG) if has_begun else settings
    split = begun.data.split
    check_trackers(settings.track or begun.track)
    if begun.train.seeds > 1:
        seeds.check(begun)
        return seeds.train(path, settings, explicit or {}, resume=resume, overwrite=overwrite, screen=screen)
    if split.folds is None or split.fold is not None:
        check_processes(settings)
        run = single.train(settings, explicit=explicit, resume=resume, overwrite=overwrite, screen=screen)
        return with_parts_alone(run, screen)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        what = t("several processes train one fold at a time")
        fix = t("add data.split.fold=1, then 2, up to {folds}, each with an --out of its own", folds=split.folds)
        raise ConfigError.at("data.split.folds", what, fix, code="conflict")
    require("torch", "transformers", "peft")
    check_free(path, resume=resume, overwrite=overwrite)
    if has_begun:
        settings = single.as_begun(path, explicit or {})
    return _train(path, settings, explicit or {}, overwrite=overwrite, screen=screen)


def _train(path: Path, settings: Settings, explicit: Mapping[str, Any], *, overwrite: bool, screen: Progress) -> Run:
    began = time.time()
    prepared = prepare_folds(settings)
    count = len(prepared)
    folders = [path / f"fold-{number}" for number in range(1, count + 1)]
    kind = prepared[0].task.auto_class
    model, choices = choose_model(settings.model, prepared[0].language, kind, weights=settings.pretrained)
    from luthier import announce
    from luthier.finish import read_run

    if is_finished(path):
        screen.say(t("{run} is finished; nothing is left to do", run=path))
        return read_run(path)
    announce.folded_data(prepared, screen)
    for choice in choices:
        screen.say(f"{choice.key} = {choice.value}: {choice.reason}")
    with claim(path, overwrite=overwrite) as owned:
        sweep_run(owned.path)
        _write_beginning(path, settings, prepared, folders)
        runs: list[Run] = []
        for number, (fold, folder) in enumerate(zip(prepared, folders, strict=True), 1):
            own = _fold_settings(settings, fold, folder, model.name)
            title = t("fold {number} of {count}", number=number, count=count)
            runs.append(train_within(path, own, fold, title, screen, explicit=explicit, tables=number == 1))
        _finish(path, prepared, folders, runs, screen, began)
    return read_run(path)


def _finish(
    path: Path, prepared: Sequence[Prepared], folders: Sequence[Path], runs: Sequence[Run], screen: Progress,
    began: float,
) -> None:  # fmt: skip
    from luthier import announce
    from luthier.evaluation.leak import leak_worth
    from luthier.pooled import pool
    from luthier.report.files.predictions import write_predictions
    from luthier.report.folds import folds_page, folds_summary
    from luthier.runtime import open_runtime

    precision = load_settings(folders[0] / CONFIG).train.precision
    with open_runtime(precision) as runtime:
        pooled = pool(prepared, folders, runtime, screen)
    details = pooled.task.details(pooled.predictions, [example.answer for example in pooled.examples])
    names = [folder.name for folder in folders]
    reports = [run.report for run in runs]
    rows = [example for name in PARTS for example in prepared[0].split.part(name)]
    how = prepared[0].how
    leak = leak_worth(pooled.task, rows, how.seed or 0, 1 / len(folders)) if how.near_duplicates else None
    following = t("These models are for measuring. For one to serve, train on all rows, of which a tenth choose the "
                  "checkpoint: luthier train {config} data.split.folds= data.split.test=0; what the "
                  "folds scored is what to expect of it.", config=path / CONFIG)  # fmt: skip
    report = folds_summary(reports, names, prepared[0], pooled.trial, leak, details, time.time() - began, following)
    with disk_trouble(path):
        write_predictions(path / "predictions.csv", pooled.task, pooled.examples, pooled.predictions, pooled.folds)
        write_text(path / "report.html", folds_page(report, pooled.task, pooled.examples, pooled.predictions))
        write_text(path / REPORT, json.dumps(report, ensure_ascii=False, indent=1))
    announce.folded_result(report, path, screen)


def _write_beginning(path: Path, settings: Settings, prepared: Sequence[Prepared], folders: Sequence[Path]) -> None:
    """As `several.begin`, with the rows of each fold."""
    rows = {folder.name: fold.saved.rows for folder, fold in zip(folders, prepared, strict=True)}
    text = json.dumps({"files": prepared[0].files, "folds": rows}, ensure_ascii=False)
    how = prepared[0].how.model_copy(update={"fold": None})
    data = settings.data.model_copy(update={"columns": dict(prepared[0].columns), "split": how})
    heading = t("The configuration of this run in folds; `luthier train` with it repeats the run.")
    begin(path, settings.model_copy(update={"data": data}), heading, text)


def _fold_settings(settings: Settings, fold: Prepared, folder: Path, model: str) -> Settings:
    data = settings.data.model_copy(update={"split": fold.how})
    return settings.model_copy(update={"data": data, "out": str(folder), "model": model})
