"""JSON Lines, and JSON files that hold a list of objects: each object with its line, one in memory at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

from luthier.errors import DataError, Place, Problem, shown
from luthier.language import t
from luthier.reading.raw.jsontext import JsonText
from luthier.reading.raw.lines import escaped
from luthier.reading.source import Source
from luthier.reading.squad import is_article, questions
from luthier.types import Row

_AROUND = 200
"""Characters looked at on each side of a fault, for its likely cause."""
_CONTROL = re.compile(r"(?<!\\)(?:\\\\)*\\(u00(?:0[0-8bcef]|1[0-9a-f]|7f)|[bf])", re.I)


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def read_lines(source: Source) -> Iterator[Row | Problem]:
    """One object a line. Errors: DataError for a line that is not JSON."""
    number, name = 0, source.name
    with source.open_lines() as lines:
        faults = lines.faults
        for line_number, line in enumerate(lines, 1):
            fault = faults.pop(line_number, None) if faults else None
            if fault is None and (not line or line.isspace()):
                continue
            yield fault or _parsed_line(line.rstrip("\r\n"), Place(name, line_number), number, source.controls)
            number += 1


def _parsed_line(line: str, place: Place, number: int, controls: bool) -> Row | Problem:
    try:
        value = _DECODER.decode(line)
    except _TwiceError as error:
        return Problem(place, str(error), t("keep one of the two"), "duplicate-key")
    except JSONDecodeError as error:
        raise _not_json(Place(place.file, place.line, error.colno), line, error) from None
    except (RecursionError, ValueError) as error:
        raise _too_much(place, error) from None
    return (None if controls else _control(line, place)) or _row(value, place, number)


def read_list(source: Source) -> Iterator[Row | Problem]:
    """A file that is one list of objects, or one object with such a list under a key; of a SQuAD file the questions."""
    with source.open_lines() as lines:
        text = JsonText(lines.chunks())
        place = Place(source.name, 1)
        try:
            key = _to_list(text, source.name)
            number = index = 0
            while text.peek() not in ("]", ""):
                place = Place(source.name, text.line)
                try:
                    value, written = text.value(_DECODER)
                except _TwiceError as error:
                    text.value(_PLAIN)
                    found: list[Row | Problem] = [Problem(place, str(error), t("keep one of the two"), "duplicate-key")]
                else:
                    found = _rows(value, written, place, number, f"{key}[{index}]", source.controls)
                yield from found
                number, index = number + len(found), index + 1
                text.step(",", "]")
            text.take("]")
            _to_end(text, key, source.name)
        except JSONDecodeError as error:
            line, column = text.where(error.pos)
            raise _not_json(Place(source.name, line, column), text.text, error) from None
        except (RecursionError, ValueError) as error:
            raise _too_much(place, error) from None


def looks_like_lines(head: str, ending: str) -> bool:
    """Whether a text that begins with "{" is one object a line rather than one object in all."""
    first, line_break, rest = head.lstrip("\ufeff \t\r\n").partition("\n")
    try:
        complete = isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return ending in (".jsonl", ".ndjson")
    return complete and (bool(line_break and rest.strip()) or ending != ".json" or not _has_list(first))


def _has_list(text: str) -> bool:
    return any(isinstance(value, list) for value in json.loads(text).values())


def _to_list(text: JsonText, name: str) -> str:
    """Goes to behind the bracket that opens the list of objects; the key under which it stands, "" for none."""
    if text.peek() == "[":
        text.take("[")
        return ""
    keys: list[str] = []
    text.take("{")
    while text.peek() == '"':
        key = text.key(_PLAIN)
        if text.peek() == "[" and text.opens_objects():
            text.take("[")
            return key
        keys.append(key)
        text.value(_PLAIN)
        text.step(",", "}")
    text.take("}")
    what = t("holds no list of objects; its keys are {keys}", keys=", ".join(shown(key, 30) for key in keys[:8]))
    fix = t("write [{...}, {...}], or one object a line (JSONL)")
    raise DataError.at(name, what, fix, code="not-a-list")


def _to_end(text: JsonText, key: str, name: str) -> None:
    """Errors: DataError for a second list, which would be lost without a word."""
    while key and text.peek() == ",":
        text.take(",")
        other = text.key(_PLAIN)
        if text.peek() == "[" and text.opens_objects():
            what = t("holds two lists of objects, {one} and {other}", one=shown(key), other=shown(other))
            fix = t("write each to a file of its own: data.train=…, data.test=…")
            raise DataError.at(Place(name, text.line), what, fix, code="two-lists")
        text.value(_PLAIN)
    if key:
        text.take("}")
    if text.peek():
        what = t("text stands behind the end of the list")
        fix = t("were two files joined? write one list, or one object a line (JSONL)")
        raise DataError.at(Place(name, text.line), what, fix, code="broken-json")


def _rows(value: Any, written: str, place: Place, number: int, path: str, controls: bool) -> list[Row | Problem]:
    """What one item of the list gives. written: the item as it stands in the file. path: to it."""
    found = escaped(written)
    if found:
        what = t("bytes {found} are not in the encoding of the rest", found=found)
        return [Problem(place, what, t("write this row anew"), "mixed-encoding")]
    if path.startswith("data[") and is_article(value):
        return list(questions(value, written, place, number, path))
    return [(None if controls else _control(written, place)) or _row(value, place, number)]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _TwiceError(t("the key {key} stands here twice", key=shown(twice)))
    return result


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_PLAIN = json.JSONDecoder()


def _row(value: Any, place: Place, number: int) -> Row | Problem:
    if isinstance(value, dict):
        return Row(value, place, number)
    what = t("{value} is no object", value=shown(value))
    return Problem(place, what, t('write {"text": …, "label": …}'), "not-an-object")


def _control(written: str, place: Place) -> Problem | None:
    """A control character that is written as an escape sequence."""
    if "\\u00" not in written and "\\b" not in written and "\\f" not in written:
        return None
    match = _CONTROL.search(written)
    if match is None:
        return None
    before = written[: match.start(1)]
    line_breaks = before.count("\n")
    column = len(before) - before.rfind("\n") - 1 if line_breaks or "\n" not in written else None
    here = Place(place.file, (place.line or 1) + line_breaks, column)
    if match[1] == "u0000":
        return Problem(here, t("a NUL byte (\\x00) in the text"), t("remove it"), "nul-byte")
    what = t("a control character ({code}) in the text", code=f"\\{match[1]}")
    return Problem(here, what, t("remove it, or find out what it should be"), "control-character")


def _not_json(place: Place, text: str, error: JSONDecodeError) -> DataError:
    near = text[max(0, error.pos - _AROUND) : error.pos + _AROUND]
    around = text[max(0, error.pos - 10) : error.pos + 10]
    what = t("is not JSON: {error} near {around}", error=error.msg, around=shown(around.strip()))
    if re.search(r"[{,]\s*'", near):
        fix = t('this looks like Python: JSON wants "double" quotes')
    elif re.search(r",\s*[}\]]", near):
        fix = t("remove the comma before the closing bracket")
    elif re.search(r"(^|\s)(//|#)", near):
        fix = t("remove the comment: JSON has none")
    else:
        fix = t("write one whole object; is the file cut?")
    return DataError.at(place, what, fix, code="broken-json")


def _too_much(place: Place, error: Exception) -> DataError:
    what = t("is nested too deep or holds a number that is too long ({error})", error=type(error).__name__)
    return DataError.at(place, what, t("simplify this row"), code="too-deep")
