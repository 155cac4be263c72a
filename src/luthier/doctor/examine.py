"""One pass over all rows, past every check; then what each has found, the gravest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from luthier.data.findings import ERROR, grouped
from luthier.doctor.answers import Ids, LabelTypes, Tags
from luthier.doctor.check import Check, Context
from luthier.doctor.classes import Classes, TooFew, Unseen
from luthier.doctor.duplicates import Duplicates, SameText
from luthier.doctor.gathered import MOST_ROWS, Gathered, Piece, Sample
from luthier.doctor.labels.given_away import LabelInText, Shortcuts
from luthier.doctor.labels.names import AlikeLabels
from luthier.doctor.near import Leaks, NearDuplicates
from luthier.doctor.parts.groups import Groups
from luthier.doctor.parts.order import TimeOrder
from luthier.doctor.parts.shift import Shift
from luthier.doctor.sets import SetClasses
from luthier.doctor.suspects import Suspects
from luthier.doctor.targets import Numbers, Swapped
from luthier.doctor.texts.characters import Invisible, Lost, Misread
from luthier.doctor.texts.columns import NotText
from luthier.doctor.texts.languages import Languages
from luthier.doctor.texts.lengths import Lengths
from luthier.doctor.texts.markup import Boilerplate, Markup
from luthier.doctor.texts.people import PersonalData
from luthier.doctor.texts.tokens import Tokens
from luthier.errors import Problem
from luthier.types import Example, Finding

CHECKS: tuple[type[Check], ...] = (
    Classes, TooFew, Unseen, SetClasses, LabelTypes, Tags, Numbers, Swapped, Ids, AlikeLabels, NotText, SameText,
    Duplicates, NearDuplicates, Leaks, Groups, Shift, TimeOrder, Suspects, Shortcuts, LabelInText, Misread, Lost,
    Invisible, Markup, Boilerplate, PersonalData, Languages, Lengths, Tokens,
)  # fmt: skip
"""All of them, in the order in which findings of equal severity are told."""
_PIECE = 500


class Doctor:
    """`watch` every part, then ask for the `findings`."""

    def __init__(self, context: Context, checks: Sequence[type[Check]] = CHECKS) -> None:
        self.context = context
        self.data = Gathered(context.format, Sample(None if context.deep else MOST_ROWS))
        self._checks = [check(context) for check in checks]
        self._problems: list[Problem] = []
        self._remarks: list[Problem] = []

    def watch(self, part: str, rows: Iterable[Example[Any, Any] | Problem]) -> Iterator[Example[Any, Any]]:
        """Lets the rows of a part through, one by one, and keeps those back that cannot be used."""
        waiting: list[Example[Any, Any]] = []
        for row in rows:
            if isinstance(row, Problem):
                self._problems.append(row)
                continue
            waiting.append(row)
            if len(waiting) == _PIECE:
                self._take(part, waiting)
                waiting = []
            yield row
        if waiting:
            self._take(part, waiting)

    @property
    def unusable(self) -> int:
        """Rows that were kept back so far."""
        return len({(problem.place.file, problem.place.line) for problem in self._problems})

    def row_findings(self) -> list[Finding]:
        """What is wrong with single rows so far."""
        return grouped(self._problems)

    def findings(self, *, hurry: bool = False) -> list[Finding]:
        """All that was found. To be asked once. hurry: costly checks are left out once something stops the run."""
        found = self.row_findings() + grouped(self._remarks, severity="warning")
        if len(self.data):
            self.data.sample.rows.sort(key=lambda row: row.number)
            for check in sorted(self._checks, key=lambda check: check.costly):
                if not (hurry and check.costly and any(finding.severity == ERROR for finding in found)):
                    found += check.findings(self.data)
        return sorted(found, key=lambda finding: finding.severity != ERROR)

    def notes(self) -> list[str]:
        """What was not looked for, and why; known after `findings`."""
        return [note for check in self._checks for note in check.notes()]

    def facts(self) -> dict[str, Any]:
        """Numbers for the page, by check; known after `findings`."""
        return {type(check).__name__: facts for check in self._checks if (facts := check.facts())}

    def _take(self, part: str, examples: Sequence[Example[Any, Any]]) -> None:
        layout = self.context.format
        texts: list[str] = []
        for example in examples:
            texts.append(layout.whole_text(example.input, example.answer))
            self._remarks += (self._in_their_words(remark) for remark in layout.remarks(example))
        piece = Piece(len(self.data), part, examples, texts)
        self.data.add(piece)
        for check in self._checks:
            check.see(piece)

    def _in_their_words(self, remark: Problem) -> Problem:
        """With the file's name of the column instead of the format's."""
        column = self.data.columns.get(str(remark.place.column), remark.place.column)
        return replace(remark, place=replace(remark.place, column=column))
