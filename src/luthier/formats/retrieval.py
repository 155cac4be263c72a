"""A query with a text that answers it, and texts that don't."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from luthier.errors import DataError, Problem, shown
from luthier.formats.cells.columns import named
from luthier.formats.cells.lists import as_list
from luthier.formats.cells.number import number_of
from luthier.formats.cells.text import checked_text, text_of
from luthier.formats.format import Format
from luthier.language import t
from luthier.types import Column, Example, Row


@dataclass(frozen=True, slots=True)
class Document:
    """A text that may be found, as against a query, which is a string."""

    text: str


Asked = str | Document


@dataclass(frozen=True, slots=True)
class Passages:
    """positives: what should be found, one or more. negatives: what is alike and wrong. score: how well the positives
    fit, where the file says so by degrees; None where they simply do. topic: rows of one topic want the same: what one
    of them names as positive is right for the others as well; "" where nothing is known."""

    positives: tuple[str, ...]
    negatives: tuple[str, ...] = ()
    score: float | None = None
    topic: str = ""


class QueryRows(Format[Asked, Passages]):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("query", ("anchor", "question", "sentence", "text", "问题", "查询")),
        Column("positive", ("pos", "positives", "positive_passage", "passage", "document", "answer", "正例"),
               is_answer=True),
        Column("negative", ("neg", "negatives", "hard_negative", "hard_negatives", "negative_passage", "负例"),
               required=False, is_answer=True),
        Column("score", ("similarity", "相似度"), required=False, is_answer=True),
        Column("topic", ("intent", "主题"), required=False, is_answer=True),
    )  # fmt: skip
    tasks: ClassVar[tuple[str, ...]] = ("retrieval",)

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        positive = named(columns, Column("positive", ("pos", "positives", "positive_passage", "正例")))
        return 0.9 if positive is not None and named(columns, self.columns[0]) is not None else 0.0

    def parse(self, row: Row) -> Example[Asked, Passages]:
        query = self.parse_input(row)
        positives = _texts(row, "positive")
        if not positives:
            place = replace(row.place, column="positive")
            raise DataError.at(place, t("no text"), t("fill it in, or remove the row"), code="missing-text")
        negatives = _texts(row, "negative")
        both = next((text for text in negatives if text in positives), None)
        if both is not None:
            what = t("{text} is both positive and negative", text=shown(both))
            raise DataError.at(
                replace(row.place, column="negative"), what, t("keep it on one side"), code="equal-negative"
            )
        score = number_of(row, "score") if "score" in row.values else None
        return Example(query, Passages(positives, negatives, score, _topic(row)), row.place, row.number)

    def parse_input(self, row: Row) -> str:
        return text_of(row, "query")

    def as_row(self, input: Asked, answer: Passages) -> dict[str, Any]:
        row = {"positive": list(answer.positives), "negative": list(answer.negatives) or None, "score": answer.score,
               "topic": answer.topic or None}  # fmt: skip
        return {"query": self.plain_text(input), **{name: value for name, value in row.items() if value is not None}}

    def number(self, answer: Passages) -> float | None:
        return answer.score

    def remarks(self, example: Example[Asked, Passages]) -> Iterator[Problem]:
        if any(text.strip() == self.plain_text(example.input).strip() for text in example.answer.positives):
            fix = t("is the pair column right? remove the row if it is a copy by mistake")
            yield Problem(example.place, t("both texts of the pair are the same"), fix, "equal-pair")

    def plain_text(self, input: Asked) -> str:
        return input.text if isinstance(input, Document) else input

    def answer_text(self, answer: Passages) -> str:
        return "\n".join((*answer.positives, *answer.negatives))

    def answer_spans(self, input: Asked, answer: Passages) -> list[tuple[int, int]]:
        return []  # every text is read on its own

    def map_texts(self, input: Asked, change: Callable[[str], str]) -> Asked:
        return Document(change(input.text)) if isinstance(input, Document) else change(input)

    def map_answer(self, answer: Passages, change: Callable[[str], str], before: Asked, after: Asked) -> Passages:
        positives, negatives = tuple(map(change, answer.positives)), tuple(map(change, answer.negatives))
        return replace(answer, positives=positives, negatives=negatives)


def _topic(row: Row) -> str:
    value = row.values.get("topic")
    return "" if value is None else str(value).strip()


def _texts(row: Row, name: str) -> tuple[str, ...]:
    """A text, a list of them, or objects with one each, as MS MARCO's kin have them. An empty cell has none."""
    value = row.values.get(name)
    if value is None or value == "":
        return ()
    found = as_list(value)
    place = replace(row.place, column=name)
    items = [value] if found is None else found
    return tuple(checked_text(item.get("text") if isinstance(item, Mapping) else item, place) for item in items)
