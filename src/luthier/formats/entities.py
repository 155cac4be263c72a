"""A text with entities in it: words with tags, or spans of characters."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from luthier.errors import DataError, nearest_name, shown
from luthier.formats.cells.columns import named, values_of
from luthier.formats.cells.lists import as_list
from luthier.formats.cells.moved import moved
from luthier.formats.cells.text import TEXT_NAMES, refuse_surrogates, text_of
from luthier.formats.format import Format
from luthier.formats.marked.spans import Entity, checked_spans
from luthier.formats.marked.tags import read_tags, with_begun, write_tags
from luthier.formats.marked.words import join_words
from luthier.formats.marked.written import is_clue, is_span, read_clue, read_span
from luthier.language import t
from luthier.types import Column, Example, Row

LINES = "_lines"
"""Where a reader of word-a-line files puts each word's line."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to find entities in. words: (start, end) of the file's own words; none where it has only the text."""

    text: str
    words: tuple[tuple[int, int], ...] = ()


Entities = tuple[Entity, ...]
"""In the order of the text, never overlapping."""


class EntityRows(Format[Passage, Entities]):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("tokens", ("words", "token", "字", "词"), required=False),
        Column("tags", ("ner_tags", "ner", "bio_tags", "bio", "tag", "labels"), required=False, is_answer=True),
        Column("text", TEXT_NAMES, required=False),
        Column("entities", ("spans", "entity", "label", "labels", "实体"), required=False, is_answer=True),
    )
    tasks: ClassVar[tuple[str, ...]] = ("ner",)
    answers_are_places: ClassVar[bool] = True

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        tokens, tags, text, spans = ([as_list(v) for v in values_of(first, named(columns, c))] for c in self.columns)
        if tokens and all(tokens) and (named(columns, self.columns[1]) or named(columns, self.columns[3])):
            return 1.0 if tags or spans else 0.0
        if text and any(map(is_clue, values_of(first, named(columns, self.columns[3])))):
            return 1.0
        if not text or not spans or None in spans:
            return 0.0
        filled = [span for row in spans for span in row or ()]
        named_so = named(columns, Column("entities", ("实体",))) is not None
        return 1.0 if all(map(is_span, filled)) and (filled or named_so) else 0.0

    def parse(self, row: Row) -> Example[Passage, Entities]:
        passage = self.parse_input(row)
        place, value = replace(row.place, column="entities"), row.values.get("entities")
        spans = as_list(value)
        if isinstance(value, Mapping):
            read = read_clue(value, place) if is_clue(value) else [read_span(value, place)] if value else []
        elif spans is None or (spans and isinstance(spans[0], str)):
            return self._tagged(passage, row)
        else:
            read = [read_span(span, place) for span in spans]
        return Example(passage, checked_spans(passage.text, read, place), row.place, row.number)

    def parse_input(self, row: Row) -> Passage:
        if row.values.get("tokens") is None:
            if row.values.get("text") is None and "text" not in row.values:
                raise _no_columns(row)
            return Passage(text_of(row, "text"))
        words, lines = _words(row, "tokens"), row.values.get(LINES)
        place = replace(row.place, column="tokens")
        if not words:
            raise DataError.at(place, t("no words"), t("remove the row"), code="missing-text")
        for i, word in enumerate(words):
            if not isinstance(word, str) or not word:
                here = replace(place, line=lines[i]) if lines else place
                what = t("word {number} is {value}", number=i + 1, value=shown(word))
                raise DataError.at(here, what, t("write it as a string, or remove it and its tag"), code="wrong-type")
        passage = Passage(*join_words(words))
        refuse_surrogates(passage.text, place)
        return passage

    def _tagged(self, passage: Passage, row: Row) -> Example[Passage, Entities]:
        place = replace(row.place, column="tags")
        tags = _words(row, "tags" if row.values.get("tags") is not None else "entities")
        if tags is None:
            what = t("no tags and no entities")
            raise DataError.at(row.place, what, t("write [] where there is no entity"), code="missing-label")
        if not passage.words:
            what = t("there are tags but no tokens")
            raise DataError.at(place, what, t('give the words as "tokens": ["…", "…"]'), code="missing-column")
        if len(tags) != len(passage.words):
            what = t("{words} words and {tags} tags", words=len(passage.words), tags=len(tags))
            fix = t("every word needs one tag, O where nothing is")
            raise DataError.at(place, what, fix, code="length-mismatch")
        found, tagging = read_tags(tags, place, row.values.get(LINES))
        words = passage.words
        entities = tuple(Entity(words[first][0], words[last - 1][1], label) for first, last, label in found)
        return Example(passage, entities, row.place, row.number, written=tagging)

    def as_row(self, input: Passage, answer: Entities) -> dict[str, Any]:
        words = [input.text[start:end] for start, end in input.words]
        if words and join_words(words) == (input.text, input.words):
            first = {start: i for i, (start, _) in enumerate(input.words)}
            last = {end: i + 1 for i, (_, end) in enumerate(input.words)}
            if all(entity.start in first and entity.end in last for entity in answer):
                found = [(first[entity.start], last[entity.end], entity.label) for entity in answer]
                return {"tokens": words, "tags": write_tags(found, len(words))}
        return {"text": input.text, "entities": [entity._asdict() for entity in answer]}

    def repaired(self, row: Row) -> dict[str, Any]:
        """I- that continues nothing, as the B- that conlleval takes it for."""
        name = "tags" if row.values.get("tags") is not None else "entities"
        tags = _words(row, name)
        if not tags or not all(isinstance(tag, str) for tag in tags):
            return {}
        begun = with_begun(tags)
        if begun == tags:
            return {}
        cell = row.values[name]
        return {
            name: begun
            if not isinstance(cell, str)
            else " ".join(begun)
            if as_list(cell) is None
            else json.dumps(begun)
        }

    def stratum(self, answer: Entities) -> Hashable:
        return frozenset(entity.label for entity in answer)

    def plain_text(self, input: Passage) -> str:
        return input.text

    def answer_spans(self, input: Passage, answer: Entities) -> list[tuple[int, int]]:
        return [(entity.start, entity.end) for entity in answer]

    def map_texts(self, input: Passage, change: Callable[[str], str]) -> Passage:
        text = change(input.text)
        places = moved(input.words, input.text, text)
        return Passage(text, tuple((start, end) for start, end in places if start < end))

    def map_answer(self, answer: Entities, change: Callable[[str], str], before: Passage, after: Passage) -> Entities:
        places = moved([entity[:2] for entity in answer], before.text, after.text)
        together = zip(places, answer, strict=True)
        return tuple(Entity(start, end, entity.label) for (start, end), entity in together if start < end)


def _words(row: Row, name: str) -> list[Any] | None:
    """A cell with a list; a text is cut at its spaces, as slot-filling sets are written."""
    value = row.values.get(name)
    found = as_list(value)
    return value.split() if found is None and isinstance(value, str) else found


def _no_columns(row: Row) -> DataError:
    known = ("tokens", "text", "words", "tags", "ner_tags", "entities")
    near = next((f"'{name}' ({shown(key)})" for key in row.values if (name := nearest_name(str(key), known))), None)
    what = t("no tokens and no text; the row has {keys}", keys=shown(", ".join(map(str, row.values)), 80))
    fix = t('write {"tokens": […], "tags": […]} or {"text": …, "entities": […]}')
    if near is not None:
        fix = t("did you mean {name}?", name=near)
    return DataError.at(row.place, what, fix, code="missing-column")
