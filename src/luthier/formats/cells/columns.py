"""By which of the names that people use does a file have a column?"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from luthier.types import Column


@lru_cache(4096)
def folded(name: str) -> str:
    """A name without what people do not see: case, outer space, width."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def named(columns: Iterable[str], column: Column) -> str | None:
    """The file's name of a column, None where it has none; by the format's own name before the usual ones."""
    by_folded = {folded(name): name for name in columns}
    return next((by_folded[name] for name in (column.name, *column.usual) if name in by_folded), None)


def values_of(first: Sequence[Mapping[str, Any]], column: str | None) -> list[Any]:
    """What stands in a column of the first rows, empty cells left out; [] where there is no such column."""
    if column is None:
        return []
    values = (row.get(column) for row in first)
    return [value for value in values if value is not None and value != ""]


def are_flags(values: Sequence[Any]) -> bool:
    """Whether a column is meant to hold nothing but 0 and 1: nine values of ten are."""
    flags = sum(str(value).strip().casefold() in _FLAGS for value in values)
    return bool(values) and flags >= 0.9 * len(values)


_FLAGS = {"0", "1", "0.0", "1.0", "true", "false"}
