"""What is wrong with the data is found before it is trained on."""

import pytest

from luthier.data.findings import grouped, refuse_errors
from luthier.data.leaks import without_leaks
from luthier.data.split import Split
from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.errors import DataError, Place, Problem
from luthier.formats.labelled import Labelled
from luthier.types import Example, Finding


def rows(*pairs: tuple[str, str]) -> list[Example[str, str]]:
    return [Example(text, label, Place("a.csv", line)) for line, (text, label) in enumerate(pairs, 2)]


def faults(*pairs: tuple[str, str], test: tuple[tuple[str, str], ...] = ()) -> dict[str, Finding]:
    doctor = Doctor(Context(Labelled()))
    for part, examples in (("train", rows(*pairs)), ("test", rows(*test))):
        assert list(doctor.watch(part, examples)) == examples
    return {finding.code: finding for finding in doctor.findings()}


def plenty(count: int, label: str) -> list[tuple[str, str]]:
    return [(f"{label} {i}", label) for i in range(count)]


def test_good_data_have_no_findings() -> None:
    assert faults(*plenty(9, "a"), *plenty(9, "b")) == {}


def test_one_class_is_nothing_to_learn() -> None:
    found = faults(*plenty(9, "a"))["one-class"]
    assert found.severity == "error" and "'a'" in found.message


def test_every_label_different_looks_like_an_id() -> None:
    assert faults(*((f"text {i}", f"id {i}") for i in range(30)))["label-is-id"].severity == "error"


def test_every_text_the_same_is_no_text_column() -> None:
    assert faults(*(("same", "ab"[i % 2]) for i in range(20)))["same-text"].severity == "error"


def test_rare_classes_are_named_with_their_rows() -> None:
    found = faults(*plenty(9, "a"), *plenty(9, "b"), ("alone", "c"))["rare-class"]
    assert found.severity == "warning" and "'c'" in found.message
    assert [place.line for place in found.rows] == [20]


def test_repeated_rows_are_named_after_their_first() -> None:
    found = faults(("x", "a"), ("y", "b"), ("x", "a"), ("x", "a"))["exact-duplicate"]
    assert [place.line for place in found.rows] == [4, 5]


def test_one_text_with_two_labels_is_a_conflict_on_all_its_rows() -> None:
    found = faults(("x", "a"), ("y", "b"), ("x", "b"))["conflicting-label"]
    assert [place.line for place in found.rows] == [2, 4]


def test_imbalance_is_named_from_ten_to_one() -> None:
    assert "imbalance" not in faults(*plenty(27, "a"), *plenty(3, "b"))
    finding = faults(*plenty(30, "a"), *plenty(3, "b"))["imbalance"]
    assert "'b' on 3" in finding.message
    assert "balance=auto" in finding.fix and "weighted_loss" not in finding.fix


def test_texts_on_both_sides_are_a_leak_and_many_stop_the_run() -> None:
    train = [*plenty(9, "a"), *plenty(9, "b")]
    few = faults(*train, test=(*plenty(1, "a"), *((f"new {i}", "a") for i in range(9))))["split-leak"]
    many = faults(*train, test=tuple(train[:5]))["split-leak"]
    assert (few.severity, few.count) == ("warning", 1)
    assert (many.severity, many.count) == ("error", 5)


def test_rows_of_the_training_data_can_be_left_out_of_the_test() -> None:
    train, test = rows(*plenty(9, "a")), rows(*plenty(3, "a"), ("new", "a"))
    assert [e.input for e in without_leaks(Split(train, [], test)).test] == ["new"]
    with pytest.raises(DataError, match="every test row"):
        without_leaks(Split(train, [], test[:3]))


def test_a_label_that_training_never_sees_is_an_error_in_given_files() -> None:
    found = faults(*plenty(9, "a"), *plenty(9, "b"), test=(("new", "c"),))["unseen-label"]
    assert found.severity == "error" and "'c'" in found.message


def test_faults_of_the_same_kind_are_one_finding() -> None:
    problems = [Problem(Place("a.csv", line, "team"), "no label", "fill it in", "missing-label") for line in (3, 9)]
    (finding,) = grouped(problems)
    assert (finding.count, [place.line for place in finding.rows]) == (2, [3, 9])


def test_bad_rows_are_refused_with_the_setting_that_leaves_them_out() -> None:
    problems = [Problem(Place("a.csv", line, "team"), "no label", "fill it in", "missing-label") for line in (3, 9)]
    with pytest.raises(DataError) as caught:
        refuse_errors(grouped(problems), skip_rows=False)
    assert "data.bad_rows=skip" in str(caught.value) and "a.csv:3:team" in str(caught.value)
    refuse_errors(grouped(problems), skip_rows=True)


def test_leaving_rows_out_does_not_excuse_the_whole_data() -> None:
    finding = Finding("error", "one-class", "one class", "more", (Place("a.csv"),))
    with pytest.raises(DataError):
        refuse_errors([finding], skip_rows=True)
