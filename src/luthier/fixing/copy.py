"""The second look at the files: every row that stays is written, every change is logged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.errors import DataError, Problem
from luthier.fixing.mend import Change, Mended, Mender, with_label
from luthier.fixing.plan import (
    CONFLICTING,
    DEDUPLICATE,
    DROP,
    KEPT,
    LABELS,
    LEAKED,
    LEAKS,
    REPEATED,
    Plan,
    Seen,
    decide,
)
from luthier.fixing.schema import Schema
from luthier.fixing.sinks import json_text, open_sink
from luthier.formats.entities import LINES
from luthier.language import t
from luthier.progress import SILENT, Progress
from luthier.reading.read import Table
from luthier.types import Row

if TYPE_CHECKING:
    import pyarrow as pa

_TOLD = 10_000
"""Rows between two words of progress."""


@dataclass(frozen=True)
class Original:
    """A file to be copied. open: reads it from its beginning. out: the copy. header: whether tables have one.
    schema: of a Parquet file."""

    name: str
    open: Callable[[], Table]
    mender: Mender
    out: Path
    header: bool = True
    schema: pa.Schema | None = None


@dataclass
class Tally:
    """rows: read. written: of these. changes: by step, dropped rows too. left: by step, what was only named."""

    rows: int = 0
    written: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)

    def add(self, change: Change) -> None:
        if change.dropped:
            self.changes[change.step] += 1
        else:
            for step in change.step.split(","):
                (self.left if change.reason else self.changes)[step] += 1


@dataclass(frozen=True)
class Survey:
    """What the first look at all files found."""

    seen: Sequence[Seen]
    plan: Plan
    schemas: Sequence[Any]


def survey(originals: Sequence[Original], steps: Collection[str], screen: Progress = SILENT) -> Survey:
    """The first look. Errors: DataError for what cannot be read, or where no row would be left."""
    seen_of, schemas = list[Seen](), list[Any]()
    for original in originals:
        table = original.open()
        seen = Seen(original.name, original.mender.layout)
        seen.columns.update(dict.fromkeys(table.columns))
        schema = Schema(str(original.out)) if _is_new_parquet(original) else None
        for row in _tracked(table, screen, t("reading {file}", file=Path(original.name).name)):
            mended = _usable(row, original.mender.glance, steps)
            seen.add(mended)
            if schema is not None and isinstance(mended, Mended):
                schema.see(_own(mended.values))
        seen_of.append(seen)
        schemas.append(original.schema if schema is None else schema.found())
    return Survey(seen_of, decide(seen_of, steps), schemas)


def write_copy(
    original: Original, number: int, found: Survey, steps: Collection[str], path: Path, log: Any, tally: Tally,
    screen: Progress = SILENT,
) -> None:  # fmt: skip
    """The second look at one file. number: of the file among those surveyed. path: where to write, perhaps a temporary
    name. log: takes lines.

    Errors: DataError where the file is another than at the first look, or the copy cannot hold a value.
    """
    seen, plan = found.seen[number], found.plan
    rows = _tracked(original.open(), screen, t("writing the copy of {file}", file=Path(original.name).name))
    count = 0
    with open_sink(path, original.out, seen.own_columns, found.schemas[number], header=original.header) as sink:
        for count, row in enumerate(rows, 1):
            mended = _usable(row, original.mender, steps)
            if not (seen.is_of(count - 1, mended) or _keeps_texts(mended)):
                raise _changed(original)
            if isinstance(mended, Problem) or isinstance(row, Problem):
                assert isinstance(mended, Problem)
                changes: Sequence[Change] = [Change(mended.place, DROP, reason=mended.what, dropped=True)]
            else:
                mended = with_label(mended, original.mender, row, plan.merged, LABELS)
                changes = _with_fate(mended.changes, row, seen, plan, number, count - 1)
                if not any(change.dropped for change in changes):
                    sink.write(_own(mended.values))
                    tally.written += 1
            for change in changes:
                tally.add(change)
                log.write(json_text(change.as_json()) + "\n")
    tally.rows += count
    if count != len(seen):
        raise _changed(original)


def _is_new_parquet(original: Original) -> bool:
    """Whether the types of the copy's columns must be told from the values."""
    return original.out.suffix.lower() == ".parquet" and original.schema is None


def _keeps_texts(mended: Mended | Problem) -> bool:
    return isinstance(mended, Mended) and bool(mended.changes) and mended.changes[-1].reason != ""


def _tracked(table: Table, screen: Progress, what: str) -> Iterator[Row | Problem]:
    with screen.track(what, 0) as tracker:
        for count, row in enumerate(table.rows, 1):
            yield row
            if count % _TOLD == 0:
                tracker.advance(_TOLD)


def _own(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what the reader of word-a-line files adds."""
    return {name: value for name, value in values.items() if name != LINES} if LINES in values else values


def _changed(original: Original) -> DataError:
    what, fix = t("changed while it was read"), t("read it again once nothing writes to it")
    return DataError.at(original.name, what, fix, code="changed-file")


def _usable(row: Row | Problem, mend: Callable[[Row], Mended | Problem], steps: Collection[str]) -> Mended | Problem:
    """Errors: DataError for a row that can neither be copied nor, as the user wants it, be dropped."""
    found = row if isinstance(row, Problem) else mend(row)
    if isinstance(found, Problem) and DROP not in steps:
        fix = t("mend it, or let such rows be left out: --steps …,drop")
        raise DataError(replace(found, fix=f"{found.fix}; {fix}"))
    return found


def _with_fate(changes: Sequence[Change], row: Row, seen: Seen, plan: Plan, file: int, number: int) -> Sequence[Change]:
    """What is logged of a row; of one that is left out only that."""
    fate, line = int(plan.fates[file][number]), seen.line(int(plan.first[file][number]))
    if fate == REPEATED:
        return [Change(row.place, DEDUPLICATE, reason=t("repeats line {line}", line=line), dropped=True)]
    if fate == LEAKED:
        return [Change(row.place, LEAKS, reason=t("stands in the data that come before it, too"), dropped=True)]
    if fate == CONFLICTING:
        reason = t("left as it is: the text of line {line} stands there with several answers", line=line)
        return [*changes, Change(row.place, DEDUPLICATE, reason=reason)]
    assert fate == KEPT
    return changes
