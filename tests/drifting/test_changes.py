"""Rows of one source are not called drifted, and of another are, each change by the measure that is about it."""

from dataclasses import replace

import numpy as np
import pytest

from luthier.drifting.changes import Sides, find_changes
from luthier.drifting.drift import judge
from luthier.drifting.shuffled import Shuffled, chance
from luthier.drifting.since import since_when
from luthier.errors import ConfigError
from luthier.evaluation.elsewhere.traits import Said, Traits, as_arrays, from_arrays, on_axes, said_by


def rows(
    count: int, seed: int, *, length: float = 80, sure: float = 0.9, first: float = 0.5, word: int = 0
) -> list[Traits]:
    rng = np.random.default_rng(seed)
    return [
        Traits(
            f"{seed:08x}{i:016x}", int(rng.normal(length, 20)), 20, float(rng.random() * 0.02),
            float(rng.random() * 0.3), np.unique(rng.integers(word, word + 200, 12)).astype(np.uint16),
            Said(("a",) if rng.random() < first else ("b",), None, float(np.clip(rng.normal(sure, 0.05), 0, 1))),
        )
        for i in range(count)
    ]  # fmt: skip


def sides(new: list[Traits], moved: float = 0.0) -> Sides:
    rng = np.random.default_rng(9)
    return Sides(rows(200, 0), new, rng.normal(0, 1, (150, 8)), rng.normal(moved, 1, (150, 8)), 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "moved", "measure"),
    [
        ({"length": 120}, 0, "length"),
        ({"sure": 0.7}, 0, "confidence"),
        ({"first": 0.9}, 0, "labels"),
        ({"word": 100}, 0, "words"),
        ({}, 1.0, "embedding"),
    ],
)
def test_what_changed_is_found_by_its_own_measure_and_by_no_other(
    changed: dict[str, float], moved: float, measure: str
) -> None:
    found = judge(sides(rows(200, 1, **changed), moved))
    assert [change.name for change in found.found] == [measure]
    assert found.found[0].sentence in found.sentence and found.as_json()["drift"] is True


@pytest.mark.slow
def test_rows_of_one_source_are_seldom_called_drifted() -> None:
    found = [judge(Sides(rows(120, seed), rows(120, seed + 100), None, None, seed)) for seed in range(10)]
    assert sum(bool(one.found) for one in found) <= 1
    p = [change.p for one in found for change in one.changes]
    assert len(p) == 60 and 0 < sum(value < 0.1 for value in p) < 15  # and p itself is about uniform


def test_a_few_rows_are_not_judged_and_that_is_said() -> None:
    found = judge(sides(rows(10, 1, length=500)))
    assert not found.changes and found.as_json()["drift"] is None
    assert "Too few rows to judge: 10 were asked" in found.sentence


def test_a_change_too_small_to_matter_is_no_drift_however_sure() -> None:
    change = find_changes(sides(rows(200, 1)))[0]
    assert not replace(change, effect=change.least / 2, p=0.0, adjusted=0.0).drifts(0.05)
    assert not replace(change, effect=1.0, p=0.2, adjusted=0.2).drifts(0.05)


def test_shuffling_counts_the_rows_as_they_are() -> None:
    values = np.concatenate([np.zeros(6), np.ones(6)])[:, None]
    p = chance(np.abs(Shuffled(6, 6, 0).differences(values)[:, 0]))
    assert 0.001 <= p < 0.012  # of the 924 ways to part them two are so far apart


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"label": "a", "score": 0.9}, Said(("a",), None, 0.9)),
        ([{"label": "a", "score": 0.9}, {"label": "b", "score": 0.6}], Said(("a", "b"), None, 0.6)),
        ([{"entity_group": "PER", "word": "Anna", "score": 0.5, "start": 0, "end": 4}], Said(("PER",), None, 0.5)),
        ({"answer": "in Rome", "score": 0.4, "start": 3, "end": 10}, Said(("answer",), None, 0.4)),
        ({"answer": "", "score": 0.4}, Said(("no answer",), None, 0.4)),
        ({"score": 3.5}, Said((), 3.5, None)),
        ({"generated_text": "Anna lives in Rome"}, Said()),
        ({"intent": {"label": "play", "score": 0.7}, "slots": []}, Said(("intent: play",), None, 0.7)),
        ({"embedding": [0.1, 0.2]}, Said()),
    ],
)
def test_no_text_stays_of_an_answer(shown: object, said: Said) -> None:
    assert said_by(shown) == said


def test_what_is_kept_of_rows_comes_back() -> None:
    before = [*rows(3, 0), replace(rows(1, 5)[0], unknown=None, rare=None, said=Said((), 2.5, None))]
    after = from_arrays(*as_arrays(before))
    for one, other in zip(before, after, strict=True):
        assert one.digest == other.digest and np.array_equal(one.words, other.words)
        assert (one.characters, one.tokens, one.said.labels, one.said.value) == (
            other.characters, other.tokens, other.said.labels, other.said.value,
        )  # fmt: skip
        assert other.rare == (None if one.rare is None else pytest.approx(one.rare, rel=1e-6))
    assert from_arrays(*as_arrays([])) == []


def test_axes_keep_distances() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 400))
    kept = on_axes(vectors).astype(float)
    assert kept.shape == (40, 32)
    ratio = np.linalg.norm(kept[:20] - kept[20:], axis=1) / np.linalg.norm(vectors[:20] - vectors[20:], axis=1)
    assert np.all(np.abs(ratio / np.sqrt(32 / 400) - 1) < 0.5)


def test_a_time_is_written_as_people_write_it() -> None:
    assert since_when("7d", 1e9) == 1e9 - 7 * 86_400 and since_when("30m", 1e9) == 1e9 - 1800
    assert since_when("2026-11-20T00:00:00+00:00", 0) == 1_795_132_800
    with pytest.raises(ConfigError, match="30m, 12h, 7d"):
        since_when("yesterday", 0)
