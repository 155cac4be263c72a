"""Answers and tokens find each other by characters, whatever the script."""

from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from luthier.answering.locate import places, target
from luthier.answering.reading import Reading, read_windows
from luthier.formats.questions import Answer
from luthier.text.tokenizer import TextRule, read_tokenizer
from tiny import TinyModels

TEXTS = [
    ("The Normans (French: Normands) came in 1066.", "Normands"),
    ("👩‍🍳 cooked 🍜 for 👨‍👩‍👧, then left 🙂.", "👨‍👩‍👧"),
    ("Zoé’s cafe\u0301 is in São Tomé.", "cafe\u0301"),
    ("钟楼停了三年，去年春天由老匠人周师傅修好了。", "周师傅"),
    ("𠮷野家在北京有三家店。", "北京"),
    ("村の祭りは八月の最後の土曜日に開かれます。", "八月の最後の土曜日"),
    ("تقع المكتبة الجديدة قرب النهر.", "قرب النهر"),
    ("\ufeffOne\u200b two\u00a0three \n four", "two\u00a0three"),
]


def byte_level() -> Tokenizer:
    """As of GPT-2 and RoBERTa: a character may be several tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=256, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([text for text, _ in TEXTS], trainer)
    return tokenizer


@pytest.mark.parametrize("kind", ["words", "bytes"])
@pytest.mark.parametrize(("context", "answer"), TEXTS)
def test_an_answer_found_among_tokens_is_the_answer_that_was_marked(
    kind: str, context: str, answer: str, models: TinyModels
) -> None:
    rule = TextRule(read_tokenizer(models.encoder) if kind == "words" else byte_level(), 200, 0, False)
    (windows,) = rule.overlapping([("where", context)], 10)
    right = (Answer(answer, context.index(answer)),)
    first, last = target(windows[0], right)
    logits = np.zeros((len(windows[0]), 2), np.float32)
    logits[first, 0] = logits[last, 1] = 9
    parts, mass = read_windows(context, windows, [logits], 100)
    (found,) = Reading(context, parts, 100, None, mass, -np.inf, False, "").best(1)
    assert first in places(windows[0])
    said = context[found.start : found.end]
    assert said == answer


def test_windows_without_the_whole_answer_point_at_the_first_token(models: TinyModels) -> None:
    rule = TextRule(read_tokenizer(models.encoder), 12, 0, True)
    context = "the courier waits and the money is not back today, please send the refund to my card"
    (windows,) = rule.overlapping([("is it late", context)], 2)
    right = (Answer("the refund to", context.index("the refund to")),)
    found = [target(window, right) for window in windows]
    inside = [(first, last) for first, last in found if first]
    assert len(windows) > 3 and len(inside) == 1 and found.count((0, 0)) == len(windows) - 1
    said = windows[found.index(inside[0])].spans
    assert said is not None
    assert context[said[inside[0][0], 0] : said[inside[0][1], 1]] == "the refund to"


def test_of_several_answers_the_first_that_stands_in_the_window_counts(models: TinyModels) -> None:
    rule = TextRule(read_tokenizer(models.encoder), 12, 0, True)
    context = "the courier waits and the money is not back today, please send the refund to my card"
    (windows,) = rule.overlapping([("is it late", context)], 2)
    right = tuple(Answer(text, context.index(text)) for text in ("card", "courier waits"))
    assert target(windows[0], right) == target(windows[0], right[1:])
    assert target(windows[-1], right) == target(windows[-1], right[:1]) != (0, 0)
