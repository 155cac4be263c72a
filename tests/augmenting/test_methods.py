"""Changed texts keep what their answer hangs on, differ from each other, and are never empty."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from luthier import catalog
from luthier.augmenting.method import Change, Setting
from luthier.augmenting.safety import Safety
from luthier.errors import ConfigError
from luthier.models.find import ModelFolder
from luthier.progress import SILENT
from luthier.runtime import Runtime
from luthier.text.words import core, units
from tiny import ticket_rows

LONG = "I have been waiting for the refund since Monday and it is not there yet please look into it"
CHINESE = "我上周买的东西还没有送到家里请你们尽快处理退款"


def setting(texts=(), classes=()) -> Setting:
    return Setting(texts, classes, ModelFolder("none", Path("none"), {}), "cpu")


def change_of(name: str, **options: float) -> Change:
    found = catalog.augmentation(name)(setting(["x", "y"], ["refund", "物流"]), **options)
    assert found is not None
    return found.prepare([], Runtime(), SILENT)


def draws(change: Change, text: str, count: int = 200) -> list[str]:
    return [change(text, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("name", ["dropout", "swap"])
@pytest.mark.parametrize("text", [LONG, CHINESE])
def test_a_change_differs_by_the_draw_and_by_nothing_else(name: str, text: str) -> None:
    change = change_of(name, share=0.2)
    assert draws(change, text) == draws(change, text)
    assert len(set(draws(change, text))) > 50


def test_dropout_leaves_out_the_share_that_was_asked_for_and_adds_nothing() -> None:
    before = Counter(map(core, units(LONG)))
    left = []
    for said in draws(change_of("dropout", share=0.2), LONG):
        words = Counter(map(core, units(said)))
        assert not words - before and sum(words.values()) >= sum(before.values()) / 2
        left.append(1 - sum(words.values()) / sum(before.values()))
    free = 1 - 2 / len(units(LONG))  # "refund" and "not" stay
    assert np.mean(left) == pytest.approx(0.2 * free, abs=0.02)


def test_swap_keeps_every_word_and_the_spaces_where_they_were() -> None:
    for said in draws(change_of("swap", share=0.3), LONG):
        assert Counter(said.split()) == Counter(LONG.split())
        assert [len(unit) - len(unit.lstrip()) for unit in units(said)] == [0] + [1] * (len(LONG.split()) - 1)


@pytest.mark.parametrize("name", ["dropout", "swap"])
def test_negations_and_the_labels_own_words_stay_where_they_are(name: str) -> None:
    change = change_of(name, share=0.5)
    for said in draws(change, LONG):
        words = [core(unit) for unit in units(said)]
        assert "not" in words and "refund" in words
        if name == "swap":
            assert words.index("not") == LONG.split().index("not") and words[6] == "refund"
    assert all("没" in said for said in draws(change, CHINESE))


@pytest.mark.parametrize("name", ["dropout", "swap"])
@pytest.mark.parametrize("text", ["", " ", "refund", "no", "!!! ???", "ok thanks", "好"])
def test_no_text_is_emptied(name: str, text: str) -> None:
    for said in draws(change_of(name, share=0.5), text, 50):
        assert bool(said.strip()) == bool(text.strip())
        assert any(map(core, units(said))) == any(map(core, units(text)))


@pytest.mark.parametrize("name", sorted(set(catalog.augmentation_names()) - {"none"}))
@pytest.mark.parametrize("share", [0.0, -0.1, 0.6])
def test_a_share_that_makes_no_sense_is_refused(name: str, share: float) -> None:
    with pytest.raises(ConfigError, match=r"augment\.share"):
        catalog.augmentation(name)(setting(), share=share)


def test_none_changes_nothing_and_an_unknown_one_is_refused_with_the_nearest() -> None:
    assert catalog.augmentation("none")(setting()) is None
    with pytest.raises(ConfigError, match="did you mean 'dropout'"):
        catalog.augmentation("dropuot")


def test_words_that_tell_the_class_are_found_and_common_ones_are_not() -> None:
    rows = ticket_rows(200)
    safety = Safety.of([text for text, _ in rows], [label for _, label in rows])
    assert {"parcel", "courier", "money", "invoice"} <= safety.telling
    assert not {"the", "my", "please", "is"} & safety.telling
    assert {"delivery", "refund", "billing"} == safety.named
    assert not safety.is_replaceable(" Courier,") and not safety.is_replaceable("3") and safety.is_replaceable("please")


def test_without_classes_only_negations_are_held() -> None:
    safety = Safety.of(["a b", "c d"], [None, None])
    assert safety.stays("not") and not safety.stays("a")
