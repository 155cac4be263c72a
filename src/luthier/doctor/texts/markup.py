"""Which texts still carry what surrounded them: tags and entities of a web page, the same words in every row?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from luthier.data.findings import WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.doctor.texts.fault import TextFault, around
from luthier.errors import shown
from luthier.language import t
from luthier.text.markup import without_markup
from luthier.types import Finding

_CODE = re.compile(r"```|<html|<!DOCTYPE", re.IGNORECASE)
_MARK = re.compile(r"<[^<>]{1,500}>|&#?\w{1,31};")
_LEAST_SHARE = 0.005
"""Of the rows. Below it a tag or two is what somebody wrote about."""


class Markup(TextFault):
    """html: tags or entities. A text that is a page, or has a block of code, is about HTML and is left alone."""

    def is_possible(self, joined: str) -> bool:
        return "<" in joined or "&" in joined

    def fault(self, text: str) -> str | None:
        plain = without_markup(text) if "<" in text or "&" in text else text
        if plain == text or _CODE.search(text):
            return None
        return shown(around(text, *_first_mark(text)))

    def told(self, data: Gathered) -> Iterable[Finding]:
        share = len(self.rows) / len(data)
        if share >= _LEAST_SHARE:
            what = t("{count} texts ({share:.1%}) hold HTML tags or entities, as in {sample}",
                     count=len(self.rows), share=share, sample=self.sample)  # fmt: skip
            fix = t("--fix OUT turns them into plain text, data.clean=html in training and serving")
            yield Finding(WARNING, "html", what, fix, data.places(self.rows, data.text_column))


def _first_mark(text: str) -> tuple[int, int]:
    """Where the first tag or entity stands; cleaning is what says that there is one."""
    marks = (found.span() for found in _MARK.finditer(text) if without_markup(found.group()) != found.group())
    return next(marks, (0, 1))


_LEAST_ROWS = 20
_LEAST_LENGTH = 20
"""Characters of a stretch that is worth telling; a Chinese character counts twice."""
_MOST_ROWS = 0.5
_LONGEST = 2000


class Boilerplate(Check):
    """boilerplate: most texts begin, end or go on with the same words. Of texts with a written answer it is not asked:
    there the same words may be the instruction."""

    def findings(self, data: Gathered) -> Iterable[Finding]:
        rows = [row for row in data.sample.rows if not self.context.format.answer_text(row.example.answer)]
        first = dict(zip((row.text for row in reversed(rows)), (row.number for row in reversed(rows)), strict=True))
        texts = list(first)
        if len(texts) < _LEAST_ROWS:
            return
        stretch, has_it = _longest_shared(texts)
        if _width(stretch.strip()) >= _LEAST_LENGTH:
            numbers = sorted(first[text] for text in texts if has_it(text))
            what = t("{share:.0%} of the texts hold the same words: {stretch}",
                     share=len(numbers) / len(texts), stretch=shown(stretch.strip()))  # fmt: skip
            fix = t("cut them off: they say nothing about the label, and take room and time")
            yield Finding(WARNING, "boilerplate", what, fix, data.places(numbers, data.text_column))


def _longest_shared(texts: Sequence[str]) -> tuple[str, Callable[[str], bool]]:
    """The longest beginning, ending or line of most texts, and whether a text has it; "" where there is none."""
    head, tail = _shared_start(texts), _shared_start([text[: -_LONGEST - 1 : -1] for text in texts])[::-1]
    lines = Counter(line for text in texts if "\n" in text for line in set(text[:_LONGEST].split("\n")))
    line, count = max(lines.items(), key=lambda item: item[1], default=("", 0))
    found: list[tuple[str, Callable[[str], bool]]] = [
        (head, lambda text: text.startswith(head)),
        (tail, lambda text: text.endswith(tail)),
        (line if count > _MOST_ROWS * len(texts) else "", lambda text: line in text),
    ]
    return max(found, key=lambda pair: len(pair[0].strip()))


def _shared_start(texts: Sequence[str]) -> str:
    """The longest beginning that more than half of the texts have; "" where there is none."""
    shortest, longest, shared = 0, _LONGEST, ""
    while shortest < longest:  # what is true of a length is true of every shorter one
        middle = (shortest + longest + 1) // 2
        starts = Counter(text[:middle] for text in texts if len(text) >= middle)
        start, count = max(starts.items(), key=lambda item: item[1], default=("", 0))
        if count > _MOST_ROWS * len(texts):
            shortest, shared = middle, start
        else:
            longest = middle - 1
    return shared


def _width(text: str) -> int:
    return sum(2 if "\u2e80" <= c <= "\uffef" else 1 for c in text)
