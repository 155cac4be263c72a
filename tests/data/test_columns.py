"""Columns are found by name, taken where only one fits, and asked for where it cannot be told."""

import pytest

from luthier.data.columns import find_columns
from luthier.errors import DataError, Place
from luthier.tasks.classification import Classification
from luthier.types import Column

WANTED = Classification.format.columns
HERE = Place("tickets.csv", 1)


def find(*present: str, **asked: str) -> dict[str, str]:
    return find_columns(present, WANTED, asked, HERE)


@pytest.mark.parametrize(
    ("present", "found"),
    [
        (("text", "label"), {"text": "text", "label": "label"}),
        (("id", "body", "team"), {"text": "body", "label": "team"}),
        (("内容", "标签"), {"text": "内容", "label": "标签"}),
        (("Text ", "LABEL"), {"text": "Text ", "label": "LABEL"}),
        (("ｔｅｘｔ", "label"), {"text": "ｔｅｘｔ", "label": "label"}),
        (("words", "label"), {"text": "words", "label": "label"}),
        (("sentence1", "sentence2", "label"), {"text": "sentence1", "label": "label", "text_pair": "sentence2"}),
    ],
)
def test_usual_names_are_found(present: tuple[str, ...], found: dict[str, str]) -> None:
    assert find(*present) == found


def test_what_the_user_says_wins() -> None:
    assert find("text", "body", "label", "team", text="body", label="team") == {"text": "body", "label": "team"}


def test_case_and_space_of_a_named_column_may_differ_where_only_one_fits() -> None:
    assert find("Body ", "label", text="body")["text"] == "Body "
    with pytest.raises(DataError, match="no column 'BODY'"):
        find("body", "Body", "label", text="BODY")


def test_a_misspelt_column_names_the_nearest_with_a_setting_to_paste() -> None:
    with pytest.raises(DataError) as caught:
        find("boddy", "team", text="body", label="team")
    (problem,) = caught.value.problems
    assert "no column 'body'; the file has 'boddy', 'team'" in problem.what
    assert problem.fix == "did you mean 'boddy'? data.columns.text=boddy"


def test_a_name_with_blanks_is_quoted_to_be_pasted() -> None:
    with pytest.raises(DataError, match=r"data\.columns\.text='my text'"):
        find("my text", "label", text="mytext")


def test_two_that_could_be_it_are_asked_for() -> None:
    with pytest.raises(DataError) as caught:
        find("text", "intent", "sentiment")
    assert "data.columns.label=intent | data.columns.label=sentiment" in str(caught.value)


def test_none_that_could_be_it_is_asked_for() -> None:
    with pytest.raises(DataError, match=r"cannot tell which column is the text.*\n.*data\.columns\.text=alpha"):
        find("alpha", "beta", "gamma")


def test_a_first_line_that_looks_like_data_is_no_header() -> None:
    with pytest.raises(DataError, match=r"looks like data.*\n.*data\.header=false"):
        find("my parcel did not come although it was promised for monday", "1")


def test_one_column_cannot_be_both() -> None:
    with pytest.raises(DataError, match="to be both"):
        find("text", "label", text="text", label="text")


def test_inputs_alone_need_no_label() -> None:
    assert find_columns(("body",), WANTED, {"label": "gone"}, HERE, with_answers=False) == {"text": "body"}


SEVERAL = (Column("text"), Column("label", ("labels",), is_answer=True, several=True))
FLAGS = [
    {"text": "a", "rude": 1, "late": "0", "n": 7, "one": 1},
    {"text": "b", "rude": 0, "late": "1", "n": 1, "one": 1},
]


def test_columns_of_0_and_1_are_the_labels_where_no_column_is_called_so() -> None:
    found = find_columns(tuple(FLAGS[0]), SEVERAL, {}, HERE, first=FLAGS)
    assert found == {"text": "text", "label:rude": "rude", "label:late": "late", "label:one": "one"}
    assert find_columns(("text", "rude", "late", "labels"), SEVERAL, {}, HERE, first=FLAGS)["label"] == "labels"


def test_several_label_columns_can_be_named() -> None:
    found = find_columns(tuple(FLAGS[0]), SEVERAL, {"label": "rude, n"}, HERE, first=FLAGS)
    assert found == {"text": "text", "label:rude": "rude", "label:n": "n"}
    with pytest.raises(DataError, match="rdue"):
        find_columns(tuple(FLAGS[0]), SEVERAL, {"label": "rdue,late"}, HERE)


def test_label_columns_of_a_run_are_found_again() -> None:
    found = find_columns(tuple(FLAGS[0]), SEVERAL, {"label:rude": "rude"}, HERE)
    assert found == {"text": "text", "label:rude": "rude"}
