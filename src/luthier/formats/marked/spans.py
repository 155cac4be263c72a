"""Spans of entities: do they lie in the text, and do they hold what they should?"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from luthier.errors import DataError, Place, shown
from luthier.language import t


class Entity(NamedTuple):
    """A piece of a text with its type. start, end: characters (code points) of the text."""

    start: int
    end: int
    label: str


class Span(NamedTuple):
    """An entity as the user wrote it. surface: what it should read, None where the file doesn't say."""

    start: int
    end: int
    label: str
    surface: str | None = None


def checked_spans(text: str, spans: Sequence[Span], place: Place) -> tuple[Entity, ...]:
    """In the order of the text. Errors: DataError for a span that lies outside, runs backwards, overlaps another,
    holds another surface or cuts a word."""
    _refuse(_outside, text, spans, place)
    entities = sorted(spans, key=lambda span: span[:3])
    for one, two in pairwise(entities):
        if two.start < one.end:
            what = t("{one} and {two} overlap", one=_described(text, one), two=_described(text, two))
            raise DataError.at(place, what, t("keep one of the two"), code="span-overlap")
    _refuse(_misplaced, text, spans, place)
    return tuple(Entity(*span[:3]) for span in entities)


def _refuse(faults: Callable[[str, Span], _Fault | None], text: str, spans: Sequence[Span], place: Place) -> None:
    for span in spans:
        fault = faults(text, span)
        if fault is not None:
            raise _explained(text, span, fault, place)


class _Fault(NamedTuple):
    code: str
    what: str


def _outside(text: str, span: Span) -> _Fault | None:
    start, end = span.start, span.end
    if start >= end:
        return _Fault("span-range", t("the span {start} to {end} holds nothing", start=start, end=end))
    if start < 0 or end > len(text):
        what = t("the span {start} to {end} lies outside the text of {length} characters",
                 start=start, end=end, length=len(text))  # fmt: skip
        return _Fault("span-range", what)
    return None


def _misplaced(text: str, span: Span) -> _Fault | None:
    start, end = span.start, span.end
    held = text[start:end]
    if span.surface is not None and span.surface != held:
        what = t("the span {start} to {end} reads {held}, not {surface}",
                 start=start, end=end, held=shown(held), surface=shown(span.surface))  # fmt: skip
        return _Fault("span-text", what)
    if cuts_word(text, start) or cuts_word(text, end):
        what = t("the span {start} to {end} cuts a word: {held} in {around}", start=start, end=end,
                 held=shown(held), around=shown(text[max(0, start - 10) : end + 10]))  # fmt: skip
        return _Fault("cut-word", what)
    return None


def _explained(text: str, span: Span, fault: _Fault, place: Place) -> DataError:
    """With the unit in which the span was counted, where another than code points makes it right."""
    for unit, reading in _UNITS.items():
        other = reading(text, span)
        if other is None or other[:2] == span[:2]:
            continue
        if _outside(text, other) is None and _misplaced(text, other) is None:
            right = t("counted in {unit} it is {start} to {end}: {surface}", unit=t(unit), start=other.start,
                      end=other.end, surface=shown(text[other.start : other.end]))  # fmt: skip
            what = f"{fault.what}; {right}"
            fix = t("count characters (Unicode code points) from 0, the end not included")
            return DataError.at(place, what, fix, code=fault.code)
    fix = t("count characters from 0, the end not included; or remove the span")
    if span.surface is not None and (found := text.find(span.surface)) >= 0:
        fix = t("{surface} stands at {start} to {end}", surface=shown(span.surface), start=found,
                end=found + len(span.surface))  # fmt: skip
    return DataError.at(place, fault.what, fix, code=fault.code)


def cuts_word(text: str, place: int) -> bool:
    """Whether a word goes on over this place: letters of scripts that set words apart, or digits, on both sides."""
    if not 0 < place < len(text):
        return False
    kinds = _kind(text[place - 1]), _kind(text[place])
    return kinds[0] == kinds[1] != ""


@lru_cache(4096)
def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    if character < "\u0530" or "\u1e00" <= character <= "\u1fff":  # Latin, Greek, Cyrillic
        return "letter" if unicodedata.category(character)[0] in "LM" else ""
    return ""


def _described(text: str, entity: Span) -> str:
    return f"{entity.start}-{entity.end} {shown(text[entity.start : entity.end], 30)} ({shown(entity.label, 20)})"


def _in(encoding: str, width: int) -> Callable[[str, Span], Span | None]:
    """A reading of offsets that were counted in units of `width` bytes of an encoding."""

    def reading(text: str, span: Span) -> Span | None:
        data = text.encode(encoding)
        if not 0 <= span.start < span.end <= len(data) // width:
            return None
        try:
            start, length = (
                len(data[i * width : j * width].decode(encoding)) for i, j in ((0, span.start), (span.start, span.end))
            )
        except UnicodeDecodeError:
            return None
        return span._replace(start=start, end=start + length)

    return reading


def _last_included(text: str, span: Span) -> Span | None:
    return span._replace(end=span.end + 1)


def _from_one(text: str, span: Span) -> Span | None:
    return span._replace(start=span.start - 1)


_UNITS: dict[str, Callable[[str, Span], Span | None]] = {
    "bytes of UTF-8": _in("utf-8", 1),
    "UTF-16 units, as JavaScript and Java count": _in("utf-16-le", 2),
    "characters with the last one included": _last_included,
    "characters from 1 with the last one included": _from_one,
}
