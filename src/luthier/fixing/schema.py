"""Types of columns for a Parquet copy: the original's, or those that the values tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.errors import DataError
from luthier.language import t
from luthier.reading.columnar import class_names

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 4096
"""Rows looked at, or written, at a time."""


class Schema:
    """The types of columns of rows that come one by one, for a Parquet copy of another kind of file."""

    def __init__(self, name: str) -> None:
        self._name, self._found, self._waiting = name, None, list[Mapping[str, Any]]()

    def see(self, values: Mapping[str, Any]) -> None:
        self._waiting.append(values)
        if len(self._waiting) == BATCH:
            self._take()

    def found(self) -> pa.Schema | None:
        self._take()
        return self._found

    def _take(self) -> None:
        import pyarrow as pa

        if self._waiting:
            columns = list(dict.fromkeys(name for values in self._waiting for name in values))
            with mixed_types(self._name):
                arrays = [pa.array([values.get(name) for values in self._waiting]) for name in columns]
                here = pa.schema(list(zip(columns, (array.type for array in arrays), strict=True)))
                both = [self._found, here] if self._found is not None else [here]
                self._found = pa.unify_schemas(both, promote_options="permissive")
            self._waiting = []


@contextmanager
def mixed_types(name: str) -> Iterator[None]:
    """name: the file's, for the message."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, TypeError, OverflowError) as error:
        what = t("a column holds values of several types ({error})", error=str(error).splitlines()[0][:120])
        raise DataError.at(name, what, t("name the copy .jsonl"), code="wrong-type") from None


def kept_schema(path: Path) -> pa.Schema | None:
    """Of a Parquet file, as far as the reader keeps the values; None of anything else.

    Numbers that stand for names (ClassLabel of the `datasets` library) are read as the names, and times without a date
    and a beginning as texts: so they are in the copy.
    """
    import pyarrow as pa
    from pyarrow.parquet import read_schema

    try:
        schema = read_schema(path)
    except (OSError, pa.ArrowException):
        return None
    named = class_names(schema)
    for i, field in enumerate(schema):
        if field.name in named:
            text = pa.list_(pa.string()) if pa.types.is_nested(field.type) else pa.string()
            schema = schema.set(i, pa.field(field.name, text))
        elif pa.types.is_duration(field.type) or pa.types.is_interval(field.type):
            schema = schema.set(i, pa.field(field.name, pa.string()))
    metadata = {key: value for key, value in (schema.metadata or {}).items() if key != b"huggingface"}
    return schema.with_metadata(metadata) if named else schema


def array_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values as the reader gives them: of dates and decimals the text."""
    import pyarrow as pa

    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)
