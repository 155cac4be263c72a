"""Are the answers of a file written alike, and does every row have an id of its own?"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

import numpy as np

from luthier.data.findings import ERROR, WARNING
from luthier.doctor.check import Check, Context
from luthier.doctor.gathered import Gathered, Piece, Places
from luthier.errors import Place, shown
from luthier.formats.labelled import LabelKind
from luthier.formats.marked.tags import Stray, Tagging
from luthier.language import t
from luthier.types import Example, Finding

_KINDS = {kind: number for number, kind in enumerate(LabelKind)}


class LabelTypes(Check):
    """mixed-label-types: 1, "1", 1.0 and true are four labels for a program and one for its writer."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._kind = array("b")

    def see(self, piece: Piece) -> None:
        self._kind.extend(_KINDS.get(example.written, -1) for example in piece.examples)

    def findings(self, data: Gathered) -> Iterable[Finding]:
        kind, names = np.array(self._kind, np.int8), list(LabelKind)
        for number, file in enumerate(data.files):
            here = np.flatnonzero((data.file == number) & (kind >= 0))
            counts = np.bincount(kind[here], minlength=len(names))
            if (counts > 0).sum() < 2:
                continue
            rare = here[kind[here] != counts.argmax()]
            first = {int(k): data.place(int(here[kind[here] == k][0])).line for k in np.flatnonzero(counts)}
            said = ", ".join(
                t("{count} {kind} (first in line {line})", count=counts[k], kind=t(names[k]), line=first[k])
                for k in sorted(first, key=lambda k: -counts[k])
            )
            fix = t("write all labels of {file} alike, best as strings", file=shown(file))
            what = t("the labels are of several types: {kinds}", kinds=said)
            yield Finding(ERROR, "mixed-label-types", what, fix, data.places(rare, "label"))


class Ids(Check):
    """duplicate-id: two rows that the file calls by one name."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._id = array("q")

    def see(self, piece: Piece) -> None:
        identity = self.context.format.identity
        self._id.extend(hash(identity(example.input)) for example in piece.examples)

    def findings(self, data: Gathered) -> Iterable[Finding]:
        ids = np.array(self._id, np.int64)
        for part in range(3):
            rows = np.flatnonzero((ids != hash("")) & (data.part == part))
            first = np.unique(ids[rows], return_index=True, return_inverse=True)[1:]
            at = first[0][first[1]]
            again = np.flatnonzero(at != np.arange(len(rows)))
            if len(again):
                what = t("{count} rows have the id of an earlier one", count=len(again))
                fix = t("give every row an id of its own; remove the row if it is a copy")
                yield Finding(ERROR, "duplicate-id", what, fix, data.places(rows[again], "id"),
                              data.places(rows[at[again]], "id"))  # fmt: skip


class Tags(Check):
    """mixed-tag-schemes, tag-sequence, no-sentence-breaks: tags of words, over all sentences of a file."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._seen = {name: _Sentences() for name in ("open", "closed", "begun", "stray", "unended")}
        self._words = 0

    def see(self, piece: Piece) -> None:
        for number, example in enumerate(piece.examples, piece.first):
            tagging = example.written
            if not isinstance(tagging, Tagging):
                return
            self._words += tagging.words
            self._note(number, example, tagging)

    def _note(self, number: int, example: Example[object, object], tagging: Tagging) -> None:
        line = example.place.line or 0
        if tagging.open and not tagging.closed:
            self._seen["open"].add(number, line)
        elif tagging.closed:
            self._seen["closed"].add(number, line)
        if tagging.begun:
            self._seen["begun"].add(number, line)
        for name, stray in (("stray", tagging.stray), ("unended", tagging.unended)):
            if stray is not None:
                self._seen[name].add(number, stray.line or line, stray)

    def findings(self, data: Gathered) -> Iterable[Finding]:
        if not self._words:
            return
        if len(data) == 1:
            what = t("the whole file is one sentence of {words} words", words=self._words)
            yield Finding(ERROR, "no-sentence-breaks", what, t("put a blank line behind every sentence"),
                          data.places([0]))  # fmt: skip
        yield from self._mixed(data)
        yield from self._strays(data)

    def _mixed(self, data: Gathered) -> Iterator[Finding]:
        plain, closed = self._seen["open"], self._seen["closed"]
        if len(plain) and len(closed):
            what = t("{bio} sentences are tagged in BIO, {bioes} in BIOES or BMES (first: {one} and {two})",
                     bio=len(plain), bioes=len(closed), one=plain.places(data)[0],
                     two=closed.places(data)[0])  # fmt: skip
            rare = plain if len(plain) < len(closed) else closed
            fix = t("tag all sentences in one scheme")
            yield Finding(ERROR, "mixed-tag-schemes", what, fix, rare.places(data))

    def _strays(self, data: Gathered) -> Iterator[Finding]:
        """IOB1 begins entities with I; a file where no B stands without need is written in it, and I is no stray."""
        strays, unended = self._seen["stray"], self._seen["unended"]
        is_iob1 = not len(self._seen["begun"]) and not len(self._seen["closed"])
        if len(strays) and not is_iob1:
            what = t("{count} sentences have a tag such as {tag} that continues no entity of its type; it is read as a "
                     "beginning, as conlleval does", count=len(strays), tag=shown(strays.first_tag))  # fmt: skip
            fix = t("mend the tags; --fix OUT writes an I- that begins an entity as B-")
            yield Finding(WARNING, "tag-sequence", what, fix, strays.places(data))
        if len(unended):
            what = t("{count} sentences have an entity, such as the one begun by {tag}, without an end (E or S); it "
                     "is read up to its last tag", count=len(unended), tag=shown(unended.first_tag))  # fmt: skip
            yield Finding(WARNING, "tag-sequence", what, t("mend the tags"),
                          unended.places(data))  # fmt: skip


class _Sentences:
    """Rows of one kind, with the line that shows it."""

    def __init__(self) -> None:
        self._rows, self._lines = array("q"), array("q")
        self.first_tag = ""

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: int, line: int, stray: Stray | None = None) -> None:
        if stray is not None and not self._rows:
            self.first_tag = stray.tag
        self._rows.append(row)
        self._lines.append(line)

    def places(self, data: Gathered) -> Places:
        rows, lines = self._rows, self._lines
        column = data.columns.get("tags", "tags")
        return Places(np.arange(len(rows)), lambda i: Place(data.place(rows[i]).file, lines[i] or None, column))
