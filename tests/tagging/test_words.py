"""Tokens of any tokenizer become words of the user's own text, character for character."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from luthier.models.find import embedded_folder
from luthier.tagging.words import first_tokens, merged, plain_words, whole_words, word_spans
from luthier.text.tokenizer import TextRule, read_tokenizer

TEXTS = {
    "İstanbul'da Straße café": ["İstanbul", "'", "da", "Straße", "café"],
    "cafe\u0301 Pa\u0301ris\r\nnice": ["cafe\u0301", "Pa\u0301ris", "nice"],
    "to 👩‍👩‍👧 👍🏽 🇫🇷 !": ["to", "👩‍👩‍👧", "👍🏽", "🇫🇷", "!"],
    "李雷 住在上海，e\u0301": ["李", "雷", "住", "在", "上", "海", "，", "e\u0301"],
    "東京へ": ["東", "京", "へ"],
    "محمد في القاهرة": ["محمد", "في", "القاهرة"],
    "नमस्ते दिल्ली": ["नमस्ते", "दिल्ली"],
    "한국어 서울에서": ["한국어", "서울에서"],
    "  New\u00a0York\u3000": ["New", "York"],
    " \t ": [],
    "": [],
}


def bytes_in_pieces() -> Tokenizer:
    """GPT-2's kind, every byte for itself: an emoji is four tokens and more, a space is part of the word behind it."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=256, initial_alphabet=alphabet, show_progress=False))
    return made


def sentence_pieces() -> Tokenizer:
    """XLM-R's kind: text is normalised, spaces are letters."""
    made = Tokenizer(models.Unigram())
    made.normalizer, made.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=120, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False)
    made.train_from_iterator(TEXTS, trainer)
    return made


TOKENIZERS = {
    "wordpiece": lambda: read_tokenizer(embedded_folder()),
    "bytes": bytes_in_pieces,
    "unigram": sentence_pieces,
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def rule(request: pytest.FixtureRequest) -> TextRule:
    return TextRule(TOKENIZERS[request.param](), 64, 0, False)


def words_of(rule: TextRule, text: str, torn: bool = False) -> list[str]:
    windows = [window.spans for window in rule.overlapping([text], 4)[0]]
    return [text[start:end] for start, end in merged(word_spans(text, (), windows, torn))[0]]


@pytest.mark.parametrize("text", TEXTS)
def test_words_are_pieces_of_the_text_as_it_is_written(rule: TextRule, text: str) -> None:
    assert words_of(rule, text) == TEXTS[text]


@pytest.mark.parametrize("text", TEXTS)
def test_without_a_tokenizer_words_are_the_same(text: str) -> None:
    assert [text[start:end] for start, end in plain_words(text)] == TEXTS[text]


def test_words_are_torn_where_the_training_data_tear_them_but_never_in_latin() -> None:
    text = "서울에서 Seoul"
    assert [text[a:b] for a, b in plain_words(text, torn=True)] == ["서", "울", "에", "서", "Seoul"]


def test_the_words_of_the_file_are_kept_and_their_pieces_are_no_words() -> None:
    rule = TextRule(read_tokenizer(embedded_folder()), 64, 0, False)
    text, words = "can't unfathomably u.s.b2", ((0, 5), (6, 18), (19, 23), (23, 25))
    (spans_T2,) = word_spans(text, words, [rule.overlapping([text], 4)[0][0].spans])
    pieces_U2 = spans_T2[first_tokens(spans_T2)]
    assert [text[a:b] for a, b in pieces_U2] == ["can't", "unfathomably", "u.s.", "b2"]
    whole_W2, first_W = whole_words(text, words, pieces_U2)
    assert [tuple(place) for place in whole_W2] == list(words)
    assert first_W.tolist() == [0, 1, 2, 3]


def test_a_word_that_no_token_stands_for_is_left_out() -> None:
    pieces_U2 = np.array([[0, 3], [6, 8]])
    assert whole_words("Ada \u200b to", ((0, 3), (4, 5), (6, 8)), pieces_U2)[0].tolist() == [[0, 3], [6, 8]]


def test_letters_that_are_words_of_the_file_but_one_of_the_tokenizer_stay_together() -> None:
    pieces_U2 = np.array([[0, 1], [1, 4], [4, 5]])
    letters = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5))
    assert whole_words("读MBA了", letters, pieces_U2)[0].tolist() == [[0, 1], [1, 4], [4, 5]]


def test_a_word_comes_from_the_window_in_which_it_has_most_context() -> None:
    words = np.array([[i, i + 1] for i in range(1, 12)])
    nothing = np.zeros((1, 2), np.int64)
    windows = [np.concatenate([nothing, words[a:b], nothing]) for a, b in ((0, 6), (3, 9), (6, 11))]
    found_U2, sources = merged(windows)
    assert found_U2.tolist() == words.tolist()
    taken = {int(found_U2[u, 0]): number for number, numbers, _ in sources for u in numbers}
    assert taken == {1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 1, 7: 1, 8: 1, 9: 2, 10: 2, 11: 2}
    for number, numbers, tokens in sources:
        assert windows[number][tokens].tolist() == found_U2[numbers].tolist()


def test_a_word_cut_by_the_end_of_a_window_has_one_place_in_both() -> None:
    rule = TextRule(read_tokenizer(embedded_folder()), 6, 0, False)
    text = "antidisestablishmentarianism"
    windows = word_spans(text, (), [window.spans for window in rule.overlapping([text], 2)[0]])
    assert len(windows) > 1
    assert {tuple(span) for spans in windows for span in spans.tolist()} == {(0, 0), (0, len(text))}
