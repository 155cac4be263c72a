"""A text that comes token by token is told piece by piece, and all of it is what it would have been at once."""

import random

import pytest

from luthier.inference.unfold import Unfolding
from tiny_causal import byte_tokenizer

TOKENIZER = byte_tokenizer()
TEXTS = [
    "the parcel is late, please send it again today", "快递呢？😀 👩‍👩‍👧 naïve", "  spaced  out \n\n twice ", "", " ",
    "a" * 300 + " 快递" * 200, "\n".join(f"line {i}: 的" for i in range(80)),
]  # fmt: skip


def decode(ids: list[int]) -> str:
    return TOKENIZER.decode(list(ids))


def told(text: str, **more: tuple[str, ...]) -> tuple[list[str], Unfolding]:
    unfolding = Unfolding(decode, **more)
    pieces: list[str] = []
    for token in TOKENIZER.encode(text).ids:
        pieces.append(unfolding.add(token))
        if unfolding.stopped:
            break
    return [*pieces, unfolding.rest()], unfolding


@pytest.mark.parametrize("text", TEXTS)
def test_the_pieces_are_the_text_without_the_white_space_around_it(text: str) -> None:
    pieces, unfolding = told(text)
    assert "".join(pieces) == unfolding.text == text.strip()
    assert not any("\ufffd" in piece for piece in pieces)


@pytest.mark.parametrize("text", TEXTS)
def test_a_stop_text_is_found_wherever_it_lies_and_no_part_of_it_is_told(text: str) -> None:
    draw = random.Random(0)
    for _ in range(20 if text.strip() else 0):
        start = draw.randrange(len(text))
        stop = text[start : start + draw.randint(1, 6)]
        first = (
            min(at for one in (stop, "zz") if (at := text.lstrip().find(one)) >= 0) if stop in text.lstrip() else None
        )
        pieces, unfolding = told(text, stops=(stop, "zz"))
        assert unfolding.stopped == (first is not None)
        assert "".join(pieces) == unfolding.text == text.lstrip()[:first].rstrip()


def test_from_a_mark_on_nothing_is_told_before_the_end() -> None:
    for text in ("I look. <call>{}</call> and more", "<call>"):
        pieces, _ = told(text, marks=("<call>", "never"))
        assert "<" not in "".join(pieces[:-1]) and "".join(pieces) == text


def test_long_texts_are_not_decoded_from_their_beginning_again() -> None:
    longest = 0

    def counting(ids: list[int]) -> str:
        nonlocal longest
        longest = max(longest, len(ids))
        return decode(ids)

    unfolding = Unfolding(counting)
    ids = TOKENIZER.encode("late parcel 快递 " * 100).ids
    pieces = [unfolding.add(token) for token in ids]
    assert "".join([*pieces, unfolding.rest()]) == ("late parcel 快递 " * 100).strip()
    assert len(ids) > 500 and longest < 100
