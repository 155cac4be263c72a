"""Questions: SQuAD's lists, flat rows, and answers that stand elsewhere or nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from formats.rows import Fault, check, good
from luthier.formats.cells.nearest import nearest_text
from luthier.formats.questions import QuestionRows

QA = QuestionRows()
CONTEXT = "The Normans (French: Normands) came to Paris, and 9 Normans left Paris."


def row(answers: Any, context: str = CONTEXT, **more: Any) -> dict[str, Any]:
    return {"question": "Where?", "context": context, "answers": answers, **more}


READ = [
    (row({"text": ["Normands"], "answer_start": [21]}), [("Normands", 21)]),
    (row({"text": ["Paris", "Paris"], "answer_start": [39, 65]}), [("Paris", 39), ("Paris", 65)]),
    (row([{"text": "Paris", "answer_start": 39}, {"text": "Paris", "answer_start": 39}]), [("Paris", 39)]),
    (row({"text": "Normands", "answer_start": "21"}), [("Normands", 21)]),
    (row('{"text": ["Paris"], "answer_start": [65]}'), [("Paris", 65)]),
    (row([], is_impossible=True), []),
    (row({"text": [], "answer_start": []}), []),
    (row(None, is_impossible=True), []),
    (row({"text": ["Paris"], "answer_start": [39]}, is_impossible="true"), []),
    ({"question": "q", "context": CONTEXT, "answer": "French", "answer_start": 13}, [("French", 13)]),
    ({"question": "q", "context": CONTEXT, "answer": "French"}, [("French", 13)]),
    ({"问题": "谁？", "文章": "𠮷野在北京。", "答案": "北京"}, [("北京", 3)]),
]


@pytest.mark.parametrize(("values", "answers"), READ, ids=repr)
def test_answers_are_read_however_they_are_written(values: dict[str, Any], answers: list[tuple[str, int]]) -> None:
    assert list(good(QA, values).answer) == answers


ROWS = [
    Fault(row({"text": ["Normanns"], "answer_start": [21]}), "answer-not-in-context", ("'Normans', at 4",), "answers"),
    Fault(row({"text": ["london"], "answer_start": [3]}), "answer-not-in-context", ("nothing like it",), "answers"),
    Fault(row({"text": ["Normands"], "answer_start": [20]}), "answer-offset", ("at 20", "found at 21"), "answers"),
    Fault(row({"text": ["Paris"], "answer_start": [60]}), "answer-offset", ("39, 65", "nearest is 65"), "answers"),
    Fault(row({"text": ["Paris"], "answer_start": [-1]}), "answer-offset", ("at -1", "39, 65"), "answers"),
    Fault(row({"text": [""], "answer_start": [-1]}), "missing-answer", ("is empty",), "answers"),
    Fault(row({"text": ["Paris"], "answer_start": [1, 2]}), "length-mismatch", ("1 answers and 2 offsets",), "answers"),
    Fault(row({"text": ["Paris"], "answer_start": ["x"]}), "wrong-type", ("'x'",), "answers"),
    Fault(row({"text": ["Paris"], "answer_start": [1.5]}), "wrong-type", ("'1.5'",), "answers"),
    Fault(row({"text": [7], "answer_start": [1]}), "wrong-type", ("'7'",), "answers"),
    Fault(row({"txt": ["Paris"]}), "missing-column", ("'txt'",), "answers"),
    Fault(row(None), "missing-answer", ("no answer",), "answers"),
    Fault(row("Paris", context=" "), "missing-text", ("no text",), "context"),
    Fault({"question": 4, "context": "a", "answers": "a"}, "wrong-type", ("number",), "question"),
    Fault(row("Paris"), "ambiguous-answer", ("'Paris'", "at 39", "answer_start"), "answers"),
    Fault(row({"text": ["Paris"], "answer_start": [39]})),
]


@pytest.mark.parametrize("fault", ROWS, ids=repr)
def test_rows_with_a_question(fault: Fault) -> None:
    check(QA, fault)


NEAREST = [
    ("norman dukes", "the Norman duke, William", "Norman duke"),
    ("2010 年的春天", "他在2010年的春天离开", "2010年的春天"),
    ("something else", "the Norman duke", None),
    ("!?", "the Norman duke", None),
]


@pytest.mark.parametrize(("text", "context", "nearest"), NEAREST)
def test_the_nearest_text_is_found(text: str, context: str, nearest: str | None) -> None:
    found = nearest_text(text, context)
    assert (None if found is None else context[slice(*found)]) == nearest
