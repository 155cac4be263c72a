"""Runs within a run: one after another, each in a folder of its own inside the folder of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import run as single
from luthier.config.schema import Settings
from luthier.config.write import as_yaml
from luthier.errors import DataError, InterruptedRun, Place, Problem
from luthier.files import disk_trouble, write_text
from luthier.identity import HARMLESS
from luthier.language import t
from luthier.looks import Looks
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress, Tracker
from luthier.runfolder import CONFIG, IDENTITY
from luthier.splitting.saved import NAME as SPLIT

if TYPE_CHECKING:  # torch takes a second to import
    from luthier.finish import Run


def begin(path: Path, settings: Settings, heading: str, split: str) -> None:
    """config.yaml and split.json of the whole, before the first run in it. On a resume they stay; the split must be the
    one that is there. heading: a comment on top of config.yaml. Errors: DataError where the data have changed since."""
    if (path / SPLIT).is_file():
        if (path / SPLIT).read_text(encoding="utf-8") != split:
            what = t("the rows are no longer split as they were when the run began: the data have changed")
            fix = t("resume with what the run began with, or start anew with another --out")
            raise DataError.at(str(path / SPLIT), what, fix, code="other-run")
        return
    with disk_trouble(path):
        write_text(path / CONFIG, as_yaml(settings, heading))
        write_text(path / SPLIT, split)


def train_within(
    path: Path, own: Settings, prepared: Prepared, title: str, screen: Progress, *, explicit: Mapping[str, Any],
    tables: bool, looks: Looks | None = None,
) -> Run:  # fmt: skip
    """One of the runs: begun, gone on with, or read where it is finished.

    path: of the whole, which an interruption names. own: with its own folder as `out`. title: what its bars and
    warnings begin with. explicit: as of `run.train`. tables: whether it shows what was chosen and why. looks: as of
    `run.train`.
    """
    harmless = {key: value for key, value in explicit.items() if key in HARMLESS and key != "out"}
    fix = t("go on with: luthier train --resume --out {folder}", folder=path)
    with interrupted_as(path, fix, f"{title}: "):
        run = wherever_it_stands(own, prepared, _OneOfThem(screen, title, tables=tables), harmless, looks)
    screen.say(f"{title}: " + ", ".join(map(str, run.test.scores[:2])))
    return run


def wherever_it_stands(
    own: Settings, prepared: Prepared, screen: Progress, explicit: Mapping[str, Any] | None = None,
    looks: Looks | None = None,
) -> Run:  # fmt: skip
    """A run that is begun, gone on with, or read where it is finished, as its folder has it. own: with its folder as
    `out`. The rest: as of `run.train`."""
    folder = Path(str(own.out))
    begun, written = (folder / IDENTITY).is_file(), (folder / CONFIG).is_file()
    return single.train(own, explicit=explicit, resume=begun and written, overwrite=begun and not written,
                        screen=screen, prepared=prepared, looks=looks)  # fmt: skip


@contextmanager
def interrupted_as(path: Path, fix: str, title: str = "") -> Iterator[None]:
    """An interruption of one is told of all of them. path: of the whole. fix: the command that goes on with it. title:
    before what is told."""
    try:
        yield
    except InterruptedRun as error:
        problems = [Problem(Place(str(path)), title + p.what, fix, p.code) for p in error.problems]
        raise InterruptedRun(*problems, exit_code=error.exit_code) from None


class _OneOfThem(Progress):
    """What one run tells of itself: its bars and its warnings; the first also what was chosen and why."""

    def __init__(self, screen: Progress, title: str, *, tables: bool) -> None:
        self._screen, self._title, self._tables = screen, title, tables

    def warn(self, text: str) -> None:
        self._screen.warn(f"{self._title}: {text}")

    def table(self, title: str, headers: Sequence[str], rows: Any) -> None:
        if self._tables:
            self._screen.table(title, headers, rows)
        self._tables = False

    @contextmanager
    def track(self, what: str, total: float) -> Iterator[Tracker]:
        with self._screen.track(f"{self._title}: {what}", total) as tracker:
            yield tracker
