"""Is what stands in a cell a text that somebody can read?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from luthier.errors import DataError, Place, shown
from luthier.language import t
from luthier.types import Row

TEXT_NAMES = (
    "sentence", "content", "body", "message", "review", "utterance", "query", "question", "comment", "title",
    "description", "document", "tweet", "input", "text_a", "sentence1", "premise", "文本", "内容", "正文", "评论",
    "句子", "消息", "问题",
)  # fmt: skip
LABEL_NAMES = (
    "labels", "category", "class", "target", "intent", "sentiment", "topic", "tag", "y", "emotion", "rating",
    "team", "标签", "类别", "分类", "情感", "意图",
)  # fmt: skip
PAIR_NAMES = ("text_b", "sentence2", "hypothesis", "句子2")

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that Unicode counts as printable and that leave nothing on the page."""


def text_of(row: Row, name: str) -> str:
    """The text of a column. Errors: DataError where it is none or empty."""
    return checked_text(row.values.get(name), replace(row.place, column=name))


def checked_text(value: Any, place: Place) -> str:
    """The value, which is a text that can be read. Errors: DataError."""
    if not isinstance(value, str):
        raise _no_text(value, place)
    if not value.strip():
        raise _no_text(None, place)
    if is_invisible(value):
        codes = " ".join(f"U+{ord(c):04X}" for c in dict.fromkeys(value.strip()))
        what = t("only characters that nobody sees ({codes})", codes=shown(codes))
        raise DataError.at(place, what, t("fill it in, or remove the row"), code="invisible-text")
    refuse_surrogates(value, place)
    return value


def is_invisible(text: str) -> bool:
    """Whether nothing of it is seen: white space, zero-width and control characters, fillers."""
    return all(c.isspace() or c in _BLANK or not (c.isprintable() or "\ud800" <= c <= "\uf8ff") for c in text)


def refuse_surrogates(text: str, place: Place) -> None:
    """Errors: DataError for half of a UTF-16 pair, which no file can hold and no tokenizer takes."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):04x}"
        what = t("character {number} is half a surrogate pair ({half})", number=error.start + 1, half=half)
        fix = t("write the whole character; was the text cut inside an emoji?")
        raise DataError.at(place, what, fix, code="lone-surrogate") from None


def _no_text(value: Any, place: Place) -> DataError:
    fix = t("write it as a string, or name another column")
    if value is None:
        return DataError.at(place, t("no text"), t("fill it in, or remove the row"), code="missing-text")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        what = t("the text is the number {value}", value=shown(value))
    else:
        what = t("the text is of type {kind}", kind=kind_of(value))
    return DataError.at(place, what, fix, code="wrong-type")


def kind_of(value: Any) -> str:
    """What JSON calls it."""
    kinds = ((bool, t("truth value")), ((int, float), t("number")), (str, t("text")), (dict, t("object")))
    return next((name for kind, name in kinds if isinstance(value, kind)), t("list"))
