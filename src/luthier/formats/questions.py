"""A question about a context, answered by a piece of that context."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

from luthier.errors import DataError, Place, Problem, shown
from luthier.formats.cells.columns import named, values_of
from luthier.formats.cells.lists import as_list, parsed
from luthier.formats.cells.moved import moved
from luthier.formats.cells.nearest import nearest_text
from luthier.formats.cells.text import text_of
from luthier.formats.format import Format
from luthier.language import t
from luthier.types import Column, Example, Row


@dataclass(frozen=True, slots=True)
class Question:
    """id: the file's own name of the row, "" where it has none; two rows that differ by it alone are duplicates."""

    question: str
    context: str
    id: str = field(default="", compare=False)


class Answer(NamedTuple):
    """text: a piece of the context. start: where it begins, in characters (code points)."""

    text: str
    start: int


Answers = tuple[Answer, ...]
"""All that are right; none where the context doesn't say."""

_YES = {"true", "1", "yes"}


class QuestionRows(Format[Question, Answers]):
    columns: ClassVar[tuple[Column, ...]] = (
        Column("question", ("query", "问题", "query_text")),
        Column("context", ("passage", "paragraph", "document", "article", "context_text", "文章", "原文", "篇章")),
        Column("answers", ("answer", "answer_text", "答案"), is_answer=True),
        Column("answer_start", ("start", "answer_offset"), required=False, is_answer=True),
        Column("is_impossible", ("impossible",), required=False, is_answer=True),
        Column("id", ("qid", "query_id", "question_id"), required=False),
    )
    tasks: ClassVar[tuple[str, ...]] = ("question_answering",)
    answers_are_places: ClassVar[bool] = True

    def likeness(self, columns: Sequence[str], first: Sequence[Mapping[str, Any]]) -> float:
        question, context, answers = (named(columns, column) for column in self.columns[:3])
        if question is None or context is None or answers is None:
            return 0.0
        values = values_of(first, answers)
        if any(isinstance(value, (dict, list)) for value in values):
            return 0.95
        rows = [row for row in first if isinstance(row.get(answers), str) and isinstance(row.get(context), str)]
        found = sum(row[answers] in row[context] for row in rows)
        return 0.9 if rows and found >= len(rows) / 2 else 0.0

    def parse(self, row: Row) -> Example[Question, Answers]:
        question = self.parse_input(row)
        written = list(_written(row))
        if str(row.values.get("is_impossible") or "").casefold() in _YES:
            written = []
        place = replace(row.place, column="answers")
        answers = tuple(dict.fromkeys(_found(text, start, question.context, place) for text, start in written))
        return Example(question, answers, row.place, row.number, written=any(s is None for _, s in written))

    def parse_input(self, row: Row) -> Question:
        id = row.values.get("id")
        return Question(text_of(row, "question"), text_of(row, "context"), "" if id is None else str(id))

    def as_row(self, input: Question, answer: Answers) -> dict[str, Any]:
        answers = {"text": [a.text for a in answer], "answer_start": [a.start for a in answer]}
        named = {"id": input.id} if input.id else {}
        return {**named, "question": input.question, "context": input.context, "answers": answers}

    def repaired(self, row: Row) -> dict[str, Any]:
        """Offsets of answers that stand in the context once, at another place."""
        context, answers, start = (row.values.get(name) for name in ("context", "answers", "answer_start"))
        if not isinstance(context, str):
            return {}
        if isinstance(answers, str) and (content := parsed(answers)) is not None:
            moved_to = _with_true_starts(content, context)
            return {} if moved_to == content else {"answers": json.dumps(moved_to, ensure_ascii=False)}
        if isinstance(answers, str) and start not in (None, ""):
            true = _true_start(answers, start, context)
            return {} if true == start else {"answer_start": type(start)(true)}
        moved_to = _with_true_starts(answers, context)
        return {} if moved_to == answers else {"answers": moved_to}

    def remarks(self, example: Example[Question, Answers]) -> Iterator[Problem]:
        context = example.input.context
        if not example.written:
            return
        for answer in example.answer:
            if context.find(answer.text, answer.start + 1) >= 0:
                what = t("the answer {answer} stands in the context more than once; the first is taken, at {start}",
                         answer=shown(answer.text), start=answer.start)  # fmt: skip
                fix = t("say which: answer_start, counted in characters from 0")
                yield Problem(replace(example.place, column="answers"), what, fix, "ambiguous-answer")
                return

    def identity(self, input: Question) -> str:
        return input.id

    def shared(self, input: Question) -> str:
        return input.context

    def plain_text(self, input: Question) -> str:
        return f"{input.question}\n{input.context}"

    def answer_spans(self, input: Question, answer: Answers) -> list[tuple[int, int]]:
        before = len(input.question) + 1
        return [(before + a.start, before + a.start + len(a.text)) for a in answer]

    def map_texts(self, input: Question, change: Callable[[str], str]) -> Question:
        return Question(change(input.question), change(input.context), input.id)

    def map_answer(self, answer: Answers, change: Callable[[str], str], before: Question, after: Question) -> Answers:
        places = moved([(a.start, a.start + len(a.text)) for a in answer], before.context, after.context)
        return tuple(Answer(after.context[start:end], start) for start, end in places if start < end)


def _written(row: Row) -> Iterator[tuple[Any, Any]]:
    """The answers' texts and offsets, None where none is given: SQuAD's lists, one object an answer, a bare text."""
    value = row.values.get("answers")
    place = replace(row.place, column="answers")
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = parsed(value) or value
    if value is None and "answers" in row.values and "is_impossible" not in row.values:
        fix = t("write it as it stands in the context; [] where the context has none")
        raise DataError.at(place, t("no answer"), fix, code="missing-answer")
    if isinstance(value, Mapping):
        texts, starts = value.get("text"), value.get("answer_start")
        if texts is None:
            what = t("the answers have no text, only {keys}", keys=shown(", ".join(map(str, value))))
            raise DataError.at(place, what, t('write {"text": ["…"], "answer_start": [0]}'), code="missing-column")
        yield from _paired(texts, starts, place)
    elif isinstance(value, (list, tuple)) and value and all(isinstance(item, Mapping) for item in value):
        yield from ((item.get("text"), item.get("answer_start")) for item in value)
    elif isinstance(value, (list, tuple)):
        yield from _paired(value, row.values.get("answer_start"), place)
    elif value is not None:
        yield from _paired([value], row.values.get("answer_start"), place)


def _paired(texts: Any, starts: Any, place: Place) -> Iterator[tuple[Any, Any]]:
    texts = as_list(texts) if isinstance(texts, (list, tuple)) else [texts]
    starts = as_list(starts) if isinstance(starts, (list, tuple)) else None if starts in (None, "") else [starts]
    if starts is not None and len(texts or ()) != len(starts):
        what = t("{texts} answers and {starts} offsets", texts=len(texts or ()), starts=len(starts))
        raise DataError.at(place, what, t("every answer needs one answer_start"), code="length-mismatch")
    return zip(texts or (), starts if starts is not None else [None] * len(texts or ()), strict=True)


def _found(text: Any, start: Any, context: str, place: Place) -> Answer:
    """The answer where it stands. Errors: DataError where it stands elsewhere or nowhere."""
    if not isinstance(text, str):
        what = t("the answer {value} is no text", value=shown(text))
        raise DataError.at(place, what, t("write it as it stands in the context"), code="wrong-type")
    if not text.strip():
        fix = t("write it as it stands in the context; [] where the context has none")
        raise DataError.at(place, t("the answer is empty"), fix, code="missing-answer")
    where = context.find(text)
    if where < 0:
        near = nearest_text(text, context)
        what = t("the answer {answer} does not stand in its context", answer=shown(text))
        if near is not None:
            fix = t("the nearest there is {text}, at {start}", text=shown(context[slice(*near)]), start=near[0])
        else:
            fix = t("nothing like it stands there: mend the answer, or remove the row")
        raise DataError.at(place, what, fix, code="answer-not-in-context")
    if start is None or start == "":
        return Answer(text, where)
    number = _whole(start, place)
    if context[number : number + len(text)] == text and number >= 0:
        return Answer(text, number)
    nearest = min(_places(text, context), key=lambda at: abs(at - number))
    what = t("the answer {answer} does not stand at {start}, where the context reads {there}", answer=shown(text),
             start=number, there=shown(context[number : number + len(text)] if number >= 0 else ""))  # fmt: skip
    fix = t("found at {places}", places=", ".join(map(str, sorted(_places(text, context)[:5])))) + (
        t(" (the nearest is {place})", place=nearest) if context.count(text) > 1 else ""
    )
    raise DataError.at(place, what, fix, code="answer-offset")


def _with_true_starts(answers: Any, context: str) -> Any:
    """SQuAD's lists, or one object an answer."""
    if isinstance(answers, Mapping):
        texts, starts = answers.get("text"), answers.get("answer_start")
        if isinstance(texts, (list, tuple)) and isinstance(starts, (list, tuple)) and len(texts) == len(starts):
            pairs = zip(texts, starts, strict=True)
            return {**answers, "answer_start": [_true_start(text, start, context) for text, start in pairs]}
        return {**answers, "answer_start": _true_start(texts, starts, context)} if starts is not None else answers
    if isinstance(answers, (list, tuple)):
        return [_with_true_starts(item, context) if isinstance(item, Mapping) else item for item in answers]
    return answers


def _true_start(text: Any, start: Any, context: str) -> Any:
    """Where the answer stands, where that is one place; else what was given."""
    if not isinstance(text, str) or not text or context.count(text) != 1 or not _is_whole(start):
        return start
    found = context.index(text)
    return start if int(start) == found else found


def _is_whole(start: Any) -> bool:
    return str(start).strip().lstrip("-").isdecimal()


def _whole(start: Any, place: Place) -> int:
    try:
        number = int(start)
    except (TypeError, ValueError):
        number = None
    if number is None or isinstance(start, bool) or number != float(start):
        what = t("answer_start is {value}", value=shown(start))
        raise DataError.at(place, what, t("count characters from 0"), code="wrong-type")
    return number


def _places(text: str, context: str) -> list[int]:
    found = [context.find(text)]
    while (after := context.find(text, found[-1] + 1)) >= 0 and len(found) < 1000:
        found.append(after)
    return found
