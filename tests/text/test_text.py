"""Texts become ids as the model expects, and their language is told well enough to choose a model."""

import pytest

from luthier.errors import ConfigError
from luthier.models.load import load_tokenizer
from luthier.text.scripts import is_spaced, main_language, text_language
from luthier.text.tokenizer import TextRule, read_tokenizer, token_lengths
from tiny import TinyModels


def rule(models: TinyModels, max_length: int = 8) -> TextRule:
    tokenizer = load_tokenizer(models.encoder)
    return TextRule(tokenizer.backend, max_length, tokenizer.pad_id, has_segments=True)


def test_a_text_is_cut_to_the_limit_and_what_was_cut_is_counted(models: TinyModels) -> None:
    short, long = rule(models).windows(["my parcel", "my parcel is two days late and i am still waiting"])
    assert (len(short), short.cut) == (4, 0)
    assert (len(long), long.cut) == (8, 6)  # "am" is two pieces
    assert long.arrays["input_ids"][-1] == short.arrays["input_ids"][-1]  # the closing token stays


def test_of_a_pair_the_longer_is_cut_and_the_second_is_told_apart(models: TinyModels) -> None:
    (window,) = rule(models).windows([("my parcel is late again today", "refund")])
    assert len(window) == 8
    assert window.arrays["token_type_ids"].tolist().count(1) == 2  # refund and the closing token


def test_lengths_are_those_of_the_whole_texts(models: TinyModels) -> None:
    backend = load_tokenizer(models.encoder).backend
    assert token_lengths(backend, ["my parcel", "my parcel is late"]).tolist() == [4, 6]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my parcel", "en"),
        ("快递还没到", "zh"),
        ("荷物はまだ届きません", "ja"),
        ("배송이 언제 되나요", "ko"),
        ("где моя посылка", "ru"),
        ("أين طلبي", "ar"),
        ("ich habe das Paket nicht bekommen und die Rechnung ist falsch", "de"),
        ("je ne suis pas content de la livraison", "fr"),
        ("no he recibido el paquete que pedí para mi casa", "es"),
        ("iPhone 充电器坏了", "zh"),
        ("12345 !!!", "other"),
    ],
)
def test_the_language_of_a_text_is_told(text: str, language: str) -> None:
    assert text_language(text) == language


def test_the_main_language_is_the_commonest_one_among_texts_with_letters() -> None:
    name, share = main_language(["late again", "123", "where is it", "快递"])
    assert (name, share) == ("en", pytest.approx(2 / 3))
    assert main_language([]) == ("other", 0.0)
    assert is_spaced("en") and not is_spaced("zh")


def test_overlapping_windows_lose_no_character_and_point_into_the_text(models: TinyModels) -> None:
    rule = TextRule(read_tokenizer(models.encoder), 12, 0, True)
    text = "my parcel is late 🙂, the courier waits; café charged twice and the money is not back today"
    (windows,) = rule.overlapping([text], 4)
    assert len(windows) > 1 and all(len(window) <= 12 for window in windows)
    covered = {i for window in windows if window.spans is not None for a, b in window.spans for i in range(a, b)}
    assert covered == {i for i, character in enumerate(text) if not character.isspace()}
    first, second = ({tuple(span) for span in w.spans if span[1]} for w in windows[:2] if w.spans is not None)
    assert len(first & second) == 4


def test_of_a_pair_only_the_second_text_is_cut_into_windows(models: TinyModels) -> None:
    rule = TextRule(read_tokenizer(models.encoder), 14, 0, True)
    question, text = "is it late", "the courier waits and the money is not back today, please send the refund"
    (windows,) = rule.overlapping([(question, text)], 3)
    alone = read_tokenizer(models.encoder).encode(question, add_special_tokens=False).ids
    for window in windows:
        assert window.arrays["input_ids"].tolist()[1 : 1 + len(alone)] == alone
        assert window.spans is not None and not window.spans[: 2 + len(alone)].any()
    said = [text[a:b] for a, b in windows[0].spans.tolist() if b] if windows[0].spans is not None else []
    assert said[:2] == ["the", "courier"]


def test_of_a_first_text_longer_than_half_a_window_the_end_is_cut_off(models: TinyModels) -> None:
    rule = TextRule(read_tokenizer(models.encoder), 11, 0, True)
    long, text = ("is it late and is it not late", "the courier waits and the money is not back today")
    (windows,) = rule.overlapping([(long, text)], 2)
    (kept,) = rule.overlapping([("is it late and", text)], 2)
    assert [w.arrays["input_ids"].tolist() for w in windows] == [w.arrays["input_ids"].tolist() for w in kept]
    assert {window.cut for window in windows} == {4} and {window.cut for window in kept} == {0}


def test_windows_do_not_depend_on_what_else_is_encoded(models: TinyModels) -> None:
    rule = TextRule(read_tokenizer(models.encoder), 14, 0, True)
    text = "the courier waits and the money is not back today, please send the refund"
    pairs = [("late", text), ("is it late or not", text), ("is it late", "yes")]
    together = rule.overlapping(pairs, 5)
    alone = [rule.overlapping([pair], 5)[0] for pair in pairs]
    assert len(together[0]) > 1 and len(together[2]) == 1
    for windows, expected in zip(together, alone, strict=True):
        assert [w.arrays["input_ids"].tolist() for w in windows] == [w.arrays["input_ids"].tolist() for w in expected]


def test_a_window_without_room_is_refused(models: TinyModels) -> None:
    rule = TextRule(read_tokenizer(models.encoder), 4, 0, True)
    with pytest.raises(ConfigError, match="no room"):
        rule.overlapping([("late", "yes")], 2)
