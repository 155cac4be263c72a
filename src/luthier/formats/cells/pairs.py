"""A text, or a pair of texts: what several layouts read alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from luthier.errors import DataError, Place, Problem, shown
from luthier.formats.cells.text import text_of
from luthier.language import t
from luthier.types import Example, Row

Text = str | tuple[str, str]


def text_or_pair(row: Row) -> Text:
    """A pair where the file has a column for the second text: then every row must have one. Errors: DataError."""
    text = text_of(row, "text")
    return (text, text_of(row, "text_pair")) if "text_pair" in row.values else text


def given_text(value: Any, parse_input: Callable[[Row], Text]) -> Text:
    """A text or a pair as programs hand it over: a string, two of them, or a mapping with the format's columns.

    Errors: DataError for anything else.
    """
    if isinstance(value, Mapping):
        return parse_input(Row(value, Place("input")))
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(v, str) for v in value):
        return (value[0], value[1])
    what = t("{value} is no text", value=shown(value))
    raise DataError.at("input", what, t("give a string, or two for a pair"), code="wrong-type")


def as_columns(input: Text) -> dict[str, Any]:
    return {"text": input} if isinstance(input, str) else {"text": input[0], "text_pair": input[1]}


def joined(input: Text) -> str:
    return input if isinstance(input, str) else "\n".join(input)


def mapped(input: Text, change: Callable[[str], str]) -> Text:
    return change(input) if isinstance(input, str) else (change(input[0]), change(input[1]))


def same_texts(example: Example[Text, Any]) -> Iterator[Problem]:
    """A remark about a pair of a text with itself."""
    if isinstance(example.input, tuple) and example.input[0].strip() == example.input[1].strip():
        fix = t("is the pair column right? remove the row if it is a copy by mistake")
        yield Problem(example.place, t("both texts of the pair are the same"), fix, "equal-pair")
