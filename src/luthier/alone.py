"""Each part of a task trained by itself as well, on the same rows with the same settings: what does it gain or lose by
the others?"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import run as single
from luthier.config.schema import Settings
from luthier.config.settings import load_settings
from luthier.errors import ConfigError
from luthier.files import disk_trouble, write_text
from luthier.language import t
from luthier.parts.rows import answers_of, examples_of, numbers_of
from luthier.preparing.gather import make_task
from luthier.preparing.parts import each, own_settings
from luthier.preparing.prepare import Prepared, prepare
from luthier.progress import Progress
from luthier.runfolder import CONFIG, IDENTITY, REPORT, is_finished
from luthier.types import PARTS

if TYPE_CHECKING:
    from luthier.finish import Run
    from luthier.inference.artifact import Predictor
    from luthier.task import AnyTask

FOLDER, KEY = "alone", "alone"


def check_processes(settings: Settings) -> None:
    """Errors: ConfigError where parts are to be trained alone by several processes."""
    if settings.task.get("alone") and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        what = t("several processes train one model at a time")
        raise ConfigError.at("task.alone", what, t("leave it out, and train each part in a run of its own"),
                             code="conflict")  # fmt: skip


def with_parts_alone(run: Run, screen: Progress) -> Run:
    """The finished run, whose report also says how each part does alone, where its task asks for that. The models lie
    in alone/<part>; a resume goes on with the first that is not finished."""
    settings = load_settings(run.folder / CONFIG)
    parts = make_task(settings).trained_alone() if settings.task.get("name") != "auto" else {}
    if not parts or KEY in run.report:
        return run
    from luthier.finish import read_run
    from luthier.inference.artifact import load_artifact

    screen.say(t("{parts} are each trained alone, too, on their own rows with the same settings: that takes up to "
                 "{count} times the training so far", parts=", ".join(parts), count=len(parts)))  # fmt: skip
    prepared = prepare(settings)
    own = each(own_settings(settings), prepare)
    together = load_artifact(run.folder / "model")
    compared: dict[str, dict[str, Any]] = {}
    for name, task in parts.items():
        began, folder = time.time(), run.folder / FOLDER / name
        data = own.get(name) or _of_part(name, prepared)
        data = replace(data, task=task.learn(data.split.train))
        _train(folder, settings, task, data, screen)
        compared[name] = {**_compare(name, together, load_artifact(folder / "model"), prepared, settings),
                          "seconds": time.time() - began}  # fmt: skip
    report = {**run.report, KEY: compared}
    with disk_trouble(run.folder):
        write_text(run.folder / REPORT, json.dumps(report, ensure_ascii=False, indent=1))
    _tell(compared, screen)
    return read_run(run.folder)


def _of_part(name: str, prepared: Prepared) -> Prepared:
    """Of rows that all parts share what one of them learns and is judged by."""
    train, validation, test = (examples_of(name, prepared.split.part(part)) for part in PARTS)
    return replace(prepared, split=replace(prepared.split, train=train, validation=validation, test=test))


def _train(folder: Path, settings: Settings, task: AnyTask, data: Prepared, screen: Progress) -> None:
    if is_finished(folder):
        return
    own = settings.model_copy(update={"task": {"name": task.name, **task.options()}, "out": str(folder)})
    begun = (folder / IDENTITY).is_file()
    going_on = begun and (folder / CONFIG).is_file()
    single.train(own, resume=going_on, overwrite=begun and not going_on, screen=screen, prepared=data)


def _compare(
    name: str, together: Predictor, alone: Predictor, prepared: Prepared, settings: Settings
) -> dict[str, Any]:
    """The part's main score of both on the same rows, and their paired difference."""
    from luthier.evaluation.evaluate import report_of, resampled
    from luthier.evaluation.intervals import paired_difference
    from luthier.probing import judged_part

    examples = prepared.split.part(judged_part(prepared.split))
    rows = numbers_of(name, [example.answer for example in examples])
    answers = answers_of(name, [example.answer for example in examples])
    said = together.answers([examples[i] for i in rows])
    parts = replace(together.codec.task, **{KEY: True}).trained_alone()  # as they were learnt and placed
    both = {
        "together": (parts[name], [one[name] for one in said]),
        "alone": (alone.codec.task, alone.answers(examples_of(name, examples))),
    }
    seed = settings.train.seed
    found = {way: resampled(task, predictions, answers, seed=seed) for way, (task, predictions) in both.items()}
    reports = {way: report_of(found[way], both[way][1]) for way in both}
    main = reports["together"].main
    apart = paired_difference(found["together"], found["alone"], main.name, higher_is_better=main.higher_is_better)
    return {
        "score": main.name,
        **{way: reports[way].main.as_json() for way in both},
        "scores": {way: [score.as_json() for score in reports[way].scores] for way in both},
        "difference": apart.value, "low": apart.low, "high": apart.high,
    }  # fmt: skip


def _tell(compared: Mapping[str, Mapping[str, Any]], screen: Progress) -> None:
    rows = [
        (name, one["score"], f"{one['together']['value']:.4f}", f"{one['alone']['value']:.4f}",
         f"{one['difference']:+.4f}  [{one['low']:+.4f}, {one['high']:+.4f}]", f"{one['seconds']:.0f}")
        for name, one in compared.items()
    ]  # fmt: skip
    headers = ("", t("score"), t("together"), t("alone"), t("gain by the others"), t("seconds alone"))
    screen.table(t("each part together with the others and alone"), headers, rows)
