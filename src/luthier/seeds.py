"""Training once a seed: how far a result depends on chance, and the seed that did best on validation as the result.

Data, split, choices, what the untuned model sees and the baselines are made once; only the order of the rows, dropout
and what starts at random differ. How much that moves the scores of a fine-tuned model: Dodge et al. 2020.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import run as single
from luthier.config.schema import Settings
from luthier.config.settings import load_settings
from luthier.config.write import as_yaml
from luthier.errors import CheckpointError, ConfigError
from luthier.extras import require
from luthier.files import disk_trouble, whole_folder, write_text
from luthier.identity import check_explicit
from luthier.language import t
from luthier.looks import Looks
from luthier.preparing.prepare import Prepared, prepare
from luthier.progress import SILENT, Progress
from luthier.runfolder import BALANCE, CONFIG, REPORT, check_free, claim, is_finished, sweep_run
from luthier.several import begin, train_within

if TYPE_CHECKING:  # torch takes a second to import
    from luthier.finish import Run

FOLDER = "seeds"
_TAKEN = ("predictions.csv", "metrics.jsonl", "environment.json", BALANCE)
_FOR_ALL = ("train.epochs", "train.patience")
"""What a resume of one run may change, and one of several seeds may not: they are to differ in nothing but chance."""


def check(settings: Settings) -> None:
    """Whether several seeds can be trained. Errors: ConfigError."""
    split = settings.data.split
    if split.folds is not None and split.fold is None:
        what = t("{seeds} seeds of {folds} folds are {count} trainings, and the folds already tell the spread",
                 seeds=settings.train.seeds, folds=split.folds, count=settings.train.seeds * split.folds)  # fmt: skip
        fix = t("leave out one of the two: train.seeds=1, or data.split.folds=")
        raise ConfigError.at("train.seeds", what, fix, code="conflict")
    if settings.task.get("alone"):
        what = t("parts that are trained alone too, and several seeds: that is no one comparison")
        raise ConfigError.at("train.seeds", what, t("leave out one of the two: task.alone, or train.seeds"),
                             code="conflict")  # fmt: skip
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        what = t("several processes train one seed at a time")
        fix = t("leave out train.seeds, and give each run a train.seed=… and an --out of its own")
        raise ConfigError.at("train.seeds", what, fix, code="conflict")


def train(
    path: Path, settings: Settings, explicit: Mapping[str, Any], *, resume: bool, overwrite: bool, screen: Progress
) -> Run:
    """`run.train` for train.seed, train.seed + 1 …, in path/seeds/. On a resume finished seeds are not trained again.

    path: of the run. explicit: as of `run.train`. Errors: LuthierError.
    """
    require("torch", "transformers", "peft")
    check_free(path, resume=resume, overwrite=overwrite)
    if resume and (path / CONFIG).is_file():
        settings = _as_begun(path, explicit)
    began = time.time()
    from luthier.finish import read_run

    if resume and is_finished(path):
        screen.say(t("{run} is finished; nothing is left to do", run=path))
        return read_run(path)
    prepared = prepare(settings)
    from luthier import announce

    announce.data(prepared, screen)
    first, count = settings.train.seed, settings.train.seeds
    with claim(path, overwrite=overwrite) as owned:
        sweep_run(owned.path)
        heading = t("The configuration of this run of several seeds; `luthier train` with it repeats the run.")
        data = settings.data.model_copy(update={"columns": dict(prepared.columns), "split": prepared.how})
        begin(path, settings.model_copy(update={"data": data}), heading, prepared.saved.text())
        runs: list[Run] = []
        looks = Looks()
        for number, seed in enumerate(range(first, first + count), 1):
            own = _of_seed(runs[0].folder if runs else None, settings, seed, path / FOLDER / f"seed-{seed}")
            title = t("seed {seed} ({number} of {count})", seed=seed, number=number, count=count)
            runs.append(train_within(
                path, own, prepared, title, screen, explicit=_harmless(explicit), tables=number == 1, looks=looks
            ))  # fmt: skip
        _finish(path, prepared, runs, screen, time.time() - began)
    return read_run(path)


def _as_begun(path: Path, explicit: Mapping[str, Any]) -> Settings:
    """As `run.as_begun`. Errors: CheckpointError for what would make the seeds differ in more than chance."""
    begun = load_settings(path / CONFIG)
    changed = [key for key in check_explicit(explicit, begun, str(path / CONFIG)) if key in _FOR_ALL]
    if changed:
        what = t("{keys} would be another for the seeds that are left", keys=", ".join(changed))
        fix = t("leave it out, or start anew with another --out")
        raise CheckpointError.at(str(path / CONFIG), what, fix, code="other-run")
    return single.as_begun(path, explicit)


def _harmless(explicit: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in explicit.items() if key not in _FOR_ALL}


def _of_seed(first: Path | None, settings: Settings, seed: int, folder: Path) -> Settings:
    """first: the run of the first seed, whose choices hold for all; None before there is one."""
    base = settings if first is None else load_settings(first / CONFIG)
    how = base.train.model_copy(update={"seed": seed, "seeds": 1})
    return base.model_copy(update={"train": how, "out": str(folder), "track": settings.track})


def _finish(path: Path, prepared: Prepared, runs: Sequence[Run], screen: Progress, seconds: float) -> None:
    """The chosen seed's model and report become the run's own. What it says to the test rows is worked out again from
    its model, so that a resume needs nothing else."""
    from luthier import announce
    from luthier.inference.artifact import load_artifact
    from luthier.report.judging.seeds import OneSeed, seeds_story, seeds_table
    from luthier.report.page import report_page
    from luthier.teachable import teachable

    judged = [
        OneSeed(load_settings(run.folder / CONFIG).train.seed, f"{FOLDER}/{run.folder.name}", run.report,
                run.folder / "predictions.csv")
        for run in runs
    ]  # fmt: skip
    story = seeds_story(judged)
    chosen = next(run for run, row in zip(runs, story["runs"], strict=True) if row["seed"] == story["chosen"])
    report = {**chosen.report, **_first_choices(runs[0].report, chosen.report), "seeds": story, "seconds": seconds}
    with disk_trouble(path):
        _take(chosen.folder, path)
        predictor = load_artifact(path / "model")
        skip = load_settings(chosen.folder / CONFIG).data.bad_rows == "skip"
        examples = teachable(predictor.codec, prepared, SILENT, skip=skip).split.part(report["judged_on"])
        with screen.track(t("testing"), len(examples)) as tracker:
            predictions = predictor.answers(examples, tracker.advance)
        task = predictor.codec.task
        write_text(path / "report.html", report_page(report, task, examples, predictions, seeds_table(story)))
        write_text(path / CONFIG, _resolved(runs, report))
        for run in runs:
            if run is not chosen:  # finished: nothing goes on from its checkpoints
                shutil.rmtree(run.folder / "checkpoints", ignore_errors=True)
        write_text(path / REPORT, json.dumps(report, ensure_ascii=False, indent=1))
    announce.seeds(story, screen)
    announce.result(report, path, screen, texts=task.reads_texts)


def _first_choices(first: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The choices and the comparison of remedies, which were made once, before the first seed."""
    balance = {**chosen["balance"], "comparison": first["balance"]["comparison"]}
    return {"choices": first["choices"], "balance": balance}


def _resolved(runs: Sequence[Run], report: Mapping[str, Any]) -> str:
    settings = load_settings(runs[0].folder / CONFIG)
    settings = settings.model_copy(update={"train": settings.train.model_copy(update={"seeds": len(runs)})})
    reasons = "\n".join(f"{choice['key']}: {choice['reason']}" for choice in report["choices"])
    heading = t("The resolved configuration of this run; `luthier train` with it repeats the run.")
    return as_yaml(settings, f"{heading}\n{reasons}")


def _take(chosen: Path, path: Path) -> None:
    """The chosen run's model, adapter and records, as files of the whole run. They share the disk's blocks where the
    file system can do that."""
    for name in ("model", "adapter"):
        shutil.rmtree(path / name, ignore_errors=True)  # of a process that was killed between here and the report
        if (chosen / name).is_dir():
            with whole_folder(path / name) as temporary:
                shutil.copytree(chosen / name, temporary, dirs_exist_ok=True, copy_function=_linked)
    for name in _TAKEN:
        (path / name).unlink(missing_ok=True)
        if (chosen / name).is_file():
            shutil.copy2(chosen / name, path / name)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
