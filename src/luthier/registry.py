"""The runs that there are: read off their folders, which are the only record of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.config.settings import load_settings
from luthier.errors import LuthierError, Place, Problem, RunError, did_you_mean, shown
from luthier.language import t
from luthier.runfolder import CONFIG, IDENTITY, REPORT, identity, is_finished, is_running, remove_run

RUNS = Path("runs")
_DEEPEST = 3
"""Levels below a named folder in which runs are looked for."""
COLUMNS = ("name", "date", "task", "model", "method", "score", "verdict", "state", "size")


@dataclass(frozen=True)
class Entry:
    """A run. started: seconds since 1970. method: of tuning. metric, score, low, high: the main score, None while there
    is none. verdict: worth_it, "" while there is none. state: finished, unfinished or running. size: bytes on disk.
    within: how many runs lie in it (folds, seeds …)."""

    path: Path
    name: str
    started: float
    state: str
    size: int
    task: str = ""
    model: str = ""
    method: str = ""
    data: tuple[str, ...] = ()
    metric: str = ""
    score: float | None = None
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True
    verdict: str = ""
    within: int = 0
    report: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Any]:
        left_out = {"report", "path", "data", "higher_is_better"}
        own = {name: value for name, value in vars(self).items() if name not in left_out}
        return {"run": str(self.path), **own, "data": list(self.data)}


def find_runs(folders: Sequence[Path] = ()) -> list[Entry]:
    """The runs in these folders, or these runs themselves; those under runs/ where none is named. The newest first.
    Runs within a run (folds, seeds) are part of it. Errors: RunError for a folder that does not exist."""
    fix = t("see what is there: luthier runs")
    missing = [Problem(Place(str(folder)), t("no such folder"), fix, "no-such-run")
               for folder in folders if not folder.is_dir()]  # fmt: skip
    if missing:
        raise RunError(*missing)
    found = {path.resolve(): path for folder in folders or [RUNS] for path in _below(folder, _DEEPEST)}
    return sorted(map(read_entry, found.values()), key=lambda entry: -entry.started)


def _below(folder: Path, levels: int) -> Iterator[Path]:
    if (folder / IDENTITY).is_file():
        yield folder
    elif levels and folder.is_dir():
        for inner in sorted(folder.iterdir()):
            if inner.is_dir() and not inner.is_symlink() and not inner.name.startswith("."):
                yield from _below(inner, levels - 1)


def read_entry(path: Path) -> Entry:
    """Of a run's folder. What cannot be read of it stays empty."""
    inner = runs_within(path)
    state = "running" if _in_use(path, inner) else "finished" if is_finished(path) else "unfinished"
    report, own = _report(path), _settings(path)
    data = report.get("data", {}).get("files", {})
    main = (report.get("scores") or [{}])[0]
    return Entry(
        path=path,
        name=path.name if path.name else str(path),
        started=float(identity(path).get("started", 0.0)),
        state=state,
        size=_size(path),
        task=str(report.get("task", own.get("task", ""))),
        model=str(report.get("model", own.get("model", ""))),
        method=str(report.get("tuning", {}).get("method", own.get("method", ""))),
        data=tuple(data) or tuple(own.get("data", ())),
        metric=str(main.get("name", "")),
        score=main.get("value"),
        low=main.get("low"),
        high=main.get("high"),
        higher_is_better=bool(main.get("higher_is_better", True)),
        verdict=str(report.get("verdict", {}).get("worth_it", "")),
        within=len(inner),
        report=report,
    )


def named_run(word: str) -> Path:
    """A run by its folder, or by its name under runs/. Errors: RunError with the nearest name."""
    for path in (Path(word), RUNS / word):
        if (path / IDENTITY).is_file():
            return path
    if Path(word).exists():
        what = t("is no run of Luthier: {file} is missing", file=IDENTITY)
        raise RunError.at(word, what, t("see what is there: luthier runs"), code="no-run")
    known = [path.name for path in _below(RUNS, _DEEPEST)]
    raise RunError.at(word, t("no such run"), did_you_mean(Path(word).name, known), code="no-such-run")


def chosen(entries: Sequence[Entry], *, task: str | None, data: str | None) -> list[Entry]:
    """Those of a task, and those among whose data files' names a text is."""
    kept = [entry for entry in entries if task is None or entry.task == task.replace("-", "_")]
    return [entry for entry in kept if data is None or any(data in name for name in entry.data)]


def in_order(entries: Sequence[Entry], column: str) -> list[Entry]:
    """By a column: the best score, the newest, the largest first, names in the order of the alphabet; what is not known
    last. Errors: RunError for a column that is none."""
    keys = {
        "name": lambda e: e.name,
        "date": lambda e: -e.started,
        "task": lambda e: e.task,
        "model": lambda e: e.model,
        "method": lambda e: e.method,
        "score": lambda e: -e.score if e.higher_is_better else e.score,
        "verdict": lambda e: ("yes", "unclear", "no").index(e.verdict),
        "state": lambda e: e.state,
        "size": lambda e: -e.size,
    }
    if column not in keys:
        what = t("{column} is no column", column=shown(column))
        raise RunError.at("--sort", what, did_you_mean(column, COLUMNS), code="usage")
    blank = [e for e in entries if (e.score is None if column == "score" else column == "verdict" and not e.verdict)]
    told = [entry for entry in entries if entry not in blank]
    return [*sorted(told, key=keys[column]), *blank]


def check_deletable(paths: Sequence[Path]) -> None:
    """Errors: RunError naming what is no run, a link, a part of a run, in use, or where this program stands."""
    problems: list[Problem] = []
    for path in paths:
        what, fix = _why_not(path)
        if what:
            problems.append(Problem(Place(str(path)), what, fix, "not-deletable"))
    if problems:
        raise RunError(*problems)


def delete(path: Path) -> int:
    """Deletes a run's folder. Returns the bytes that it had. Errors: RunError where it may not be, or could not."""
    check_deletable([path])
    size = _size(path)
    try:
        remove_run(path)
    except OSError as error:
        what = t("cannot be deleted ({error})", error=error.strerror)
        raise RunError.at(str(path), what, t("see who owns it: ls -ld {path}", path=path), code="read-only") from None
    return size


def _why_not(path: Path) -> tuple[str, str]:
    if path.is_symlink():
        return t("is a link; what it leads to is not deleted through it"), t("name the run's own folder")
    if "run_id" not in identity(path):
        return t("is no run of Luthier: {file} is missing", file=IDENTITY), t("see what is there: luthier runs")
    real = path.resolve()
    above = [folder for folder in list(real.parents)[:3] if (folder / IDENTITY).is_file()]
    if above:
        return t("is a part of the run {run}", run=above[0]), t("delete that one")
    if real == Path.cwd() or real in Path.cwd().parents:
        return t("is where you are"), t("go elsewhere first: cd ..")
    if _in_use(path, runs_within(path)):
        return t("is in use by another process"), t("wait for it, or stop it")
    return "", ""


def runs_within(path: Path) -> list[Path]:
    """Runs in a run: its folds, its seeds, its parts alone."""
    inner = _folders(path)
    return [folder for folder in (*inner, *(deeper for one in inner for deeper in _folders(one)))
            if (folder / IDENTITY).is_file()]  # fmt: skip


def _folders(path: Path) -> list[Path]:
    """A folder that goes meanwhile, as that of a checkpoint does while it is written, has none."""
    try:
        with os.scandir(path) as found:
            return sorted(Path(entry.path) for entry in found if entry.is_dir())
    except OSError:
        return []


def _in_use(path: Path, within: Sequence[Path]) -> bool:
    return any(map(is_running, [path, *within]))


def _report(path: Path) -> dict[str, Any]:
    try:
        content = json.loads((path / REPORT).read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    except (OSError, ValueError):
        return {}


def _settings(path: Path) -> dict[str, Any]:
    """Of a run that has no report yet what its config.yaml tells."""
    if is_finished(path) or not (path / CONFIG).is_file():
        return {}
    try:
        settings = load_settings(path / CONFIG)
    except LuthierError:
        return {}
    named = settings.data.named
    data = [named] if isinstance(named, str) else named or []
    return {"task": settings.task["name"], "model": settings.model, "method": settings.tuning["method"], "data": data}


def _size(path: Path) -> int:
    """Bytes of its files. A file that has several names in the run, as a kept seed's model has, counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                found = os.lstat(os.path.join(folder, name))  # noqa: PTH118  a Path a file would take three times as long
            except OSError:
                continue  # gone meanwhile: a run may be writing
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_size
    return total
