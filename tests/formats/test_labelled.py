"""Texts with a label: what is kept as written, what cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from formats.rows import Fault, check, good
from luthier.formats.generation import TextToText
from luthier.formats.labelled import Labelled
from luthier.formats.multilabel import MultiLabelled
from luthier.formats.numbers import Numbered
from luthier.formats.plain import Plain
from luthier.formats.retrieval import QueryRows

KEPT = ["NA", "None", "null", "nan", "007", "+1", "1e3", "1.0", "2024-01-31", "1234567890123456789", " x "]


@pytest.mark.parametrize("label", KEPT)
def test_a_label_is_kept_as_written(label: str) -> None:
    assert good(Labelled(), {"text": "a", "label": label}).answer == label


LABELLED = [
    Fault({"text": "a", "label": ""}, "missing-label", ("no label",), "label"),
    Fault({"text": "a", "label": " \u200b"}, "missing-label", ("no label",), "label"),
    Fault({"text": "a", "label": None}, "missing-label", ("no label",), "label"),
    Fault({"text": "a", "label": float("nan")}, "nan-label", ("NaN",), "label"),
    Fault({"text": "a", "label": ["x"]}, "wrong-type", ("task=multilabel",), "label"),
    Fault({"text": "a", "label": "\ud83d"}, "lone-surrogate", ("\\ud83d",), "label"),
    Fault({"body": "", "label": "x"}, "missing-text", ("no text",), "body"),
    Fault({"body": " \u3000\n", "label": "x"}, "missing-text", ("no text",), "body"),
    Fault({"body": "\u200b\ufeff\u3164", "label": "x"}, "invisible-text", ("U+200B U+FEFF U+3164",), "body"),
    Fault({"body": "half \ud83d an emoji", "label": "x"}, "lone-surrogate", ("character 6", "\\ud83d"), "body"),
    Fault({"body": 7, "label": "x"}, "wrong-type", ("the number '7'",), "body"),
    Fault({"body": True, "label": "x"}, "wrong-type", ("truth value",), "body"),
    Fault({"body": ["a"], "label": "x"}, "wrong-type", ("list",), "body"),
    Fault({"body": {"a": 1}, "label": "x"}, "wrong-type", ("object",), "body"),
    Fault({"text": "a", "text_pair": "", "label": "x"}, "missing-text", ("no text",), "text_pair"),
    Fault({"text": "a", "text_pair": None, "label": "x"}, "missing-text", ("no text",), "text_pair"),
    Fault({"text": "a b", "text_pair": " a b ", "label": "x"}, "equal-pair", ("both texts",)),
    Fault({"text": "👩‍👩‍👧 שלום e\u0301 𠮷", "label": "x"}),
    Fault({"text": "\ue000 private use", "label": "x"}),
]


@pytest.mark.parametrize("fault", LABELLED, ids=repr)
def test_rows_with_a_label(fault: Fault) -> None:
    check(Labelled(), fault)


SETS: list[tuple[Any, set[str]]] = [
    (["a", "b"], {"a", "b"}),
    ("a|b", {"a", "b"}),
    ("a; b", {"a", "b"}),
    ("4,27", {"4", "27"}),
    ("food, drink|play", {"food, drink", "play"}),
    ('["food, drink"]', {"food, drink"}),
    ("['a', 'b']", {"a", "b"}),
    ([1, True], {"1", "true"}),
    (7, {"7"}),
    ([], set()),
    ("", set()),
    ("[]", set()),
]


@pytest.mark.parametrize(
    ("cell", "labels"),
    SETS,
    ids=lambda value: str(sorted(value)) if isinstance(value, (set, frozenset)) else repr(value),
)
def test_several_labels_are_read_from_one_cell(cell: Any, labels: set[str]) -> None:
    assert good(MultiLabelled(), {"text": "a", "label": cell}).answer == frozenset(labels)


MULTI = [
    Fault({"text": "a", "label": None}, "missing-label", ("no label",), "label"),
    Fault({"text": "a", "tags": ["x", None]}, "missing-label", ("'['x', None]'",), "tags"),
    Fault({"text": "a", "label": ["x", ""]}, "missing-label", ("one of the labels is empty",), "label"),
    Fault({"text": "a", "label": "x||y"}, "missing-label", ("one of the labels is empty",), "label"),
    Fault({"text": "a", "label": "[x, y"}, "label-list", ('["a", "b"]',), "label"),
    Fault({"text": "a", "label": "{x: 1}"}, "label-list", ("no list",), "label"),
    Fault({"text": "a", "label": [["x"]]}, "wrong-type", ("no text or number",), "label"),
]


@pytest.mark.parametrize("fault", MULTI, ids=repr)
def test_rows_with_several_labels(fault: Fault) -> None:
    check(MultiLabelled(), fault)


def test_labels_may_have_a_column_each() -> None:
    row = {"text": "a", "rude": "1", "late": 0, "cheap": 1.0, "note": "x"}
    assert good(MultiLabelled(), row).answer == {"rude", "cheap"}
    assert good(MultiLabelled(), row, ("label", "rude,late")).answer == {"rude"}


def test_a_flag_is_0_or_1() -> None:
    from formats.rows import read
    from luthier.errors import Problem

    found = read(MultiLabelled(), {"text": "a", "rude": 2, "late": ""}, ("label", "rude,late"))
    assert isinstance(found, Problem)
    assert (found.code, found.place.column) == ("flag-value", "rude") and "'2'" in found.what


NUMBERS = [
    Fault({"text": "a", "label": " -2.5e1 "}),
    Fault({"text": "a", "label": 3}),
    Fault({"text": "a", "label": "1,5"}, "not-a-number", ("'1,5'", "1.5"), "label"),
    Fault({"text": "a", "label": "5 €"}, "not-a-number", ("'5 €'", "alone: 5"), "label"),
    Fault({"text": "a", "label": "$1.50"}, "not-a-number", ("alone: 1.50",), "label"),
    Fault({"text": "a", "label": "very good"}, "not-a-number", ("task=classification",), "label"),
    Fault({"text": "a", "label": "1_000"}, "not-a-number", ("'1_000'",), "label"),
    Fault({"text": "a", "label": "inf"}, "not-a-number", ("infinite",), "label"),
    Fault({"text": "a", "label": 10**400}, "not-a-number", ("infinite",), "label"),
    Fault({"text": "a", "label": "1e999"}, "not-a-number", ("infinite",), "label"),
    Fault({"text": "a", "label": float("-inf")}, "not-a-number", ("infinite",), "label"),
    Fault({"text": "a", "label": "nan"}, "nan-label", ("NaN",), "label"),
    Fault({"text": "a", "label": float("nan")}, "nan-label", ("NaN",), "label"),
    Fault({"text": "a", "label": True}, "wrong-type", ("no number",), "label"),
    Fault({"text": "a", "label": " "}, "missing-label", ("no label",), "label"),
]


@pytest.mark.parametrize("fault", NUMBERS, ids=repr)
def test_rows_with_a_number(fault: Fault) -> None:
    check(Numbered(), fault)


TEXTS = [
    (TextToText(), Fault({"input": "a story", "output": ""}, "missing-text", ("no output",), "output")),
    (TextToText(), Fault({"article": "a story", "summary": "\u200b"}, "missing-text", ("no output",), "summary")),
    (TextToText(), Fault({"input": "a story", "output": " a story"}, "equal-output", ("the input",), "output")),
    (TextToText(), Fault({"input": " ", "output": "x"}, "missing-text", ("no text",), "input")),
    (QueryRows(), Fault({"query": "a", "positive": ""}, "missing-text", ("no text",), "positive")),
    (QueryRows(), Fault({"query": "a", "positive": "a "}, "equal-pair", ("both texts",))),
    (QueryRows(), Fault({"query": "a", "positive": "b", "negative": ["b"]}, "equal-negative", ("'b'",), "negative")),
    (QueryRows(), Fault({"query": "a", "positive": ["b", 3]}, "wrong-type", ("'3'",), "positive")),
    (QueryRows(), Fault({"query": "a", "positive": "b", "score": "much"}, "not-a-number", ("'much'",), "score")),
    (Plain(), Fault({"text": "\n"}, "missing-text", ("no text",), "text")),
]


@pytest.mark.parametrize(("layout", "fault"), TEXTS, ids=repr)
def test_rows_of_texts(layout: Any, fault: Fault) -> None:
    check(layout, fault)
