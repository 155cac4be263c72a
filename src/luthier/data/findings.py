"""What was found wrong with the data: met row by row, told once a kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from luthier.errors import DataError, Place, Problem
from luthier.language import t
from luthier.types import Finding

ERROR, WARNING = "error", "warning"


def grouped(problems: Iterable[Problem], severity: str = ERROR) -> list[Finding]:
    """One finding a kind of fault; rows in the order in which they were met. The first row's message stands for all."""
    first: dict[str, Problem] = {}
    places: dict[str, list[Place]] = {}
    for problem in problems:
        first.setdefault(problem.code, problem)
        places.setdefault(problem.code, []).append(problem.place)
    return [Finding(severity, code, p.what, p.fix, tuple(places[code])) for code, p in first.items()]


def refuse_errors(findings: Iterable[Finding], *, skip_rows: bool, rows: Mapping[str, int] | None = None) -> None:
    """Raises DataError for findings of severity "error".

    skip_rows: rows that cannot be used were left out on the user's word (data.bad_rows=skip); faults of single
    rows then pass, those of the whole data still do not. rows: of each file those that can be used; leaving rows out is
    named as a remedy only where some would be left of every file.
    """
    serious = [f for f in findings if f.severity == ERROR and not (skip_rows and f.code in ROW_FAULTS)]
    if serious:
        raise DataError(*(_problem(finding, rows) for finding in serious))


ROW_FAULTS = {
    "ragged-row", "broken-quote", "nul-byte", "repeated-header", "missing-label", "missing-text", "wrong-type",
    "missing-column", "not-an-object", "duplicate-key", "lone-surrogate", "nan-label", "missing-group", "split-leak",
    "mixed-encoding", "control-character", "cut-file", "mixed-quotes", "squad-key", "conll-columns", "endless-sentence",
    "invisible-text", "length-mismatch", "not-a-number", "label-list", "flag-value", "equal-output", "equal-negative",
    "bad-tag", "entity-syntax", "span-range", "span-overlap", "span-text", "cut-word",  # entities
    "missing-answer", "answer-not-in-context", "answer-offset",  # questions
    "no-assistant-turn", "system-order", "unknown-role", "missing-role", "missing-content", "empty-turn",  # messages
    "tool-call", "turn-weight",
    "missing-media", "media-outside", "broken-media", "media-too-large", "two-media", "unknown-field",  # files
    "missing-time", "bad-time", "missing-part", "unknown-part", "ambiguous-part",
}  # fmt: skip
"""Codes of faults that lie in a single row, so that leaving the row out mends them."""


_AMONG_USABLE = {"split-leak"}
"""Faults of rows that can be used as such, and are counted among those."""


def _problem(finding: Finding, rows: Mapping[str, int] | None) -> Problem:
    place = finding.rows[0] if finding.rows else Place("data")
    fix = finding.fix
    out = Counter(row.file for row in finding.rows) if finding.code in _AMONG_USABLE else {}
    left = rows is None or (bool(rows) and all(count > out.get(file, 0) for file, count in rows.items()))
    if finding.code in ROW_FAULTS and left:
        fix += t("; or leave such rows out: data.bad_rows=skip")
    return Problem(place, finding.message, fix, finding.code, tuple(finding.rows[1:]))
