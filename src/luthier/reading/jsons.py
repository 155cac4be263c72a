"""JSON Lines, and JSON files that hold a list of objects: each object with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

from luthier.errors import DataError, Place, Problem, shown
from luthier.language import t
from luthier.reading.source import Source
from luthier.types import Row


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def read_lines(source: Source) -> Iterator[Row | Problem]:
    """One object a line. Errors: DataError for a line that is not JSON."""
    number = 0
    with source.open_text() as file:
        for line_number, line in enumerate(file, 1):
            if not line.strip():
                continue
            place = Place(str(source.path), line_number)
            try:
                value = _parse(line)
            except _TwiceError as error:
                yield Problem(place, str(error), t("keep one of the two"), "duplicate-key")
            except JSONDecodeError as error:
                raise _not_json(place, line, error) from None
            except (RecursionError, ValueError) as error:
                raise _too_much(place, error) from None
            else:
                yield _row(value, place, number)
            number += 1


def read_list(source: Source) -> Iterator[Row | Problem]:
    """A file that is one list of objects, or one object with such a list under its only list-valued key."""
    with source.open_text() as file:
        text = file.read()
    path, decoder = str(source.path), json.JSONDecoder(object_pairs_hook=_object)
    start = _list_start(text)
    if start is None:
        what, fix = t("holds no list of objects"), t("write [{...}, {...}], or one object a line (JSONL)")
        raise DataError.at(path, what, fix, code="not-a-list")
    number, place = 0, Place(path, 1)
    line, counted = 1, 0
    position = _skip(text, start + 1)
    try:
        while position < len(text) and text[position] != "]":
            line, counted = line + text.count("\n", counted, position), position
            place = Place(path, line)
            value, position = decoder.raw_decode(text, position)
            yield _row(value, place, number)
            number += 1
            position = _skip(text, position)
            if text[position : position + 1] not in (",", "]"):
                raise JSONDecodeError("Expecting ',' delimiter", text, position)
            if text[position] == ",":
                position = _skip(text, position + 1)
        if position >= len(text):
            raise JSONDecodeError("Unterminated list", text, len(text))
    except _TwiceError as error:
        raise DataError.at(place, str(error), t("keep one of the two"), code="duplicate-key") from None
    except JSONDecodeError as error:
        raise _not_json(Place(path, error.lineno), text.splitlines()[error.lineno - 1], error) from None
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


def _parse(line: str) -> Any:
    return json.loads(line, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _TwiceError(t("the key {key} stands here twice", key=shown(twice)))
    return result


def _row(value: Any, place: Place, number: int) -> Row | Problem:
    if isinstance(value, dict):
        return Row(value, place, number)
    what = t("{value} is no object", value=shown(value))
    return Problem(place, what, t('write {"text": …, "label": …}'), "not-an-object")


def _list_start(text: str) -> int | None:
    """Where the list of objects begins: at the top, or behind the first key whose value is a list of objects."""
    begin = _skip(text, 1 if text.startswith("\ufeff") else 0)
    if text[begin : begin + 1] == "[":
        return begin
    match = re.search(r'"[^"\n]*"\s*:\s*(\[)\s*\{', text)
    return match.start(1) if match and text[begin : begin + 1] == "{" else None


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _not_json(place: Place, line: str, error: JSONDecodeError) -> DataError:
    around = line[max(0, error.colno - 11) : error.colno + 9]
    what = t("is not JSON: {error} near {around}", error=error.msg, around=shown(around.strip()))
    if re.search(r"[{,]\s*'", line):
        fix = t('this looks like Python: JSON wants "double" quotes')
    elif re.search(r",\s*[}\]]", line):
        fix = t("remove the comma before the closing bracket")
    elif re.search(r"(^|\s)(//|#)", line):
        fix = t("remove the comment: JSON has none")
    else:
        fix = t("write one whole object; is the file cut?")
    return DataError.at(Place(place.file, place.line, error.colno), what, fix, code="broken-json")


def _too_much(place: Place, error: Exception) -> DataError:
    what = t("is nested too deep or holds a number that is too long ({error})", error=type(error).__name__)
    return DataError.at(place, what, t("simplify this row"), code="too-deep")
