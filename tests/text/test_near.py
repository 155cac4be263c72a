"""Texts that differ in little more than a word are found, and those whose one word is the message are not."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from luthier.text.shingling.near import clusters, near_duplicates, near_rows


def pairs(*texts: str) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in near_duplicates(texts)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is my parcel?", "where is my PARCEL"),
        ("Where is my parcel?", "\uff37here\u3000is my parcel !!"),
        ("how do I top up", "How do I top-up?"),
        ("pay 10.50 to a@b.org until noon", "pay 1,000 to a@b.org until noon"),
        ("How old do I have to be to open one", "How old do I need to be to open one"),
        ("the driver left my parcel at the porch", "the driver left my prcel at the porch"),
        ("the driver left my parcel at the porch", "the driver left parcel at the porch"),
        ("the driver left my parcel at the porch", "the driver left my parcel at the porch today"),
        ("the driver left my parcel at the porch", "today the driver left my parcel at the porch"),
        ("today the driver left my parcel at the porch", "the driver left my parcel at the porch today"),
        ("我的快递为什么还没有到", "我的快递为什么还没到"),
        ("我上个星期寄出的快递为什么还没有到呢", "我上个星期寄出的包裹为什么还没有到呢"),
        ("??!", "??!"),
        (" ".join(f"word{i}" for i in range(300)), " ".join(f"word{i}" for i in range(300) if i != 150)),
        ("".join(chr(0x4E00 + i) for i in range(200)), "".join(chr(0x4E00 + i) for i in range(200) if i != 90)),
    ],
)  # fmt: skip
def test_little_more_than_a_word(one: str, other: str) -> None:
    assert pairs(one, "something else altogether is said here", other) == [(0, 2)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cancel my card", "activate my card"),
        ("退卡", "开卡"),
        ("the driver left my parcel at the porch", "the driver ate a sandwich at the porch"),
        ("我的快递为什么还没有到呢", "我的退款什么时候才能到呢"),
        ("??!", "..."),
        ("", "a"),
    ],
)
def test_more_than_that(one: str, other: str) -> None:
    assert pairs(one, other) == []


def test_what_fills_a_template_is_its_message() -> None:
    words = ["activate", "freeze", "cancel", "find", "renew", "lose"]
    assert pairs(*(f"how do I {word} my card" for word in words)) == []
    assert pairs(*(f"how do I {word} my card" for word in words[:2])) == [(0, 1)]


def test_of_equal_texts_each_is_paired_with_the_first() -> None:
    assert pairs("a b", "c", "A b", "a  B") == [(0, 2), (0, 3)]


def test_copies_are_near_to_what_their_first_is_near_to() -> None:
    one, other = "the driver left my parcel at the porch", "the driver left my letter at the porch"
    assert pairs(one, other, other.upper(), one.upper()) == [(0, 1), (0, 2), (0, 3), (1, 2)]


def test_a_long_footer_makes_no_duplicates() -> None:
    draw = random.Random(0)
    footer = " ".join(f"footer{i}" for i in range(100))
    texts = [" ".join(f"w{draw.randrange(5000)}" for _ in range(9)) + " " + footer for _ in range(300)]
    texts.append(texts[7].replace("footer3 ", "other "))
    assert [7, 300] in near_duplicates(texts).tolist()
    assert len(near_duplicates(texts)) == 1


def test_a_crowd_hangs_together_without_every_pair_of_it() -> None:
    draw = random.Random(0)
    body = [f"w{i}" for i in range(40)]
    crowd = []
    for i in range(200):
        words = body.copy()
        words[draw.randrange(40)] = f"x{i}"
        crowd.append(" ".join(words))
    others = [" ".join(f"o{draw.randrange(9000)}" for _ in range(40)) for _ in range(2000)]
    found = near_duplicates([*others, *crowd])
    assert set(clusters(found, 2200)[2000:]) == {2000}
    assert len(found) < 200 * 100


def test_of_rows_of_several_texts_every_one_must_be_near() -> None:
    passage = " ".join(f"word{i}" for i in range(90))
    rows = [
        (passage, "how old do i have to be"), (passage, "what is the name of the bank"),
        (passage.replace("word7 ", "other "), "how old do you have to be"), (passage,),
        (passage, "how old do i have to be", "please"),
    ]  # fmt: skip
    assert near_rows(rows).tolist() == [[0, 2]]
    assert near_rows([("a b",), ("A b",), ("c",)]).tolist() == [[0, 1]]
    assert near_rows([]).shape == (0, 2)


def test_pictures_count_as_words() -> None:
    assert pairs("what a day 😀", "what a day 😡") == []
    assert pairs("what a day 😀", "what a day!😀") == [(0, 1)]


def test_embeddings_deny_pairs_of_short_texts_that_mean_something_else() -> None:
    texts = ["how can i freeze my card", "how can i burn my card", "how can i Burn my card"]

    def embed(asked: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, 0.0] if "freeze" in text else [0.0, 1.0] for text in asked])

    assert near_duplicates(texts).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert near_duplicates(texts, embed=embed).tolist() == [[1, 2]]
    assert near_duplicates(texts, embed=lambda asked: np.ones((len(asked), 1))).tolist() == [[0, 1], [0, 2], [1, 2]]


def one_word_apart(a: list[str], b: list[str]) -> bool:
    def without(text: list[str], k: int) -> list[str]:
        return text[:k] + text[k + 1 :]

    a, b = sorted((a, b), key=len)
    lacking = len(b) >= 5 and len(b) == len(a) + 1 and any(without(b, k) == a for k in range(len(b)))
    places = range(len(a)) if len(a) == len(b) >= 5 else ()
    replaced = any(without(a, k) == without(b, k) for k in places)
    moved = any(without(a, k) == without(b, m) and a[k] == b[m] for k in places for m in places)
    return lacking or replaced or moved


@pytest.mark.parametrize("seed", range(5))
def test_one_changed_word_is_found_as_by_comparing_all_with_all(seed: int) -> None:
    draw = random.Random(seed)
    texts = [[draw.choice("abcde") for _ in range(draw.randrange(4, 8))] for _ in range(60)]
    texts = [list(text) for text in dict.fromkeys(map(tuple, texts))]
    wanted = [(i, j) for j in range(len(texts)) for i in range(j) if one_word_apart(texts[i], texts[j])]
    found = pairs(*(" ".join(text) for text in texts))
    assert wanted
    assert set(found) == set(wanted)


def test_clusters_bear_the_number_of_their_first_text() -> None:
    assert clusters(np.array([[0, 3], [3, 4]]), 6).tolist() == [0, 1, 2, 0, 0, 5]
    assert clusters(np.zeros((0, 2), np.int64), 2).tolist() == [0, 1]


def test_nothing_has_no_duplicates() -> None:
    long = [" ".join(f"{name}{i}" for i in range(40)) for name in "ab"]
    assert near_duplicates(long).shape == near_duplicates([long[0], long[0] + " and much more" * 20]).shape == (0, 2)
    assert near_duplicates([]).shape == (0, 2)
    assert near_duplicates(["alone"]).shape == (0, 2)
