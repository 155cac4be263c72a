"""Labels that are one label to a person are grouped; labels that differ are not."""

import pytest

from luthier.text.alike import alike_labels, similar_labels


@pytest.mark.parametrize(
    "labels",
    [
        ("spam", "Spam", "SPAM"),
        ("spam", " spam", "spam "),
        ("card lost", "card  lost", "card\u00a0lost"),
        ("spam", "ｓｐａｍ"),
        ("退款", "退款\u200b"),
        ("spam", "s\u00adpam", "\ufeffspam"),
        ("spam", "sраm"),
        ("COP", "СОР"),
        ("Кот", "кот"),
        ("A-B", "A–B", "A\u2011B"),
        ("❤", "❤\ufe0f"),
        ("Straße", "STRASSE"),
        ("（其他）", "(其他)"),
    ],
)
def test_what_looks_the_same_is_one_group_with_the_commonest_first(labels: tuple[str, ...]) -> None:
    counts = {label: 5 + i for i, label in enumerate(labels)} | {"other": 9}
    assert alike_labels(counts) == [list(reversed(labels))]


@pytest.mark.parametrize(
    "labels",
    [
        ("refund_request", "refund request", "refundrequest"),
        ("sport", "sports"),
        ("lost_card", "Lost cards"),
        ("category", "categories"),
    ],
)
def test_joints_and_plurals_are_similar_though_not_alike(labels: tuple[str, ...]) -> None:
    counts = {label: 50 - i for i, label in enumerate(labels)}
    assert similar_labels(counts) == [list(labels)] and alike_labels(counts) == []


@pytest.mark.parametrize("slip", ["technlogy", "techonlogy", "technollogy", "technalogy"])
def test_one_wrong_letter_in_a_long_word_is_similar_where_it_is_rare(slip: str) -> None:
    assert similar_labels({slip: 3, "technology": 400}) == [["technology", slip]]
    assert similar_labels({slip: 300, "technology": 400}) == []


@pytest.mark.parametrize(
    "labels",
    [
        "1 2 10 01 1.0",
        "class_1 class_2 class_11 class1",
        "pos neg",
        "card_lost card_last",
        "typical atypical",
        "employer employee",
        "positive negative neutral",
        "-1 1 +1",
        "A A+ B",
        "good bad",
        "case cases_won",
        "news new",
        "business busines_model",
        "体育 体验 教育",
        "l 1 I|O 0",
        "type_ii type_iii type_i",
        "US_to_UK UK_to_US",
    ],
)
def test_labels_that_differ_stay_apart(labels: str) -> None:
    counts = {label: 100 // (i * i * 10 + 1) + 1 for i, label in enumerate(labels.split())}
    assert alike_labels(counts) == similar_labels(counts) == []


def test_what_is_alike_is_not_told_again_as_similar() -> None:
    counts = {"Refund": 50, "refund": 9, "refunds": 4}
    assert alike_labels(counts) == [["Refund", "refund"]]
    assert similar_labels(counts) == [["Refund", "refunds"]]
