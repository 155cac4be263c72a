"""A text with an intent and slots: one label for the whole, and entities in it, in the same row (ATIS, SNIPS)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from luthier.formats.cells.columns import named, values_of
from luthier.formats.cells.text import TEXT_NAMES
from luthier.formats.entities import EntityRows
from luthier.formats.labelled import Labelled
from luthier.formats.several.parts import Pairs, PartRows
from luthier.types import Column, Example, Row

INTENT, SLOTS = "intent", "slots"

_NAMED = Column(INTENT, ("intents", "intent_label", "意图"))
"""What the column is called in files that are meant so: a class beside entities could be anything else."""


class Joint(PartRows):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("tokens", ("words", "token", "utterance", "seq_in", "字", "词"), required=False),
        Column("tags", ("slots", "slot_tags", "slot_labels", "seq_out", "ner_tags", "ner", "bio_tags", "bio"),
               required=False, is_answer=True),
        Column("text", TEXT_NAMES, required=False),
        Column("entities", ("spans", "entity", "实体"), required=False, is_answer=True),
        Column("label", (INTENT, *_NAMED.usual, "labels", "class", "category", "标签", "类别"), is_answer=True),
    )  # fmt: skip
    tasks: ClassVar[tuple[str, ...]] = ("multitask",)
    answers_are_places: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__({INTENT: Labelled(), SLOTS: EntityRows()})
        self.columns = type(self).columns  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def name(self) -> str:
        return "joint"

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        """That of rows with entities, where a column is called intent and holds a text in every row."""
        intent = named(columns, _NAMED)
        values = values_of(first, intent)
        if intent is None or len(values) < len(first) or not all(isinstance(value, str) for value in values):
            return 0.0
        theirs = {name: ours.name for ours in self.columns[:4] if (name := named(columns, ours)) is not None}
        rows = [_listed({theirs.get(name, name): value for name, value in row.items()}) for row in first]
        return EntityRows().likeness([theirs.get(name, name) for name in columns], rows)

    def parse(self, row: Row) -> Example[Pairs, Pairs]:
        found = EntityRows().parse(row)
        text = found.input.text
        label = Labelled().parse(Row({"text": text, "label": row.values.get("label")}, row.place, row.number))
        inputs = ((INTENT, text), (SLOTS, found.input))
        return replace(found, input=inputs, answer=((INTENT, label.answer), (SLOTS, found.answer)))  # pyright: ignore

    def parse_input(self, row: Row) -> Pairs:
        passage = EntityRows().parse_input(row)
        return ((INTENT, passage.text), (SLOTS, passage))

    def as_row(self, input: Pairs, answer: Pairs) -> dict[str, Any]:
        asked, answers = dict(input), dict(answer)
        return {**EntityRows().as_row(asked[SLOTS], answers[SLOTS]), "label": answers[INTENT]}

    def repaired(self, row: Row) -> dict[str, Any]:
        return EntityRows().repaired(row)

    def stratum(self, answer: Pairs) -> Hashable:
        return dict(answer)[INTENT]

    def answer_spans(self, input: Pairs, answer: Pairs) -> list[tuple[int, int]]:
        asked, answers = dict(input), dict(answer)
        return EntityRows().answer_spans(asked[SLOTS], answers[SLOTS])

    def map_texts(self, input: Pairs, change: Callable[[str], str]) -> Pairs:
        passage = EntityRows().map_texts(dict(input)[SLOTS], change)
        return ((INTENT, passage.text), (SLOTS, passage))


def _listed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """With words and tags that stand in one text each, blanks between them, as lists."""
    words, tags = row.get("tokens"), row.get("tags")
    if not isinstance(words, str) or not isinstance(tags, str) or len(words.split()) != len(tags.split()):
        return row
    tagged = all(tag == "O" or tag[1:2] in ("-", "_") for tag in tags.split())
    return {**row, "tokens": words.split(), "tags": tags.split()} if tagged else row
