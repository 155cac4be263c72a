"""Entities: every scheme of tags, spans in characters, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from formats.rows import Fault, check, good
from luthier.data.rows import parse_rows
from luthier.errors import Place, Problem
from luthier.formats.entities import EntityRows
from luthier.formats.marked.words import join_words
from luthier.types import Row

NER = EntityRows()
WORDS = ["Anna", "Berg", "saw", "Ada", "in", "Rome"]
SCHEMES = {
    "BIO": "B-PER I-PER O B-PER O B-LOC",
    "IOB1": "I-PER I-PER O I-PER O I-LOC",
    "BIOES": "B-PER E-PER O S-PER O S-LOC",
    "BILOU": "B-PER L-PER O U-PER O U-LOC",
    "BMES": "B-PER E-PER O S-PER O S-LOC",
}


@pytest.mark.parametrize("tags", SCHEMES.values(), ids=SCHEMES.keys())
def test_every_scheme_gives_the_same_entities(tags: str) -> None:
    example = good(NER, {"tokens": WORDS, "tags": tags.split()})
    assert [(example.input.text[e.start : e.end], e.label) for e in example.answer] == [
        ("Anna Berg", "PER"), ("Ada", "PER"), ("Rome", "LOC"),
    ]  # fmt: skip


CONLLEVAL = [
    ("B-A B-A", [(0, 1, "A"), (1, 2, "A")]),
    ("I-A I-B", [(0, 1, "A"), (1, 2, "B")]),
    ("B-A I-B I-B", [(0, 1, "A"), (1, 3, "B")]),
    ("I-A B-A I-A", [(0, 1, "A"), (1, 3, "A")]),
    ("S-A I-A", [(0, 1, "A"), (1, 2, "A")]),
    ("E-A E-A", [(0, 1, "A"), (1, 2, "A")]),
    ("B-A O I-A", [(0, 1, "A"), (2, 3, "A")]),
    ("B-A_x-y I-A_x-y", [(0, 2, "A_x-y")]),
]


@pytest.mark.parametrize(("tags", "entities"), CONLLEVAL)
def test_broken_sequences_are_read_as_conlleval_reads_them(tags: str, entities: list[tuple[int, int, str]]) -> None:
    words = [str(i) for i in range(len(tags.split()))]
    example = good(NER, {"tokens": words, "tags": tags.split()})
    assert [(e.start // 2, e.end // 2 + 1, e.label) for e in example.answer] == entities


JOINED = [
    (["a", "b"], "a b"),
    (["吴", "重", "阳"], "吴重阳"),
    (["I", "B", "M", "公", "司"], "IBM公司"),
    (["北京", "IBM", "公司"], "北京 IBM 公司"),
    (["東京", "タワー"], "東京タワー"),
    (["서울", "에서"], "서울 에서"),
    (["😀", "ok"], "😀 ok"),
]


@pytest.mark.parametrize(("words", "text"), JOINED)
def test_words_are_joined_as_their_script_is_written(words: list[str], text: str) -> None:
    joined, places = join_words(words)
    assert joined == text
    assert [joined[start:end] for start, end in places] == words


def spans(*entities: Any, text: str = "Anna saw Zürich and 北京 today") -> dict[str, Any]:
    return {"text": text, "entities": list(entities)}


def span(start: Any, end: Any, label: Any = "LOC", **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, **more}


ROWS = [
    Fault({"tokens": ["a", "b"], "ner_tags": ["O"]}, "length-mismatch", ("2 words and 1 tags",), "ner_tags"),
    Fault({"tokens": ["a"], "tags": ["B-"]}, "bad-tag", ("'B-' has no type", "B-PER"), "tags"),
    Fault({"tokens": ["a"], "tags": ["I"]}, "bad-tag", ("'I' has no type",), "tags"),
    Fault({"tokens": ["a"], "tags": ["X-PER"]}, "bad-tag", ("'X-PER' is no tag",), "tags"),
    Fault({"tokens": ["a"], "tags": ["PER"]}, "bad-tag", ("B-PER, I-PER",), "tags"),
    Fault({"tokens": ["a"], "tags": ["0"]}, "bad-tag", ("capital letter O",), "tags"),
    Fault({"tokens": ["a"], "tags": ["b-PER"]}, "bad-tag", ("write B-PER",), "tags"),
    Fault({"tokens": ["a"], "tags": ["PER-B"]}, "bad-tag", ("write B-PER",), "tags"),
    Fault({"tokens": ["a"], "tags": [None]}, "bad-tag", ("has no tag", "O where nothing is"), "tags"),
    Fault({"tokens": ["a"], "ner_tags": [3]}, "bad-tag", ("the number '3'", "int2str"), "ner_tags"),
    Fault({"tokens": ["a", None], "tags": ["O", "O"]}, "wrong-type", ("word 2 is 'None'",), "tokens"),
    Fault({"tokens": [], "tags": []}, "missing-text", ("no words",), "tokens"),
    Fault({"tokens": ["a\udc00"], "tags": ["O"]}, "lone-surrogate", ("\\udc00",), "tokens"),
    Fault({"tokens": ["a"]}, "missing-label", ("no tags",)),
    Fault({"text": "a", "tags": ["O"]}, "missing-column", ("no tokens",), "tags"),
    Fault({"txet": "a", "entities": []}, "missing-column", ("'text'", "txet")),
    Fault(spans(span(0, 4), [20, 22, "LOC"])),
    Fault(spans(span(0, 99)), "span-range", ("outside the text of 28 characters",), "entities"),
    Fault(spans(span(-3, 4)), "span-range", ("-3 to 4",), "entities"),
    Fault(spans(span(5, 5)), "span-range", ("holds nothing",), "entities"),
    Fault(spans(span(8, 4)), "span-range", ("8 to 4 holds nothing",), "entities"),
    Fault(spans(span(0, 8), span(5, 15)), "span-overlap", ("0-8 'Anna saw'", "5-15 'saw Zürich'"), "entities"),
    Fault(spans(span(0, 8), span(0, 8)), "span-overlap", ("keep one",), "entities"),
    Fault(spans(span(9, 12)), "cut-word", ("'Zür' in",), "entities"),
    Fault(spans(span(9, 14)), "cut-word", ("last one included", "'Zürich'"), "entities"),
    Fault(spans(span(9, 16)), "", ()),
    Fault(spans(span(9, 15, text="Zurich")), "span-text", ("reads 'Zürich', not 'Zurich'",), "entities"),
    Fault(spans(span(0, 4, text="Zürich")), "span-text", ("'Zürich' stands at 9 to 15",), "entities"),
    Fault(spans(span(21, 27, text="北京")), "span-text", ("bytes of UTF-8", "20 to 22: '北京'"), "entities"),
    Fault(spans(span(3, 7), text="😀 Rome"), "span-range", ("UTF-16", "2 to 6: 'Rome'"), "entities"),
    Fault(spans(span(1, 3, text="北京"), text="a 北京"), "span-text", ("'北京' stands at 2 to 4",), "entities"),
    Fault(spans(span("0", 4)), "entity-syntax", ("no entity",), "entities"),
    Fault(spans(span(0, 4, None)), "entity-syntax", ("no entity",), "entities"),
    Fault({"text": "Anna", "label": {"PER": {"Anna": [[1, 4]]}}}, "span-range", ("'Anna' stands at 0 to 4",), "label"),
    Fault({"text": "Anna", "label": {"PER": {"Anna": 3}}}, "entity-syntax", ("[first, last]",), "label"),
    Fault(spans("PER"), "missing-column", ("no tokens",), "tags"),
    Fault(spans(span(0, 2), text="北京大学")),
]


@pytest.mark.parametrize("fault", ROWS, ids=repr)
def test_rows_with_entities(fault: Fault) -> None:
    check(NER, fault)


def test_a_fault_in_a_file_of_words_is_told_on_the_words_line() -> None:
    row = Row({"tokens": ["a", "b"], "tags": ["O", "X-A"], "_lines": [40, 41]}, Place("a.conll", 40))
    (problem,) = parse_rows([row], NER.parse, {"tokens": "tokens", "tags": "tags"})
    assert isinstance(problem, Problem)
    assert (problem.place.line, problem.code) == (41, "bad-tag")


WRITTEN = [
    {"text": "Anna is here", "spans": [{"start": 0, "end": 4, "type": "PER"}]},
    {"text": "Anna is here", "label": [[0, 4, "PER"]]},
    {"text": "Anna is here", "entities": '[{"start": 0, "end": 4, "label": "PER"}]'},
    {"text": "Anna is here", "entities": [{"start_offset": 0, "end_offset": 4, "labels": ["PER"]}]},
    {"text": "Anna is here", "label": {"PER": {"Anna": [[0, 3]]}, "LOC": {}}},
    {"tokens": "Anna is here", "tags": "B-PER O O"},
    {"words": '["Anna", "is", "here"]', "labels": "['B-PER', 'O', 'O']"},
]


@pytest.mark.parametrize("row", WRITTEN, ids=repr)
def test_entities_are_read_however_they_are_written(row: dict[str, Any]) -> None:
    example = good(NER, row)
    assert (example.input.text, example.answer) == ("Anna is here", ((0, 4, "PER"),))


def test_a_text_alone_is_an_input() -> None:
    assert NER.parse_input(Row({"text": "Anna"}, Place("a"))).text == "Anna"
