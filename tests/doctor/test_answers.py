"""Faults of answers that no single row shows: types, schemes, ids, far numbers, sets of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from luthier.data.columns import find_columns
from luthier.data.rows import parse_rows
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.errors import Place
from luthier.formats.entities import EntityRows
from luthier.formats.format import AnyFormat
from luthier.formats.generation import TextToText
from luthier.formats.labelled import Labelled
from luthier.formats.multilabel import MultiLabelled
from luthier.formats.numbers import Numbered
from luthier.formats.questions import QuestionRows
from luthier.types import Finding, Row

Rows = Sequence[Mapping[str, Any]]


def found(
    layout: AnyFormat, train: Rows, test: Rows = (), asked: Mapping[str, str] | None = None
) -> dict[str, Finding]:
    doctor = Doctor(Context(layout))
    for part, rows in (("train", train), ("test", test)):
        if not rows:
            continue
        columns = find_columns(tuple(rows[0]), layout.columns, asked or {}, Place(part), first=rows)
        doctor.data.columns.update(columns)
        placed = [Row(row, Place(part, i), i) for i, row in enumerate(rows, 1)]
        list(doctor.watch(part, parse_rows(placed, layout.parse, columns)))
    return {finding.code: finding for finding in doctor.findings()}


def labels(*values: Any) -> list[dict[str, Any]]:
    return [{"text": f"text {i}", "label": value} for i, value in enumerate(values)]


def lines(finding: Finding) -> list[int | None]:
    return [place.line for place in finding.rows]


# ---- types of labels

MIXED = [(1, "1"), (1, True), ("a", False), (1, 1.0)]


@pytest.mark.parametrize(("common", "odd"), MIXED)
def test_labels_of_several_types_are_named_with_the_rarer_rows(common: Any, odd: Any) -> None:
    finding = found(Labelled(), labels(common, odd, common, common))["mixed-label-types"]
    assert (finding.severity, lines(finding)) == ("error", [2])
    assert "first in line 1" in finding.message and "first in line 2" in finding.message


@pytest.mark.parametrize("alike", [("1", "a"), (1, 2, 2.5), (True, False), (1.0, 2.0)])
def test_labels_of_one_type_are_no_finding(alike: tuple[Any, ...]) -> None:
    assert "mixed-label-types" not in found(Labelled(), labels(*alike, *alike))


def test_two_files_may_write_their_labels_differently() -> None:
    assert "mixed-label-types" not in found(Labelled(), labels(0, 1, 0, 1), labels("0", "1"))


# ---- tags

BIO, BIOES, IOB1 = "B-PER I-PER O B-PER", "B-PER E-PER O S-PER", "I-PER I-PER O I-PER"


def sentences(*tags: str) -> list[dict[str, Any]]:
    return [
        {"tokens": [f"w{i}x{j}" for j in range(len(one.split()))], "tags": one.split(),
         "_lines": [10 * i + j for j in range(len(one.split()))]}
        for i, one in enumerate(tags, 1)
    ]  # fmt: skip


def test_two_schemes_in_one_file_are_named_with_the_rarer_rows() -> None:
    finding = found(EntityRows(), sentences(BIO, BIOES, BIO, "O O"))["mixed-tag-schemes"]
    assert (finding.severity, lines(finding)) == ("error", [2])
    assert "2 sentences are tagged in BIO, 1 in BIOES" in finding.message


@pytest.mark.parametrize("scheme", [BIO, BIOES, IOB1])
def test_one_scheme_is_no_finding(scheme: str) -> None:
    codes = set(found(EntityRows(), sentences(scheme, scheme, "O O O")))
    assert not codes & {"mixed-tag-schemes", "tag-sequence", "no-sentence-breaks"}


@pytest.mark.parametrize(("tags", "tag", "line"), [("O I-PER", "I-PER", 21), ("B-PER I-LOC O", "I-LOC", 21)])
def test_a_tag_that_continues_nothing_is_told_on_its_line(tags: str, tag: str, line: int) -> None:
    finding = found(EntityRows(), sentences(BIO, tags))["tag-sequence"]
    assert finding.severity == "warning" and f"'{tag}'" in finding.message and "conlleval" in finding.message
    assert lines(finding) == [line]


def test_an_entity_without_its_end_is_told_where_it_begins() -> None:
    finding = found(EntityRows(), sentences(BIOES, "B-PER E-PER O B-LOC O"))["tag-sequence"]
    assert "without an end" in finding.message and lines(finding) == [23]


def test_a_file_without_blank_lines_is_one_sentence() -> None:
    finding = found(EntityRows(), sentences(BIO))["no-sentence-breaks"]
    assert finding.severity == "error" and "4 words" in finding.message


# ---- ids


def questions(*ids: Any) -> list[dict[str, Any]]:
    return [{"id": id, "question": f"q {i}", "context": f"c {i} Paris", "answers": "Paris"} for i, id in enumerate(ids)]


def test_an_id_that_stands_twice_is_named_with_the_row_that_had_it() -> None:
    finding = found(QuestionRows(), questions("a", "b", "a", None, None))["duplicate-id"]
    assert (finding.severity, lines(finding)) == ("error", [3])
    assert [place.line for place in finding.other] == [1]


def test_the_test_file_may_count_its_ids_anew() -> None:
    assert "duplicate-id" not in found(QuestionRows(), questions("a", "b"), questions("a", "b"))


# ---- numbers


def test_a_number_that_never_changes_is_nothing_to_learn() -> None:
    assert found(Numbered(), labels(3, 3.0, "3"))["constant-target"].severity == "error"


def test_the_ten_furthest_numbers_are_named_the_furthest_first() -> None:
    values = [i % 7 for i in range(100)] + [1000 + i for i in range(12)] + [-5000]
    finding = found(Numbered(), labels(*values))["outlier"]
    assert (finding.severity, finding.count, lines(finding)[:2]) == ("warning", 10, [113, 112])
    assert "13 numbers" in finding.message and "-5000" in finding.message


def test_numbers_of_which_most_are_equal_have_outliers_too() -> None:
    assert lines(found(Numbered(), labels(*[0] * 90, *range(1, 6), 500))["outlier"]) == [96]
    assert "outlier" not in found(Numbered(), labels(*[0] * 10, *range(10)))


# ---- several labels


def test_rare_and_unseen_labels_are_counted_one_by_one() -> None:
    train = labels(*[["a", "b"], ["a"], ["b"], []] * 5, ["a", "c"], ["a", "d"], ["d"], ["d"])
    test = labels(["a", "b", "d"], ["a", "new"])
    codes = found(MultiLabelled(), train, test)
    assert "'c' 1" in codes["rare-class"].message and 21 in lines(codes["rare-class"])
    assert codes["unseen-label"].severity == "error" and lines(codes["unseen-label"]) == [2]
    assert "one-class" not in codes and "label-is-id" not in codes


@pytest.mark.parametrize("sets", [[[]] * 9, [["a", "b"]] * 9])
def test_sets_that_never_differ_are_nothing_to_learn(sets: list[list[str]]) -> None:
    assert found(MultiLabelled(), labels(*sets))["one-class"].severity == "error"


def test_a_label_of_its_own_for_every_row_is_an_id() -> None:
    assert "label-is-id" in found(MultiLabelled(), labels(*([f"id {i}"] for i in range(30))))


def test_entities_of_one_type_in_every_sentence_can_be_learnt() -> None:
    assert "one-class" not in found(EntityRows(), sentences("B-PER O", "O B-PER", "B-PER"))
    assert "no row has a label" in found(EntityRows(), sentences("O O", "O"))["one-class"].message


# ---- free answers


def test_two_answers_to_one_prompt_are_no_conflict() -> None:
    rows = [{"input": "say it", "output": "it"}, {"input": "say it", "output": "this"}]
    assert "conflicting-label" not in found(TextToText(), rows)


def test_columns_that_were_named_the_wrong_way_round_are_told() -> None:
    rows = [{"document": f"a long story {i}", "summary": f"story {i}"} for i in range(5)]
    wrong = {"input": "summary", "output": "document"}
    finding = found(TextToText(), rows, asked=wrong)["swapped-columns"]
    assert finding.severity == "error" and "data.columns.input=document" in finding.fix
    assert "swapped-columns" not in found(TextToText(), rows)
