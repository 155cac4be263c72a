"""From a run and the corrections of its answers to a new run, and whether that may be used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import catalog
from luthier.codec import Codec
from luthier.config.schema import DataSettings, Settings
from luthier.config.settings import load_settings
from luthier.errors import ConfigError, RunError
from luthier.extras import require
from luthier.files import disk_trouble, write_text
from luthier.language import t
from luthier.models.run import REJECTED, model_folder
from luthier.preparing.prepare import prepare
from luthier.progress import SILENT, Progress
from luthier.recording.store import Store
from luthier.relearning.corrections import Corrections, read_corrections, write_rows
from luthier.run import run_path
from luthier.runfolder import CONFIG, REPORT, check_free, is_finished

if TYPE_CHECKING:  # torch takes a second to import
    from luthier.finish import Run
    from luthier.relearning.gate import Gate

REPLAY = 0.8
"""Of the rows that training shows, how many are the run's own: what is not shown again is forgotten (Robins 1995)."""
_ENDING = ".feedback.jsonl"
FEEDBACK = "feedback.json"


@dataclass(frozen=True)
class Relearnt:
    run: Run
    gate: Gate
    notes: Sequence[str]


def learn_from_feedback(
    old: Path, address: str, overrides: Sequence[str] = (), values: Mapping[str, Any] | None = None, *,
    replay: float = REPLAY, overwrite: bool = False, screen: Progress = SILENT,
) -> Relearnt:  # fmt: skip
    """old: a finished run, whose model goes on learning from the corrections in the database at the address and from
    its own training rows. Its validation rows choose the checkpoint, its test rows judge, and neither is learnt from.
    overrides, values: further settings, as of `load_settings`. replay: the least share of the old rows.

    Beside the new run's folder lie the corrections, with their texts. A run that is worse than the old one by more than
    chance is marked, and `luthier serve`, `predict` and `export` refuse it. Errors: LuthierError.
    """
    require("torch", "transformers", "peft")
    if not 0 < replay < 1:
        fix = t("use a share above 0 and below 1")
        raise ConfigError.at("--replay", t("is {value}", value=replay), fix, code="out-of-range")
    begun = _begun(old)
    store, codec = Store(address), Codec.load(model_folder(old), catalog.task)
    prepared = prepare(_with(begun, {"from": str(old)}))
    found = read_corrections(store, codec, prepared)
    path = run_path(load_settings(None, overrides, {"data.train": begun.data.train, **(values or {})}), resume=False)
    check_free(path, resume=False, overwrite=overwrite)
    files = _files(path)
    for file, rows in zip(files, (found.learnt, found.kept_back), strict=True):
        if rows:
            write_rows(file, rows)
        else:
            file.unlink(missing_ok=True)
    _say(found, files, screen)
    settings = _settings(old, path, files[0], _share(replay, found, len(prepared.split.train)), overrides, values)
    from luthier.folds import train

    run = train(settings, overwrite=overwrite, screen=screen)
    return Relearnt(run, _judged(old, run.folder, settings.data, len(found.learnt), found.notes, screen), found.notes)


def judge_resumed(run: Path, screen: Progress = SILENT) -> Gate | None:
    """Of a run that learnt from feedback, was interrupted, and has been finished since: what its end left undone. None
    for any other run. Errors: LuthierError, as where the old run is gone."""
    rows = _files(run)[0]
    if not rows.is_file() or (run / FEEDBACK).is_file():
        return None
    data = load_settings(run / CONFIG).data
    if data.split.from_ is None or not any(name.endswith(rows.name) for name in data.mix):
        return None
    return _judged(Path(data.split.from_), run, data, len(rows.read_text(encoding="utf-8").splitlines()), (), screen)


def _files(run: Path) -> list[Path]:
    """Beside a run's folder: rows that it learns from, and rows that are kept back."""
    return [run.with_name(run.name + ending) for ending in (_ENDING, ".feedback-kept-back.jsonl")]


def _judged(
    old: Path, new: Path, data: DataSettings, rows: int, notes: Sequence[str], screen: Progress
) -> Gate:  # fmt: skip
    """What is written of it stands in the new run's folder; with it, that the run is not to be used, where it is worse
    than the old one."""
    gate = _judge(old, new, _files(new), data, screen)
    told = {"from": str(old), "rows": rows, "notes": list(notes), **gate.as_json()}
    with disk_trouble(new):
        if gate.worse:
            write_text(new / REJECTED, json.dumps({"use": str(old), "why": gate.sentence()}, ensure_ascii=False))
        write_text(new / FEEDBACK, json.dumps(told, ensure_ascii=False, indent=1))
    return gate


def _begun(old: Path) -> Settings:
    """The settings of the run. Errors: RunError for what cannot go on."""
    if not is_finished(old) or not (old / CONFIG).is_file() or not (old / REPORT).is_file():
        fix = t("name the folder of a finished run of luthier train")
        raise RunError.at(str(old), t("is no finished run"), fix, code="no-run")
    report = json.loads((old / REPORT).read_text(encoding="utf-8"))
    if "folds" in report:
        fix = t("train one model on all rows first: luthier train {config} data.split.folds=", config=old / CONFIG)
        raise RunError.at(str(old), t("is a run in folds, which has no model of its own"), fix, code="run-in-folds")
    settings = load_settings(old / CONFIG)
    if settings.data.train is None:
        what = t("has no data.train whose rows could be shown again")
        raise RunError.at(str(old), what, t("go on with a run on one file or several"), code="no-train")
    return settings


def _with(begun: Settings, split: Mapping[str, Any]) -> Settings:
    data = begun.data.model_copy(update={"split": type(begun.data.split).model_validate(split)})
    return begun.model_copy(update={"data": data})


def _share(replay: float, found: Corrections, rows: int) -> float:
    """Of the rows shown, how many are corrections: what replay leaves, or their own part where that is more."""
    own = len(found.learnt)
    return max(1 - replay, own / (own + rows))


def _settings(
    old: Path, path: Path, file: Path, share: float, overrides: Sequence[str], values: Mapping[str, Any] | None
) -> Settings:
    """The run's own, with its model, its rows and the corrections. What the user writes goes first."""
    begun = load_settings(old / CONFIG)
    kept = {name: own for name, own in begun.data.mix.items() if not name.endswith(_ENDING)}
    total = sum(kept.values())
    mix = {name: own * (1 - share) / max(1.0, total) for name, own in kept.items()} | {str(file): share}
    fixed = {
        "model": str(model_folder(old)), "data.split": {"from": str(old)}, "data.mix": mix, "out": str(path),
        "train.head_init": "random",  # which leaves it as it is: it has learnt
        "train.seeds": 1, "train.epochs": "auto", "distil": {},
    }  # fmt: skip
    return load_settings(old / CONFIG, overrides, {**fixed, **(values or {})})


def _judge(old: Path, new: Path, files: Sequence[Path], data: DataSettings, screen: Progress) -> Gate:
    from luthier.comparing.compare import compare
    from luthier.relearning.gate import Gate, mended

    how = DataSettings(columns=data.columns, clean=data.clean)
    comparison = compare([old, new], screen=screen)
    learnt, kept_back = (mended([old, new], file, how, screen) for file in files)
    return Gate(comparison, learnt, kept_back)


def _say(found: Corrections, files: Sequence[Path], screen: Progress) -> None:
    for note in found.notes:
        screen.warn(note)
    count, back = len(found.learnt), len(found.kept_back)
    screen.say(t("{count} corrections to learn from, with their texts, in {file}", count=count, file=files[0]))
    if back:
        screen.say(t("{count} are kept back, to see whether more is learnt than these rows", count=back))
