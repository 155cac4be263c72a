"""Parquet and Arrow: row by row, without holding the file in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from luthier.errors import DataError, Place, Problem, shown
from luthier.language import t
from luthier.reading.raw.kinds import PARQUET
from luthier.reading.source import Source
from luthier.types import Row

_BATCH = 1024
_MOST_NAMED = 8


@dataclass(frozen=True)
class Columnar:
    """columns: names. change: of columns whose values are not what a person would write, how they become so.
    notes: about those columns."""

    columns: tuple[str, ...]
    change: dict[str, Callable[[Any], Any]]
    notes: list[str]


def describe(source: Source) -> Columnar:
    """Errors: DataError where the file is cut or its footer lies, or two columns have one name."""
    with damage_told(source.name), _opened(source) as file:
        schema = file.schema_arrow if source.kind == PARQUET else file.schema
        columns, named = tuple(schema.names), class_names(schema)
        change: dict[str, Callable[[Any], Any]] = {}
        notes: list[str] = []
        for field in schema:
            if field.name in named:
                change[field.name] = _naming(named[field.name])
                notes.append(t("column {name}: numbers stand for the names in the file", name=shown(field.name)))
            elif note := _unusual(field, change):
                notes.append(note)
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        what = t("{name} is the name of several columns", name=shown(twice))
        raise DataError.at(source.name, what, t("rename one of them"), code="duplicate-header")
    if len(notes) > _MOST_NAMED:
        notes = [*notes[:_MOST_NAMED], t("… and {count} more columns", count=len(notes) - _MOST_NAMED)]
    return Columnar(columns, change, notes)


def read_columnar(source: Source, about: Columnar) -> Iterator[Row | Problem]:
    """Data rows count from 1: such a file has no lines."""
    number, name = 0, source.name
    with damage_told(name), _opened(source) as file:
        for batch in _batches(file, source.kind):
            for values in batch.to_pylist():
                for column, change in about.change.items():
                    values[column] = change(values[column])
                yield Row(values, Place(name, number + 1), number)
                number += 1


@contextmanager
def damage_told(name: str) -> Iterator[None]:
    """Turns what the library raises on a damaged file into a DataError."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, OverflowError, ValueError, KeyError, MemoryError) as error:
        if isinstance(error, (FileNotFoundError, PermissionError)):
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        what = t("is damaged: {error}", error=shown(reason, 120))
        raise DataError.at(name, what, t("export or copy it again"), code="damaged-file") from None


@contextmanager
def _opened(source: Source) -> Iterator[Any]:
    if source.kind == PARQUET:
        import pyarrow.parquet as parquet

        with parquet.ParquetFile(source.path) as file:
            yield file
        return
    import pyarrow
    from pyarrow import ipc

    opening = ipc.open_file if source.kind == "arrow" else ipc.open_stream
    # not memory_map: where another program cuts such a file short, the process dies
    with pyarrow.OSFile(str(source.path)) as raw, opening(raw) as file:
        yield file


def _batches(file: Any, kind: str) -> Iterator[Any]:
    if kind == PARQUET:
        yield from file.iter_batches(batch_size=_BATCH)
        return
    whole = (file.get_batch(i) for i in range(file.num_record_batches)) if kind == "arrow" else file
    for batch in whole:
        batch.validate(full=True)  # offsets that point outside of the file are found here, not by a crash
        for start in range(0, batch.num_rows, _BATCH):
            yield batch.slice(start, _BATCH)


def _unusual(field: Any, change: dict[str, Callable[[Any], Any]]) -> str | None:
    """A note about a column that is neither text, whole number, fraction nor true or false."""
    from pyarrow import types

    kind = field.type
    if types.is_dictionary(kind):
        return t("column {name} is of type {kind}, read as {read}",
                 name=shown(field.name), kind="dictionary", read=str(kind.value_type))  # fmt: skip
    if types.is_decimal(kind) or types.is_temporal(kind):
        change[field.name] = _as_written
        return t("column {name} is of type {kind}, read as {read}",
                 name=shown(field.name), kind=str(kind), read="string")  # fmt: skip
    if types.is_nested(kind):
        return t("column {name} is nested ({kind})", name=shown(field.name), kind=shown(kind))
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return t("column {name} holds bytes", name=shown(field.name))
    return None


def _as_written(value: Any) -> str | None:
    """Decimals with all their digits; dates without a midnight that nobody wrote."""
    return None if value is None else str(value).removesuffix(" 00:00:00")


def class_names(schema: Any) -> dict[str, list[str]]:
    """Of the columns of the `datasets` library's ClassLabel type, alone or in lists, the names of their classes."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    found: dict[str, list[str]] = {}
    for name, feature in features.items() if isinstance(features, dict) else ():
        while isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
            feature = feature["feature"]
        if isinstance(feature, list) and len(feature) == 1:
            (feature,) = feature
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and name in schema.names:
            names = feature.get("names")
            if isinstance(names, list) and all(isinstance(label, str) for label in names):
                found[name] = names
    return found


def _naming(names: list[str]) -> Callable[[Any], Any]:
    def name(value: Any) -> Any:
        if isinstance(value, list):
            return [name(inner) for inner in value]
        if isinstance(value, int) and 0 <= value < len(names):
            return names[value]
        return None if value == -1 else value  # the library's mark for a row without a label

    return name
