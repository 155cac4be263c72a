"""What holds for every layout: a row goes round unchanged, its parts can be compared, its places lie in its text."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from formats.rows import good, read
from luthier.data.findings import ROW_FAULTS
from luthier.errors import ConfigError, DataError, Place, Problem
from luthier.formats.format import AnyFormat
from luthier.formats.known import all_formats, format_of_task, guess_format
from luthier.types import Row

_IMAGE = str(Path(__file__).parents[1] / "samples" / "fusion" / "red_disc.png")
_TOOL = {"name": "find", "arguments": {"what": "a  parcel"}}
SAMPLES: dict[str, Sequence[dict[str, Any]]] = {
    "labelled": [
        {"text": "where is my parcel", "label": "delivery"},
        {"text": "快递 还没到", "label": 1},
        {"text": "a man  eats", "text_pair": "he eats", "label": "yes"},
    ],
    "multilabel": [
        {"text": "late and  broken", "label": ["late", "broken"]},
        {"text": "all is well", "label": []},
        {"text": "a", "text_pair": "b", "label": "x|y"},
        {"body": "late", "late": 1, "broken": "0", "rude": False},
    ],
    "numbers": [{"text": "so  so", "score": "2.5"}, {"sentence1": "a", "sentence2": "b", "score": 4}],
    "entities": [
        {"tokens": ["Anna", "lives", "in", "New", "York"], "tags": ["B-PER", "O", "O", "B-LOC", "I-LOC"]},
        {"tokens": list("吴重阳在北京"), "tags": ["B-NAME", "M-NAME", "E-NAME", "O", "B-LOC", "E-LOC"]},
        {"text": "👩‍👩‍👧 Anna  lives in Zürich", "entities": [{"start": 6, "end": 10, "label": "PER"}, [21, 27, "LOC"]]},
        {"text": "nobody is here", "entities": []},
    ],
    "joint": [
        {"tokens": ["Anna", "flies", "to", "New", "York"], "tags": ["B-PER", "O", "O", "B-LOC", "I-LOC"], "intent": "fly"},
        {"text": "👩‍👩‍👧 Anna  flies to Zürich", "entities": [{"start": 6, "end": 10, "label": "PER"}, [21, 27, "LOC"]],
         "intents": "fly"},
        {"tokens": "去 北京 吗", "slots": "O B-LOC O", "意图": "问"},
    ],
    "questions": [
        {"id": "1", "question": "Where?", "context": "𠮷 In  Paris, I think.", "answers": {"text": ["Paris"], "answer_start": [6]}},
        {"question": "Who?", "context": "In Paris.", "answers": {"text": [], "answer_start": []}},
        {"question": "她住在哪里？", "context": "她住在北京。", "answer": "北京"},
    ],
    "messages": [
        {"messages": [{"role": "user", "content": "hi  there"}, {"role": "assistant", "content": "yes"}]},
        {"conversations": [{"from": "human", "value": "find it"},
                           {"from": "function_call", "value": json.dumps(_TOOL)},
                           {"from": "observation", "value": "none"}, {"from": "gpt", "value": "not there"}],
         "system": "be kind", "tools": json.dumps([{"name": "find"}])},
        {"instruction": "say it", "input": "loudly", "output": "IT", "history": [["a", "b"]]},
        {"prompt": "say it", "completion": "it"},
    ],
    "generation": [{"document": "a long  story", "summary": "a story"}],
    "retrieval": [{"query": "who?", "positive": "she", "negative": ["he", "it  is"]}, {"query": "who?", "pos": ["she"], "score": 0.5}],
    "plain": [{"text": "once  upon a time"}],
    "fused": [{"question": "how  many", "image": _IMAGE, "answer": "3"}, {"text": "", "img": _IMAGE, "label": 2}],
}  # fmt: skip
ROWS = [(layout, row) for layout in all_formats() for row in SAMPLES[layout.name]]


@pytest.mark.parametrize(("layout", "row"), ROWS, ids=lambda value: getattr(value, "name", ""))
def test_a_row_goes_round_unchanged(layout: AnyFormat, row: dict[str, Any]) -> None:
    example = good(layout, row)
    again = layout.as_row(example.input, example.answer)
    assert layout.parse(Row(json.loads(json.dumps(again)), example.place)) == example


@pytest.mark.parametrize(("layout", "row"), ROWS, ids=lambda value: getattr(value, "name", ""))
def test_an_input_is_the_same_with_and_without_its_answer(layout: AnyFormat, row: dict[str, Any]) -> None:
    example = good(layout, row)
    whole = layout.as_row(example.input, example.answer)
    assert layout.parse_input(Row(whole, Place("a"))) == example.input


@pytest.mark.parametrize(("layout", "row"), ROWS, ids=lambda value: getattr(value, "name", ""))
def test_rows_can_be_compared_and_places_lie_in_the_text(layout: AnyFormat, row: dict[str, Any]) -> None:
    example = good(layout, row)
    assert hash(example) == hash(good(layout, row))
    assert isinstance(hash(layout.stratum(example.answer)), int)
    text = layout.whole_text(example.input, example.answer)
    assert text.startswith(layout.plain_text(example.input))
    assert all(0 <= start < end <= len(text) for start, end in layout.answer_spans(example.input, example.answer))


@pytest.mark.parametrize(("layout", "row"), ROWS, ids=lambda value: getattr(value, "name", ""))
def test_texts_that_are_not_changed_stay(layout: AnyFormat, row: dict[str, Any]) -> None:
    example = good(layout, row)
    assert layout.map_texts(example.input, str) == example.input
    assert layout.map_answer(example.answer, str, example.input, example.input) == example.answer


@pytest.mark.parametrize(("layout", "row"), ROWS, ids=lambda value: getattr(value, "name", ""))
def test_what_is_learnt_reads_the_same_after_a_change_before_it(layout: AnyFormat, row: dict[str, Any]) -> None:
    def change(text: str) -> str:
        return f"well, {text.replace('  ', ' ')}"

    example = good(layout, row)
    after = layout.map_texts(example.input, change)
    answer = layout.map_answer(example.answer, change, example.input, after)
    before, now = (
        [layout.whole_text(i, a)[start:end] for start, end in layout.answer_spans(i, a)]
        for i, a in ((example.input, example.answer), (after, answer))
    )
    if layout.answers_are_places:
        assert now == before
    else:
        assert len(now) == len(before)
    assert layout.parse(Row(layout.as_row(after, answer), Place("a"))).answer == answer


ODD = (None, "", " ", "x", "[", "[1]", '{"a": 1}', 0, -1, 2.5, float("nan"), 10**400, True, [], {}, [None], ["x"], [[]], [{}],
       {"text": None}, {"a": {"b": 1}}, {"a": {"b": [[0, 1]]}}, [["a", "b"]], "\ud83d", [{"role": {}, "content": []}])  # fmt: skip


def odd(value: Any, draw: random.Random) -> Any:
    """The value with one thing in it, or itself, replaced by something else."""
    if isinstance(value, dict) and value and draw.random() < 0.7:
        key = draw.choice(list(value))
        return {**value, key: odd(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.7:
        place = draw.randrange(len(value))
        return [*value[:place], odd(value[place], draw), *value[place + 1 :]]
    return draw.choice(ODD)


@pytest.mark.parametrize("layout", all_formats(), ids=lambda layout: layout.name)
def test_whatever_stands_in_a_row_it_is_read_or_told(layout: AnyFormat) -> None:
    draw = random.Random(0)
    for _ in range(1500):
        row = draw.choice(SAMPLES[layout.name])
        key = draw.choice(list(row))
        changed = {**row, key: odd(row[key], draw)}
        assert 0 <= layout.likeness(tuple(changed), [changed]) <= 1
        try:
            found = read(layout, changed)
        except DataError:
            continue
        if isinstance(found, Problem):
            assert found.code in ROW_FAULTS, found
            continue
        again = layout.parse(Row(json.loads(json.dumps(layout.as_row(found.input, found.answer))), found.place))
        assert (again, hash(again)) == (found, hash(found))
        assert all(remark.code for remark in layout.remarks(found))


def test_every_task_has_one_layout() -> None:
    tasks = [task for layout in all_formats() for task in layout.tasks]
    assert len(set(tasks)) == len(tasks)
    assert format_of_task("token-classification") is format_of_task("ner")
    with pytest.raises(ConfigError, match="did you mean 'seq2seq'"):
        format_of_task("seq2sec")


RECOGNISED = [
    ("multilabel", [{"text": "a", "label": ["x"]}, {"text": "b", "label": []}]),
    ("multilabel", [{"text": "a", "label": "x|y"}, {"text": "b", "label": "x"}, {"text": "c", "label": "y"}]),
    ("multilabel", [{"comment": "a", "rude": 1, "late": 0, "id": 17}]),
    ("numbers", [{"text": f"text {i}", "score": f"{i / 4}"} for i in range(20)]),
    *((layout.name, [row]) for layout, row in ROWS if layout.name not in ("labelled", "numbers", "multilabel")),
]


@pytest.mark.parametrize(("name", "rows"), RECOGNISED)
def test_layouts_are_recognised(name: str, rows: list[dict[str, Any]]) -> None:
    assert guess_format(tuple(rows[0]), rows).name == name


PLAIN_TABLES = {
    "text and label": [{"text": f"text {i}", "label": "ab"[i % 2]} for i in range(9)],
    "a title with its class": [{"title": f"a title of some length, number {i}", "category": "ab"[i % 2]} for i in range(9)],
    "stars": [{"review": f"text {i}", "rating": str(i % 5 + 1)} for i in range(20)],
    "a target that is a class": [{"text": f"text {i}", "target": "a rather long name of a class"} for i in range(20)],
    "numbers as classes in floats": [{"text": f"text {i}", "label": float(i % 2)} for i in range(20)],
    "labels with commas": [{"text": f"text {i}", "label": ["New York, NY", "Reno"][i % 2]} for i in range(20)],
    "decimal commas": [{"text": f"text {i}", "label": f"{i},5"} for i in range(20)],
    "one flag": [{"text": f"text {i}", "label": i % 2, "checked": 1} for i in range(20)],
    "a question with a yes or no": [{"question": f"q {i}", "passage": "a long passage", "label": i % 2} for i in range(9)],
    "a pair": [{"sentence1": "a", "sentence2": "b", "label": i % 2} for i in range(9)],
    "with a summary beside": [{"text": f"text {i}", "intent": "ab"[i % 2], "summary": f"number {i}"} for i in range(9)],
}  # fmt: skip


@pytest.mark.parametrize("rows", PLAIN_TABLES.values(), ids=PLAIN_TABLES.keys())
def test_a_table_of_texts_and_labels_stays_one(rows: list[dict[str, Any]]) -> None:
    assert guess_format(tuple(rows[0]), rows).name == "labelled"


def test_labels_joined_by_commas_are_known_by_coming_back() -> None:
    rows = [{"text": f"text {i}", "label": ["4,27", "4", "27", "3"][i % 4]} for i in range(20)]
    assert guess_format(("text", "label"), rows).name == "multilabel"


def test_what_the_user_calls_the_label_decides() -> None:
    row = {"text": "Anna", "entities": [[0, 4, "PER"]], "team": "name"}
    assert guess_format(tuple(row), [row]).name == "entities"
    assert guess_format(tuple(row), [row], {"label": "team"}).name == "labelled"


def test_faults_of_rows_can_be_left_out() -> None:
    import re
    from pathlib import Path

    import luthier.formats as package

    written = "".join(path.read_text("utf-8") for path in Path(package.__path__[0]).rglob("*.py"))
    raised = set(re.findall(r'DataError\.at\([^#]*?code="([a-z-]+)"', written)) | set(
        re.findall(r'_Fault\("([a-z-]+)"', written)
    )
    assert raised - ROW_FAULTS == set()
