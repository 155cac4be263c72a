"""Settings that are right one by one and contradict each other: both are named with their places."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from luthier.config.located import Located
from luthier.config.schema import DataSettings, DistilSettings, SplitSettings
from luthier.errors import Place, Problem
from luthier.language import t
from luthier.reading.elsewhere.addresses import is_database
from luthier.types import PARTS

_COLUMNS = ("group", "time", "column")
"""Keys that name a column, and values of `by` that go by it."""
_SHARES = ("test", "validation")
_HOW = (*_COLUMNS, *_SHARES, "near_duplicates", "folds", "fold")


def conflicts(root: Located, data: DataSettings) -> list[Problem]:
    """What contradicts under data."""
    return [*_query(root, data), *_split(root, data)]


def without_teacher(root: Located) -> list[Problem]:
    """What is said of a distillation that has nobody to learn from. A resolved config names all settings: the defaults
    say nothing."""
    section, usual = root.plain().get("distil") or {}, DistilSettings().model_dump()
    return [
        Problem(root.find(["distil", key]).place, t("distil.{key} without distil.teacher", key=key),
                t("add distil.teacher=RUN, the folder of a tuned run"), "conflict")
        for key, value in section.items() if value != usual.get(key)
    ]  # fmt: skip


def _query(root: Located, data: DataSettings) -> list[Problem]:
    parts = [[part] if isinstance(part, str) else part or [] for part in (data.train, data.validation, data.test)]
    parts.append([*data.mix])
    named = [name for part in parts for name in part]
    if data.query is None or not named or any(map(is_database, named)):
        return []
    what = t("data.query is given, and no database is named")
    fix = t("data.train=sqlite:///… or postgresql://…, or drop the query")
    return [Problem(root.find(["data", "query"]).place, what, fix, "conflict")]


def _split(root: Located, data: DataSettings) -> list[Problem]:
    """What contradicts under data.split."""
    there = _There(root, data.split)
    given = [name for name in PARTS[1:] if getattr(data, name) is not None]
    found = [*_columns(there), *_folds(there)]
    if not given:
        found += _shares(there)
    if there.has("from"):
        found += [there.against(key, "from") for key in _HOW if there.has(key)]
    if there.has("column"):
        found += [there.against(key, "column") for key in _SHARES if there.has(key)]
        found += [_both(root, ("data", name), ("data", "split", "column")) for name in given]
    if "test" in given and there.has("folds"):
        found.append(_both(root, ("data", "test"), ("data", "split", "folds")))
    if len(given) == 2:
        for key in _COLUMNS:
            if there.has(key):
                what = t("data.split.{key}, but all parts are given as files: nothing is split", key=key)
                found.append(Problem(there.place(key), what, t("drop it"), "conflict"))
    return found


class _There:
    """What the user wrote under data.split."""

    def __init__(self, root: Located, split: SplitSettings) -> None:
        self.root, self.split = root, split
        section = root.plain().get("data") or {}
        self._written = {key for key, value in (section.get("split") or {}).items() if value is not None}

    def has(self, key: str) -> bool:
        return key in self._written

    def place(self, key: str) -> Place:
        return self.root.find(["data", "split", key]).place

    def against(self, key: str, other: str) -> Problem:
        return _both(self.root, ("data", "split", key), ("data", "split", other))


def _columns(there: _There) -> list[Problem]:
    by, found = there.split.by, []
    named = [key for key in _COLUMNS if there.has(key)]
    if by is not None and by in _COLUMNS and by not in named:
        what = t("data.split.by={by} names no {by} column", by=by)
        found.append(Problem(there.place("by"), what, t("add data.split.{by}=…", by=by), "conflict"))
    found += [there.against(b, a) for a, b in pairwise(named)]
    if there.has("by"):
        found += [there.against("by", key) for key in named if key != by]
    if there.has("time_format") and "time" not in named:
        what = t("data.split.time_format without data.split.time: no times are read")
        found.append(Problem(there.place("time_format"), what, t("add data.split.time=…"), "conflict"))
    return found


def _shares(there: _There) -> list[Problem]:
    split = there.split
    shares = (split.test or 0) + (split.validation or 0)
    if shares >= 1:
        what = t("test and validation are {shares:g} of the data together", shares=shares)
        return [Problem(there.place("test"), what, t("leave something to train on"), "conflict")]
    if split.test == 0 and split.validation == 0:
        what = t("neither test nor validation rows: nothing is left to judge the model by")
        fix = t("leave out data.split.validation: a tenth of the rows then chooses the checkpoint")
        return [Problem(there.place("validation"), what, fix, "conflict")]
    return []


def _folds(there: _There) -> list[Problem]:
    split, found = there.split, []
    if not there.has("folds"):
        if there.has("fold"):
            what = t("data.split.fold without data.split.folds")
            found.append(Problem(there.place("fold"), what, t("add data.split.folds=5"), "conflict"))
        return found
    folds = split.folds or 0
    found += [there.against(key, "folds") for key in ("test", "time", "column") if there.has(key)]
    if split.fold is not None and split.fold > folds:
        what = t("data.split.fold is {fold}, of {folds} folds", fold=split.fold, folds=folds)
        found.append(Problem(there.place("fold"), what, t("use 1 to {folds}", folds=folds), "conflict"))
    if (split.validation or 0) + 1 / folds >= 1:
        what = t("a fold of {folds} and validation are {shares:g} of the data together", folds=folds,
                 shares=(split.validation or 0) + 1 / folds)  # fmt: skip
        found.append(Problem(there.place("validation"), what, t("leave something to train on"), "conflict"))
    return found


def _both(root: Located, first: Sequence[str], second: Sequence[str]) -> Problem:
    """The place of the first, with the second's named behind it."""
    places = [root.find(list(path)).place for path in (first, second)]
    names = [".".join(path) for path in (first, second)]
    what = t("{first} contradicts {second} ({place})", first=names[0], second=names[1], place=places[1])
    return Problem(places[0], what, t("drop one of the two"), "conflict")
