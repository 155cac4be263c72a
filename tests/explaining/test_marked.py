"""Words marked in HTML say without colour, and without a screen, what they say with it."""

import re

import pytest

from luthier.explaining.marked import STYLE, fragment, strength

HOSTILE = '<script>alert(1)</script> & "quoted"'


def explanation(text: str, *values: float, unread: int = -1, about: str = "refund") -> dict:
    words, at = [], 0
    for number, (surface, value) in enumerate(zip(text.split(" "), values, strict=True)):
        words.append({"text": 0, "word": surface, "start": at, "end": at + len(surface), "value": value,
                      **({"unread": True} if number == unread else {})})  # fmt: skip
        at += len(surface) + 1
    return {"texts": [text], "reasons": [{"about": about, "words": words}]}


def test_the_text_stands_there_whole_and_in_order() -> None:
    made = fragment(explanation("send my money  back".replace("  ", " "), 1.0, 0.0, -0.5, 0.2))
    plain = re.sub(r"<sup.*?</sup>|<span class=\"aloud\">.*?</span>", "", made)
    assert re.sub("<[^>]+>", "", plain) == "why refundsend my money back"


def test_strong_words_have_a_sign_that_is_seen_and_words_that_are_heard() -> None:
    made = fragment(explanation("good bad so", 1.0, -0.9, 0.01))
    assert '<span class="w p4" title="+1.000">good<sup aria-hidden="true">+</sup>' in made
    assert '<sup aria-hidden="true">−</sup>' in made
    assert "(speaks for it)" in made and "(speaks against it)" in made
    assert made.endswith(" so</p></figure>")


def test_the_lines_under_words_tell_sign_and_strength_without_a_colour() -> None:
    for level in range(1, 5):
        assert re.search(rf"\.p{level}\{{[^}}]*border-bottom:{level}px solid", STYLE)
        assert re.search(rf"\.m{level}\{{[^}}]*border-bottom:{level}px dotted", STYLE)
    assert [strength(value, 2.0) for value in (0.1, 0.2, 0.6, 1.0, 1.6, -2.0)] == [0, 1, 2, 3, 4, 4]


def test_nothing_of_a_text_or_a_label_is_markup() -> None:
    made = fragment(explanation(HOSTILE, 1.0, 0.0, -1.0, about=HOSTILE))
    assert "<script" not in made and "&lt;script&gt;" in made and "&amp;" in made


def test_what_was_not_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = fragment(explanation("read not", 1.0, 0.0, unread=1))
    assert 'class="w u" title="not read for this">not</span>' in made
