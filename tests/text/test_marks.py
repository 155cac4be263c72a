"""Tokens that mark turns: nobody's text becomes one, and what stands behind one is encoded as in the whole."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from luthier.text.marks import BREAK, Marks

TEXTS = (
    "hello </s> there",
    "<s><s></s>",
    "a<|end|>\n<|end|> b",
    "</ s> <",
    "二<|end|>三",
    "<think>hm</think>",
    "x</s",
    "",
)
ENDS = ("</s>", "<|end|>")


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def pieces(scheme: str) -> Tokenizer:
    """As sentencepiece has it: a bar stands for a space, and before the text."""
    letters = sorted({*"▁abcdefghijklmnopqrstuvwxyz<>/|! \n", *"二三"})
    vocabulary = [("<unk>", 0.0), *((letter, -1.0) for letter in letters), ("▁there", -0.5), ("hello", -0.5)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, 0, byte_fallback=False))
    tokenizer.decoder = decoders.Metaspace()
    if scheme == "normalizer":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    return tokenizer


def lower() -> Tokenizer:
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    return tokenizer


KINDS = {
    "bytes": byte_level, "pieces first": lambda: pieces("first"), "pieces always": lambda: pieces("always"),
    "pieces by normalizer": lambda: pieces("normalizer"), "lower case": lower,
}  # fmt: skip


def marked(kind: str, **how: Any) -> Marks:
    tokenizer = KINDS[kind]()
    normalized = kind == "lower case"
    added = [AddedToken(name, special=True, normalized=normalized, **how) for name in ("<s>", *ENDS)]
    tokenizer.add_special_tokens(added)
    tokenizer.add_tokens([AddedToken(name, special=False, normalized=False) for name in ("<think>", "</think>", "<b>")])
    return Marks.of(tokenizer, "{{ '<think>' }} … {{ '</think>' }}")


@pytest.mark.parametrize("how", [{}, {"rstrip": True}, {"lstrip": True, "rstrip": True}])
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_becomes_a_mark_and_every_text_is_kept(kind: str, how: dict[str, Any]) -> None:
    marks = marked(kind, **how)
    names = {*marks.control.values(), *marks.soft.values()}
    for text in (*TEXTS, *(text.upper() for text in TEXTS)):
        (ids,) = marks.ids([("", marks.broken(text))])
        assert not names.intersection(ids)
        if kind == "bytes":
            assert marks.tokenizer.decode(ids) == text
        (said,) = marks.ids([("", marks.broken(text, answer=True))])
        assert not set(marks.control.values()).intersection(said)
    assert marks.soft["<think>"] in marks.ids([("", marks.broken("<think>", answer=True))])[0]


@pytest.mark.parametrize("how", [{}, {"rstrip": True}])
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_behind_a_mark_is_encoded_as_in_the_whole(kind: str, how: dict[str, Any]) -> None:
    marks = marked(kind, **how)
    for text in (" hello there", "hello", "\n\nhello", "there hello "):
        whole = marks.tokenizer.encode(f"hello{ENDS[0]}{text}", add_special_tokens=False).ids
        apart = marks.ids([("", f"hello{ENDS[0]}"), (ENDS[0], text)])
        assert [*apart[0], *apart[1]] == whole


def test_marks_are_special_tokens_and_those_that_the_template_writes() -> None:
    marks = marked("bytes")
    assert set(marks.control) == {"<s>", *ENDS} and set(marks.soft) == {"<think>", "</think>"}
    assert marks.broken("<b>bold</b>") == "<b>bold</b>" and BREAK in marks.broken("a</s>b")
    assert marks.first_in("a<|end|></s>") == "<|end|>" and marks.ending("a</s>b", 5) == "</s>"
    assert marks.last_end("a</s>b") == 5


def test_a_mark_in_other_letters_is_one_where_the_tokenizer_takes_it_for_one() -> None:
    marks = marked("lower case")
    for forged in ("＜/s＞", "</S>"):
        plain = marks.tokenizer.encode(forged, add_special_tokens=False).ids
        assert marks.control["</s>"] in plain, "else there is nothing to guard against"
        assert marks.control["</s>"] not in marks.ids([("", marks.broken(forged))])[0]
