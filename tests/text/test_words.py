"""A text is taken apart into words and put together again, whatever the script."""

import pytest

from luthier.text.words import core, is_negation, name_words, units


@pytest.mark.parametrize(
    "text", ["Where is my parcel?", " two  spaces\tand\nlines", "我的包裹还没到,please help", "", "ไม่ดี", "a-b c.d"]
)
def test_the_words_together_are_the_text(text: str) -> None:
    assert "".join(units(text)) == text


def test_words_stand_between_spaces_and_chinese_characters_stand_alone() -> None:
    assert units("Where is  my") == ["Where", " is", "  my"]
    assert units("我要 refund 吗") == ["我", "要", " refund", " 吗"]


def test_a_core_has_no_signs_and_no_capitals() -> None:
    assert [core(word) for word in ("(Not!", "  Parcel", "don't", "...", "3.5")] == [
        "not",
        "parcel",
        "don't",
        "",
        "3.5",
    ]


def test_negations_are_known_in_english_and_chinese() -> None:
    assert all(map(is_negation, ("not", "never", "don't", "n't", "couldn’t", "没", "不")))
    assert not any(map(is_negation, ("parcel", "wo", "note", "我")))


@pytest.mark.parametrize("name", ["card_arrival", "card-arrival", "cardArrival", "Card arrival", "card/arrival"])
def test_a_label_is_the_words_of_its_name(name: str) -> None:
    assert name_words(name) == {"card", "arrival"}


def test_a_number_names_nothing_and_a_chinese_name_its_characters() -> None:
    assert name_words("1") == set() and name_words("退款") == {"退", "款"}
