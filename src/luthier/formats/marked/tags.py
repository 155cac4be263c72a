"""Tags of words to entities and back, whatever scheme they are written in.

BIO (IOB2), IOB1, BIOES, BILOU and BMES are all read by one rule, that of conlleval (Tjong Kim Sang and Buchholz 2000):
an entity begins at B, S or U, and at an I, M, E or L that continues nothing of its type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from luthier.errors import DataError, Place, shown
from luthier.language import t

_PREFIXES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S"}
OUTSIDE = "O"


class Stray(NamedTuple):
    """A tag that breaks the rules of its scheme. line: in the file, None where unknown."""

    line: int | None
    tag: str


@dataclass(frozen=True, slots=True)
class Tagging:
    """What a check over all sentences asks of one.

    closed: some entity ends with E, L, S or U. open: some entity ends without. begun: a B stands where IOB1 would
    write I. stray: the first I, M, E or L that continues nothing. unended: the first entity that is left open among
    closed ones. words: how many there are.
    """

    closed: bool = False
    open: bool = False
    begun: bool = False
    stray: Stray | None = None
    unended: Stray | None = None
    words: int = 0


class Tagged(NamedTuple):
    """entities: (first word, behind the last word, type)."""

    entities: list[tuple[int, int, str]]
    tagging: Tagging


def read_tags(tags: Sequence[Any], place: Place, lines: Sequence[int] | None = None) -> Tagged:
    """lines: where in the file each tag stands, None where the sentence is one row.

    Errors: DataError for a tag that is missing, has no type or an unknown prefix.
    """
    parts: list[tuple[str, str]] = []
    for i, tag in enumerate(tags):
        part = _split(tag) if isinstance(tag, str) else None
        if part is None:
            raise _bad_tag(tag, place if lines is None else replace(place, line=lines[i]))
        parts.append(part)
    entities: list[tuple[int, int, str]] = []
    ended: list[bool] = []
    opened: int | None = None
    stray: int | None = None
    begun = False
    for i, (prefix, label) in enumerate(parts):
        if opened is not None and (prefix in ("O", "B", "S") or label != parts[opened][1]):
            entities.append((opened, i, parts[opened][1]))
            ended.append(False)
            opened = None
        if prefix == OUTSIDE:
            continue
        if opened is None:
            opened = i
            stray = i if stray is None and prefix in ("I", "E") else stray
            begun = begun or (prefix == "B" and not (entities and entities[-1][1:] == (i, label)))
        if prefix in ("E", "S"):
            entities.append((opened, i + 1, label))
            ended.append(True)
            opened = None
    if opened is not None:
        entities.append((opened, len(tags), parts[opened][1]))
        ended.append(False)
    closed, still_open = any(ended), not all(ended)
    unended = entities[ended.index(False)][0] if closed and still_open else None

    def at(word: int | None) -> Stray | None:
        return None if word is None else Stray(lines[word] if lines else None, tags[word])

    return Tagged(entities, Tagging(closed, still_open, begun, at(stray), at(unended), len(tags)))


@lru_cache(4096)
def _split(tag: str) -> tuple[str, str] | None:
    """The tag as O, B, I, E or S, and its type; None where it is none."""
    if tag == OUTSIDE:
        return OUTSIDE, ""
    return (_PREFIXES[tag[0]], tag[2:]) if tag[:1] in _PREFIXES and tag[1:2] in ("-", "_") and len(tag) > 2 else None


def _bad_tag(tag: Any, place: Place) -> DataError:
    if tag is None or (isinstance(tag, str) and not tag.strip()):
        return DataError.at(place, t("a word has no tag"), t("write O where nothing is"), code="bad-tag")
    if isinstance(tag, (int, float)):
        what = t("the tag is the number {value}", value=shown(tag))
        fix = t('write tags as names, such as "B-PER"; a data set of the hub keeps them in its features (int2str)')
        return DataError.at(place, what, fix, code="bad-tag")
    if not isinstance(tag, str):
        what = t("the tag {value} is no text", value=shown(tag))
        return DataError.at(place, what, t('write tags as names, such as "B-PER"'), code="wrong-type")
    if tag[0] in _PREFIXES and tag[1:] in ("", "-", "_"):
        what = t("the tag {tag} has no type", tag=shown(tag))
        return DataError.at(place, what, t("write which, as in {tag}-PER", tag=tag[0]), code="bad-tag")
    return _unknown(tag, place)


def _unknown(tag: str, place: Place) -> DataError:
    what = t("{tag} is no tag", tag=shown(tag))
    if tag in ("0", "o", "Ｏ", "_", "OUT"):
        fix = t("write the capital letter O where nothing is")
    elif tag[1:2] in ("-", "_") and tag[0].upper() in _PREFIXES:
        fix = t("write {tag}", tag=tag[0].upper() + tag[1:])
    elif "-" in tag and tag.rpartition("-")[2] in _PREFIXES:
        label, _, prefix = tag.rpartition("-")
        fix = t("write {tag}", tag=f"{prefix}-{label}")
    else:
        fix = t("tags are O, or B- or I- and a type (also E-, S-, M-, L-, U-): B-PER, I-PER")
    return DataError.at(place, what, fix, code="bad-tag")


def write_tags(entities: Sequence[tuple[int, int, str]], words: int) -> list[str]:
    """BIO (IOB2) tags of that many words. entities: as `read_tags` gives them."""
    tags = [OUTSIDE] * words
    for start, end, label in entities:
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tags


def with_begun(tags: Sequence[str]) -> list[str]:
    """The tags with every I- (or I_) that continues nothing of its type written as B-: the same entities."""
    begun: list[str] = []
    for i, tag in enumerate(tags):
        before = tags[i - 1] if i else OUTSIDE
        goes_on = before[:1] in ("B", "I", "M") and before[1:] == tag[1:]
        begun.append(f"B{tag[1:]}" if tag[:1] == "I" and tag[1:2] in ("-", "_") and not goes_on else tag)
    return begun
