"""A mistake is said as where, what and the remedy, in words that a terminal survives."""

import pytest

from luthier.errors import DataError, Place, Problem, did_you_mean, nearest_name, printable, shown


def test_a_message_names_place_fact_and_remedy() -> None:
    error = DataError.at(Place("tickets.csv", 17, "team"), "no label", "fill it in", code="missing-label")
    assert str(error) == "tickets.csv:17:team: no label\n  fix: fill it in"


def test_further_places_are_counted_and_the_first_ten_listed() -> None:
    also = [Place("a.csv", line) for line in range(3, 20)]
    text = str(DataError.at(Place("a.csv", 2), "no label", "fill it in", code="x", also=also))
    assert "17 more like it: 3, 4, 5, 6, 7, 8, 9, 10, 11, 12…" in text


def test_a_message_is_never_longer_than_twenty_lines() -> None:
    problems = [Problem(Place("a.yaml", line), "is wrong", "mend it", "x") for line in range(1, 40)]
    lines = str(DataError(*problems)).splitlines()
    assert len(lines) == 20
    assert lines[-1] == "… and 59 more lines"


def test_json_carries_the_same() -> None:
    problem = Problem(Place("a.csv", 4, "team"), "no label", "fill it in", "missing-label")
    assert problem.as_json() == {
        "file": "a.csv",
        "line": 4,
        "column": "team",
        "code": "missing-label",
        "message": "no label",
        "fix": "fill it in",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("快递 emoji 📦", "快递 emoji 📦"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb", "a\\nb"),
        ("left\u202eright", "left\\u202eright"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_bidirectional_and_surrogate_characters_are_escaped(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_a_users_value_is_shortened_and_quoted() -> None:
    assert shown("x" * 100) == "'" + "x" * 59 + "…'"


def test_the_nearest_name_is_offered_else_all_of_them() -> None:
    assert did_you_mean("learnin_rate", ["learning_rate", "epochs"]) == "did you mean 'learning_rate'?"
    assert did_you_mean("zzz", ["b", "a"]) == "known here: a, b"


def test_case_and_a_missing_section_do_not_hide_a_likeness() -> None:
    assert nearest_name("EPOCHS", ["train.epochs", "train.seed"]) == "train.epochs"
