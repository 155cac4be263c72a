"""Which column of the file is which: as the user says, by name, or by elimination; never by a silent guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.errors import DataError, Place, nearest_name, shown
from luthier.formats.cells.columns import are_flags, folded
from luthier.language import t
from luthier.types import Column


def find_columns(
    present: Sequence[str],
    wanted: Sequence[Column],
    asked: Mapping[str, str],
    place: Place,
    *,
    with_answers: bool = True,
    first: Sequence[Mapping[str, Any]] = (),
) -> dict[str, str]:
    """The task's names of its columns to the file's.

    present: the file's columns. asked: what the user said under data.columns. with_answers: False where only
    inputs are read, so that a missing label column is fine. first: the first rows' values, by which columns of 0 and
    1 are known.
    Errors: DataError for a column that is not there, or that cannot be told without being asked.
    """
    found: dict[str, str] = {}
    for column in wanted:
        if column.name in asked and (with_answers or not column.is_answer):
            found |= _asked_for(column, asked[column.name], present, place)
        found |= {ours: theirs for ours, theirs in asked.items() if column.several and _is_flag(ours, column)}
    for column in wanted:
        if _is_found(column, found) or (column.is_answer and not with_answers):
            continue
        free = [name for name in present if name not in found.values()]
        hits = _by_name(column, free)
        if len(hits) == 1:
            found[column.name] = hits[0]
        elif column.required and len(hits) > 1:
            raise _ambiguous(column, hits, place)
        elif column.several:
            flags = [name for name in free if are_flags([row.get(name) for row in first])]
            found |= _flags(column, flags if len(flags) > 1 else ())
    for column in wanted:
        needed = column.required and not (column.is_answer and not with_answers)
        if needed and not _is_found(column, found):
            free = [name for name in present if name not in found.values()]
            if len(present) <= 2 and len(free) == 1 and not _looks_like_data(present, first):
                found[column.name] = free[0]
            else:
                raise _missing(column, present, place, first)
    _distinct(found, place)
    return found


def _asked_for(column: Column, name: str, present: Sequence[str], place: Place) -> dict[str, str]:
    """The column that the user names, or the columns, where it may be several: a,b,c."""
    if column.several and name not in present and "," in name:
        return _flags(column, [_asked(part.strip(), column, present, place) for part in name.split(",")])
    return {column.name: _asked(name, column, present, place)}


def _flags(column: Column, names: Sequence[str]) -> dict[str, str]:
    return {f"{column.name}:{name}": name for name in names}


def _is_flag(name: str, column: Column) -> bool:
    return name.startswith(f"{column.name}:")


def _is_found(column: Column, found: Mapping[str, str]) -> bool:
    return column.name in found or (column.several and any(_is_flag(name, column) for name in found))


def _asked(name: str, column: Column, present: Sequence[str], place: Place) -> str:
    if name in present:
        return name
    alike = [other for other in present if folded(other) == folded(name)]
    if len(alike) == 1:
        return alike[0]
    nearest = nearest_name(name, present)
    what = t("no column {name}; the file has {columns}", name=shown(name), columns=_listed(present))
    if nearest is not None:
        setting = f"{column.setting}={quoted(nearest)}"
        fix = t("did you mean {name}? {setting}", name=shown(nearest), setting=setting)
    else:
        fix = t("name one of them: {setting}", setting=f"{column.setting}=…")
    raise DataError.at(place, what, fix, code="missing-column")


def quoted(value: str) -> str:
    """The value as it can be pasted behind key= in a shell."""
    plain = all(c.isalnum() or c in "_-./" for c in value) and value
    return value if plain else "'" + value.replace("'", "'\\''") + "'"


def _by_name(column: Column, free: Sequence[str]) -> list[str]:
    """The one column that bears the task's own name, else all that bear a usual one."""
    for names in ((column.name,), column.usual):
        hits = [name for name in free if folded(name) in names]
        if hits:
            return hits
    return []


def _ambiguous(column: Column, hits: Sequence[str], place: Place) -> DataError:
    what = t("{columns} could each be the {name} column", columns=_listed(hits), name=column.name)
    ways = " | ".join(f"data.columns.{column.name}={quoted(hit)}" for hit in hits[:4])
    return DataError.at(place, what, t("say which: {ways}", ways=ways), code="ambiguous-column")


def _missing(column: Column, present: Sequence[str], place: Place, first: Sequence[Mapping[str, Any]]) -> DataError:
    if _looks_like_data(present, first):
        what = t("line 1 looks like data, not like a header: {columns}", columns=_listed(present))
        longest = max(range(len(present)), key=lambda i: len(present[i])) + 1
        fix = t("data.header=false data.columns.{name}={number} (columns are then counted from 1)",
                name=column.name, number=longest)  # fmt: skip
        return DataError.at(place, what, fix, code="no-header")
    what = t(
        "cannot tell which column is the {name}; the file has {columns}", name=column.name, columns=_listed(present)
    )
    example = quoted(present[0]) if present else "…"
    fix = t("say which: data.columns.{name}={example}", name=column.name, example=example)
    return DataError.at(place, what, fix, code="missing-column")


def _distinct(found: Mapping[str, str], place: Place) -> None:
    for ours, theirs in found.items():
        for other, same in found.items():
            if ours < other and theirs == same:
                what = t("{column} is to be both {ours} and {other}", column=shown(theirs), ours=ours, other=other)
                raise DataError.at(place, what, t("name two columns"), code="same-column")


def _looks_like_data(header: Sequence[str], first: Sequence[Mapping[str, Any]]) -> bool:
    """Long cells, cells of many words, bare numbers, and words that come again and again in their own column: a header
    has none of these."""
    if list(header) == [str(i) for i in range(1, len(header) + 1)]:
        return False  # columns that were counted, because there is no header
    again = any(sum(row.get(name) == name for row in first) > 1 for name in header if name)
    return again or any(len(name) > 60 or name.strip().isdigit() or len(name.split()) > 6 for name in header)


def renamed_columns(found: Mapping[str, str], asked: Mapping[str, str]) -> list[str]:
    """For people: which columns were taken although they are written in another way than was asked for."""
    return [
        t("column {asked} is read from {found}", asked=shown(asked.get(ours, ours)), found=shown(theirs))
        for ours, theirs in found.items()
        if theirs != asked.get(ours, theirs) or (ours not in asked and theirs != theirs.strip())
    ]


def _listed(columns: Sequence[str]) -> str:
    names = [shown(name, 30) for name in columns[:12]]
    return ", ".join(names) + (" …" if len(columns) > 12 else "")
