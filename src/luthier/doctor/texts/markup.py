"""Which texts still carry what surrounded them: tags and entities of a web page, the same words in every row?"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from luthier.data.findings import WARNING
from luthier.doctor.check import Check
from luthier.doctor.gathered import Gathered
from luthier.doctor.texts.fault import TextFault, around
from luthier.errors import shown
from luthier.language import t
from luthier.types import Finding

_TAGS = (
    "a|abbr|article|aside|b|blockquote|body|br|button|center|code|del|div|em|figure|font|footer|form|h[1-6]|head|header|"
    "hr|html|i|iframe|img|input|label|li|link|main|meta|nav|ol|option|p|pre|s|script|section|select|small|span|strong|"
    "style|sub|sup|svg|table|tbody|td|textarea|th|thead|title|tr|u|ul|video"
)
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]{{0,500}})?/?>|<!--|<!DOCTYPE", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_CODE = re.compile(r"```|<html|<!DOCTYPE", re.IGNORECASE)
_LEAST_SHARE = 0.005
"""Of the rows. Below it a tag or two is what somebody wrote about."""


class Markup(TextFault):
    """html: tags or entities. A text that is a page, or has a block of code, is about HTML and is left alone."""

    def is_possible(self, joined: str) -> bool:
        return "<" in joined or "&" in joined

    def fault(self, text: str) -> str | None:
        found = _TAG.search(text) or next(
            (m for m in _ENTITY.finditer(text) if html.unescape(m.group()) != m.group()), None
        )
        return None if found is None or _CODE.search(text) else shown(around(text, *found.span()))

    def told(self, data: Gathered) -> Iterable[Finding]:
        share = len(self.rows) / len(data)
        if share >= _LEAST_SHARE:
            what = t("{count} texts ({share:.1%}) hold HTML tags or entities, as in {sample}",
                     count=len(self.rows), share=share, sample=self.sample)  # fmt: skip
            fix = t("--fix OUT turns them into plain text; what is served must be prepared the same way")
            yield Finding(WARNING, "html", what, fix, data.places(self.rows, data.text_column))


def _entity(text: str) -> re.Match[str] | None:
    """The first that exists: &pound; but not R&D;."""
    return next((found for found in _ENTITY.finditer(text) if html.unescape(found.group()) != found.group()), None)


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
