"""What a search was begun with, in its folder, and what may be changed of it when it goes on."""

from __future__ import annotations

from pathlib import Path

from luthier.config.located import Located, located
from luthier.config.settings import flat, opened, read_settings
from luthier.config.write import plain_yaml, public
from luthier.errors import DataError, Place, Problem, RunError, shown
from luthier.files import disk_trouble, write_text
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.runfolder import newest_unfinished
from luthier.splitting.saved import NAME as SPLIT

BEGUN = "search.yaml"
SEARCHES = Path("searches")
_MAY_CHANGE = {"search.trials", "search.minutes", "search.workers", "search.seeds", "search.ray"}


def newest_search() -> Path:
    """Errors: RunError where there is none that is not finished."""
    try:
        return newest_unfinished(SEARCHES)
    except RunError as error:
        fix = t("name the search: luthier search --resume --out {folder}", folder=f"{SEARCHES}/…")
        raise RunError(*(Problem(p.place, p.what, fix, p.code) for p in error.problems)) from None


def write_begun(path: Path, tree: Located, prepared: Prepared) -> None:
    """Only what the user wrote: what was left open is what is searched. On a resume the split must be the same.

    Errors: DataError where the data have changed since.
    """
    if (path / BEGUN).is_file() and (path / SPLIT).is_file():
        if (path / SPLIT).read_text(encoding="utf-8") != prepared.saved.text():
            what = t("the data are not those that the search began with")
            fix = t("resume with what it began with, or start anew with another --out")
            raise DataError.at(str(path / SPLIT), what, fix, code="other-run")
        return
    written = {key: value for key, value in opened(tree).plain().items() if key != "out"}
    heading = t("What was asked for; `luthier search` with it repeats the search.")
    with disk_trouble(path):
        write_text(path / SPLIT, prepared.saved.text())
        write_text(path / BEGUN, plain_yaml(written, heading))


def as_begun(path: Path, tree: Located) -> Located:
    """What the search began with, with what may be changed of it. tree: what the user wrote beside --resume.

    Errors: RunError where the folder holds no search, else naming every other key that differs.
    """
    if not (path / BEGUN).is_file():
        fix = t("check the path, or start without --resume")
        raise RunError.at(str(path), t("holds no search to go on with"), fix, code="nothing-to-resume")
    begun = opened(read_settings(path / BEGUN))
    before, problems = flat(begun.plain()), list[Problem]()
    values: dict[str, object] = {}
    for key, value in flat(opened(tree).plain()).items():
        if value is None or key == "out" or before.get(key) == value:
            continue
        if key in _MAY_CHANGE or public(value) == before.get(key):
            values[key] = value
            continue
        what = t("{key} was {before}, is {after}", key=key, before=shown(before.get(key), 24), after=shown(value, 24))
        fix = t("leave it out, or start anew with another --out")
        problems.append(Problem(Place(str(path / BEGUN)), what, fix, "other-run"))
    if problems:
        raise RunError(*problems)
    found = read_settings(path / BEGUN, (), values)
    return Located({**found.section(), "out": located(str(path), Place("out"))}, found.place)
