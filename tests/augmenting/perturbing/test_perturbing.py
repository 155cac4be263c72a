"""Texts written otherwise still say the same."""

import numpy as np
import pytest

from luthier.augmenting.perturbing.known import PERTURBATIONS, perturbation_title
from luthier.augmenting.perturbing.typos import _ALIKE, homophones, typos
from luthier.evaluation.elsewhere.robust import changed_example
from luthier.formats.entities import Entities, Entity, Passage
from luthier.text.words import NEGATIONS, units
from luthier.types import Example


def say(name: str, text: str, seed: int = 0) -> str:
    return PERTURBATIONS[name](text, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("lowercase", "Where IS it?", "where is it?"),
        ("uppercase", "Where is it?", "WHERE IS IT?"),
        ("no_punctuation", "Don't wait, well-known shop (really)!", "Don't wait well-known shop really"),
        ("no_punctuation", "慢，很慢。", "慢很慢"),
        ("no_punctuation", "1.5 kg and/or more", "1.5 kg and or more"),
        ("no_punctuation", "?!", "?!"),
        ("full_width", "A1 b?", "Ａ１ ｂ？"),
        ("contractions", "I do not know, it's late", "I don't know, it's late"),
        ("contractions", "I'm sure they won’t come", "I am sure they will not come"),
        ("contractions", "they do n't come", "they do not come"),
        ("contractions", "nothing of the kind", "nothing of the kind"),
        ("number_words", "It is not 3 days, it was twenty", "It is not three days, it was 20"),
        ("number_words", "version 1.5 at 10:30", "version 1.5 at 10:30"),
        ("particles", "慢慢地走，跑得快，觉得好", "慢慢的走，跑的快，觉得好"),
        ("polite_you", "您好，你们", "你好，你们"),
        ("numerals", "等了三天，买了2个，2月，十三天", "等了3天，买了两个，二月，十三天"),
    ],
)
def test_each_change_is_the_one_that_its_name_says(name: str, text: str, expected: str) -> None:
    assert say(name, text) == expected


def test_a_greeting_stands_before_texts_of_the_languages_that_have_one() -> None:
    assert say("politeness", "the parcel is late").endswith("the parcel is late") and len(say("politeness", "a")) > 1
    assert say("politeness", "快递太慢了")[0] in "你您请" and say("politeness", "посылка") == "посылка"


def test_typing_errors_are_few_and_a_function_of_the_seed() -> None:
    text = "the parcel was delivered to another address again yesterday "
    for seed in range(20):
        made = say("typos", text, seed)
        assert made == say("typos", text, seed) and made != text and made.endswith(" ")
        pairs = list(zip(units(text), units(made), strict=True))
        assert 1 <= sum(a != b for a, b in pairs) <= 4
        assert all(a.strip()[0] == b.strip()[0] and abs(len(a) - len(b)) <= 1 for a, b in pairs)
    assert len({say("typos", text, seed) for seed in range(20)}) > 10
    assert typos("it is so", np.random.default_rng(0)) == "it is so"


def test_homophones_never_turn_a_sentence_round() -> None:
    assert not set(_ALIKE) & NEGATIONS
    made = homophones("他们在做什么", np.random.default_rng(0))
    assert made != "他们在做什么" and len(made) == 6


def test_every_change_has_a_title() -> None:
    assert len({perturbation_title(name) for name in PERTURBATIONS}) == len(PERTURBATIONS)


@pytest.mark.parametrize("name", ["typos", "uppercase", "no_punctuation", "spaces", "full_width", "politeness"])
def test_entities_follow_the_text(name: str) -> None:
    from luthier import catalog

    text = "yesterday, the minister Angela Merkel flew to Berlin."
    answer: Entities = (Entity(24, 37, "PER"), Entity(46, 52, "LOC"))
    example = Example(Passage(text), answer)
    made = changed_example(catalog.task("ner").format, example, lambda words: say(name, words))
    assert made is not None
    found = [made.input.text[entity.start : entity.end] for entity in made.answer]
    change = {"uppercase": str.upper, "full_width": lambda words: say("full_width", words)}.get(name, str)
    for before, after in zip(("Angela Merkel", "Berlin"), found, strict=True):
        assert after.replace("  ", " ") == change(before) or (name == "typos" and abs(len(after) - len(before)) <= 2)


def test_a_row_whose_entity_does_not_follow_is_not_asked() -> None:
    from luthier import catalog

    example = Example(Passage("he flew to Berlin"), (Entity(11, 17, "LOC"),))
    assert changed_example(catalog.task("ner").format, example, lambda words: "gone") is None
