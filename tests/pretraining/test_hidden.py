"""Which tokens are hidden, of a text and of texts that are joined."""

from collections import Counter

import numpy as np
import pytest

from luthier.pretraining.hidden import Hiding
from luthier.pretraining.masks import Masking, word_numbers
from luthier.text.tokenizer import TextRule
from luthier.types import IDS, IGNORE
from tiny import Bench, TinyModels, bench


@pytest.fixture
def ready(models: TinyModels) -> Bench:
    return bench("pretrain", models.masked)


def hiding(ready: Bench) -> Hiding:
    reader = ready.codec.task._reader
    assert isinstance(reader, Hiding)
    return reader


def test_a_word_is_hidden_whole_or_not_at_all() -> None:
    words_T = np.array([0, 1, 1, 1, 2, 3, 3, 4, 5, 5, 0])
    hide = Masking(0.3, 3, 100, (0, 1, 2, 3))
    for seed in range(50):
        _, targets_T = hide(np.arange(20, 31, dtype=np.int32), words_T, np.random.default_rng(seed))
        hidden = targets_T != IGNORE
        assert hidden.any() and not hidden[[0, -1]].any()
        assert all(len({bool(h) for h in hidden[words_T == word]}) == 1 for word in range(1, 6))


def test_fifteen_of_a_hundred_are_hidden_and_of_these_eight_of_ten_become_the_mask() -> None:
    ids_T = np.random.default_rng(0).integers(10, 5000, 100_000).astype(np.int32)
    hide = Masking(0.15, 3, 5000, tuple(range(10)))
    given_T, targets_T = hide(ids_T, np.arange(1, 100_001), np.random.default_rng(1))
    hidden = targets_T != IGNORE
    assert hidden.mean() == pytest.approx(0.15, abs=1e-4)
    assert (targets_T[hidden] == ids_T[hidden]).all() and (given_T[~hidden] == ids_T[~hidden]).all()
    kinds = Counter(np.where(given_T == 3, "mask", np.where(given_T == ids_T, "same", "other"))[hidden].tolist())
    assert [kinds[kind] / hidden.sum() for kind in ("mask", "other", "same")] == pytest.approx(
        [0.8, 0.1, 0.1], abs=0.01
    )
    assert set(given_T[hidden].tolist()).isdisjoint({0, 1, 2, 4, 5, 6, 7, 8, 9})  # no special token but the mask


def test_words_are_those_of_the_tokenizer_and_in_chinese_each_character(ready: Bench) -> None:
    tokenizer = ready.codec.text.tokenizer
    english = tokenizer.encode("The grandmother sleeps", add_special_tokens=False)
    numbers = word_numbers(english, "The grandmother sleeps", whole=True)
    assert len(english.ids) > 3 and numbers.max() == 3
    assert word_numbers(english, "The grandmother sleeps", whole=False).tolist() == list(range(1, len(english.ids) + 1))


def test_in_chinese_a_run_of_characters_is_not_one_word() -> None:
    from luthier.making.special import special_tokens
    from luthier.making.vocabulary import bpe

    tokenizer = bpe(["a wheel"], 300, special_tokens("causal"))
    text = "黛玉来了 wheels"
    found = tokenizer.encode(text)
    numbers = word_numbers(found, text, whole=True)
    assert len(found.ids) > 13  # a character is several bytes, a word several pieces
    assert numbers.max() == 5
    by_place = {first: number for number, (first, _) in zip(numbers.tolist(), found.offsets, strict=True)}
    assert [by_place[place] for place in range(5)] == [1, 2, 3, 4, 5]


def test_joined_texts_lose_nothing_and_stand_in_full_blocks(ready: Bench) -> None:
    task, text = ready.codec.task, ready.codec.text
    windows = ready.windows
    reader = hiding(ready)
    assert {len(window) for window in windows[:-1]} == {text.max_length}
    inner: list[int] = []
    for window in windows:
        ids = np.where(window.targets != IGNORE, window.targets, window.window.arrays[IDS])
        assert ids[0] == reader.before[0] and ids[-1] == reader.after[0]
        inner += ids[1:-1].tolist()
    whole = [text.tokenizer.encode(e.input, add_special_tokens=False).ids for e in ready.examples]
    expected = [i for ids in whole for i in (*ids, reader.after[0])][:-1]
    assert inner == expected
    assert task.hides


def test_each_step_hides_other_tokens_and_always_the_same_ones_at_that_step(ready: Bench) -> None:
    task, text, window = ready.codec.task, ready.codec.text, ready.windows[0]

    def hidden(*draw: int) -> list[bool]:
        return (task.seen_at(window, text, draw).targets != IGNORE).tolist()

    assert hidden(0, 5, 2) == hidden(0, 5, 2)
    assert len({tuple(hidden(0, step, 2)) for step in range(20)}) > 10
    assert hidden(1, 5, 2) != hidden(0, 5, 2) or hidden(1, 6, 2) != hidden(0, 6, 2)
    seen = task.seen_at(window, text, (0, 1, 2))
    assert set(seen.window.arrays) == {IDS}


def test_what_is_hidden_of_a_judged_text_hangs_on_the_text_alone(ready: Bench) -> None:
    task, text = ready.codec.task, ready.codec.text
    asked = task.questions(ready.examples)
    alone = [task.encode([question], text)[0] for question in asked]
    together = task.encode(list(reversed(asked)), text)[::-1]
    for one, other in zip(alone, together, strict=True):
        assert [w.arrays[IDS].tolist() for w in one] == [w.arrays[IDS].tolist() for w in other]


def test_the_mask_that_somebody_wrote_in_a_text_to_learn_from_is_text(ready: Bench) -> None:
    rule: TextRule = ready.codec.text
    (window,) = hiding(ready).documents(["a [MASK] b"], rule)[0]
    assert ready.codec.task.mask_id not in (window.arrays["targets"] - 1).tolist()
    assert rule.tokenizer.encode("a [MASK] b").ids.count(ready.codec.task.mask_id) == 1  # and is one where asked for
