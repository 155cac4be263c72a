"""A word of the user's text knows the tokens by which the model reads it."""

from dataclasses import replace

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from luthier.codec import Codec
from luthier.explaining.asking import hidden
from luthier.explaining.words import Word, texts_of, with_texts, without_words, words_of
from luthier.tasks.classification import Classification
from luthier.text.tokenizer import TextRule
from tiny import TinyModels, bench


def surfaces(texts: list[str], words: list[Word]) -> list[str]:
    return [texts[word.text][word.start : word.end] for word in words]


def found(codec: Codec, input: object) -> list[Word]:
    return words_of(codec, input, codec.cleaned(input), codec.encode([input])[0])


@pytest.fixture
def codec(models: TinyModels) -> Codec:
    return bench("classification", models.encoder).codec


def test_every_token_but_the_special_ones_belongs_to_one_word(codec: Codec) -> None:
    text = "the driver left it  on the porch, TRACKING says depot"
    words = found(codec, text)
    assert surfaces([text], words) == text.split()
    (window,) = codec.encode([text])[0]
    tokens = [position for word in words for position in word.tokens[0]]
    assert tokens == list(range(1, len(window) - 1))


def test_the_texts_of_a_pair_are_told_apart_though_they_are_alike(codec: Codec) -> None:
    pair = ("the parcel is late", "the parcel is late")
    words = found(codec, pair)
    assert [word.text for word in words] == [0] * 4 + [1] * 4
    places = [word.tokens[0] for word in words]
    assert places == [(i,) for i in (1, 2, 3, 4, 6, 7, 8, 9)]


def test_what_does_not_fit_is_not_read(models: TinyModels) -> None:
    codec = bench("classification", models.encoder, max_length=6).codec
    words = found(codec, "my parcel is two days late")
    assert [word.is_read for word in words] == [True] * 4 + [False] * 2


def test_places_are_those_of_the_text_as_it_was_written_though_it_was_cleaned(codec: Codec) -> None:
    codec = replace(codec, clean=("html", "whitespace"))
    text = "my <b>parcel</b>   is late"
    words = found(codec, text)
    assert surfaces([text], words) == ["my", "<b>parcel</b>", "is", "late"]
    assert [word.tokens[0] for word in words] == [(1,), (2,), (3,), (4,)]


def test_chinese_is_cut_at_characters_but_not_within_a_token() -> None:
    vocabulary = {"[UNK]": 0, "北京": 1, "很": 2, "大": 3}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("很", "isolated")
    codec = Codec(Classification(labels=("a", "b")), TextRule(tokenizer, 16, 0, has_segments=False))
    words = found(codec, "北京很大")
    assert surfaces(["北京很大"], words) == ["北京", "很", "大"]
    assert [word.tokens for word in words] == [((0,),), ((1,),), ((2,),)]


def test_words_are_taken_out_with_the_space_before_them(codec: Codec) -> None:
    text = "my parcel is late"
    words = found(codec, text)
    assert without_words(codec, text, [words[1]]) == "my is late"
    assert without_words(codec, text, [words[0], words[3]]) == "parcel is"
    assert without_words(codec, text, words) == ""
    assert without_words(codec, ("a b", "c d"), [found(codec, ("a b", "c d"))[3]]) == ("a b", "c")


def test_the_texts_of_any_input_can_be_read_and_put_back(models: TinyModels) -> None:
    for name in ("classification", "ner", "question_answering", "sft"):
        ready = bench(name, models.suited(name))
        for example in ready.examples:
            texts = texts_of(ready.codec, example.input)
            assert any(texts) and with_texts(ready.codec, example.input, texts) == example.input


def test_hiding_changes_nothing_but_the_ids_at_these_places(codec: Codec) -> None:
    (window,) = codec.encode(["my parcel is late"])[0]
    changed = hidden(window, [2], 1)
    assert changed.arrays["input_ids"].tolist() == [*window.arrays["input_ids"][:2], 1, *window.arrays["input_ids"][3:]]
    assert window.arrays["input_ids"][2] != 1
