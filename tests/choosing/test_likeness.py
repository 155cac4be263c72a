"""Texts that say the same are told, in English and Chinese, and others are not."""

import pytest

from luthier.choosing.likeness import Known, Likeness, folded

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "text", ["Where is my PARCEL?", "where is my parcel", " where  is my parcel!! ", "ｗｈｅｒｅ is my parcel"]
)
def test_case_width_space_and_punctuation_do_not_count(text: str) -> None:
    known = Known()
    known.add("where is my parcel?")
    assert text in known and "where is your parcel" not in known


def test_texts_of_nothing_but_signs_are_told_apart() -> None:
    assert folded("!!!") != folded("???")


ENGLISH = (
    "the parcel that I ordered last week on Monday has still not come to my door",
    "the parcel that I ordered last week on Friday has still not come to my door",
    "where is the refund for my order",
)
CHINESE = (
    "我上周一在你们店里买的那个蓝色的包裹到现在还没有送到我家门口",
    "我上周五在你们店里买的那个蓝色的包裹到现在还没有送到我家门口",
    "请问什么时候可以退款给我",
)


@pytest.mark.parametrize(("labelled", "near", "other"), [ENGLISH, CHINESE])
def test_a_changed_word_is_near_and_another_sentence_is_not(labelled: str, near: str, other: str) -> None:
    likeness = Likeness([near, other], [folded(labelled)])
    assert likeness.is_near(0, []) and not likeness.is_near(1, [])
    among_themselves = Likeness([labelled, near, other], [])
    assert among_themselves.is_near(1, [0]) and not among_themselves.is_near(2, [0, 1])
