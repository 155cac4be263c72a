"""What is told of a run that was really tuned: words that matter, edits, neighbours, and what the words carry."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from luthier.errors import ConfigError, DataError
from luthier.explaining import explain, faithful
from luthier.explaining.asking import blank_id, numbers, taken
from luthier.explaining.explanation import Flip
from luthier.explaining.faithful import faithfulness
from luthier.explaining.flips import smallest_flip
from luthier.explaining.mistakes import explained_mistakes
from luthier.explaining.neighbours import WORDS, Neighbourhood, neighbourhood
from luthier.explaining.overall import overall
from luthier.explaining.why import reason_of
from luthier.explaining.words import without_words
from luthier.inference.artifact import Predictor
from luthier.types import Example
from tiny import TinyModels, bench, ticket_rows

pytestmark = pytest.mark.slow

FRESH = [(text, label) for text, label in ticket_rows(220, seed=7) if text not in dict(ticket_rows(150))][:40]
TEXTS = [text for text, _ in FRESH]
EXAMPLES = [Example(text, label) for text, label in FRESH]


@pytest.mark.parametrize("how", ["gradient", "integrated", "occlusion"])
def test_the_words_of_a_class_speak_more_for_it_than_fillers_do(tuned: Predictor, how: str) -> None:
    from tiny import _WORDS

    own, filler = [], []
    for one in explain(tuned, TEXTS[:12], how):
        (reason,) = one.reasons
        for word, value in zip(reason.words, reason.values, strict=True):
            surface = one.texts[0][word.start : word.end]
            (own if surface in _WORDS[one.answer["label"]] else filler).append(value)
    assert np.mean(own) > 2 * max(0.0, float(np.mean(filler))) and np.mean(own) > 0.1


def test_without_the_words_of_an_edit_the_answer_is_another_and_each_is_needed(tuned: Predictor) -> None:
    edits = 0
    for one in explain(tuned, TEXTS[:20], flips=5):
        flip = one.reasons[0].flip
        assert isinstance(flip, Flip) and flip.deleted and flip.within == 5
        if not flip.words:
            continue
        edits += 1
        left = without_words(tuned.codec, one.input, flip.words)
        assert list(flip.texts) == [left]
        assert tuned.predict([left])[0] == flip.answer
        assert flip.answer["label"] != one.answer["label"]
        for word in flip.words:
            fewer = [other for other in flip.words if other is not word]
            if fewer:
                again = without_words(tuned.codec, one.input, fewer)
                assert tuned.predict([again])[0]["label"] == one.answer["label"]
    assert edits > 5


def test_where_no_edit_is_small_enough_that_is_said(tuned: Predictor) -> None:
    sure = replace(tuned, codec=replace(tuned.codec, task=replace(tuned.codec.task, shifts=(99.0, 0.0, 0.0))))
    (one,) = explain(sure, TEXTS[:1], flips=2)
    assert one.reasons[0].as_json(one.texts)["flip"] == {
        "found": False, "within": 2, "how": "deleted", "words": [], "texts": [], "answer": None,
    }  # fmt: skip


def test_an_entity_is_flipped_by_hiding_words_where_they_stand(models: TinyModels) -> None:
    ready = bench("ner", models.encoder)
    predictor = Predictor(ready.model.eval(), ready.codec, "ner")
    for example in ready.examples:
        claims = ready.codec.task.claims(example.input, predictor.raw([example.input])[0], ready.codec.text)
        for claim in claims:
            reason = reason_of(predictor, claim, example.input, "occlusion")
            flip = smallest_flip(predictor, claim, example.input, reason)
            assert flip is not None and not flip.deleted
            if flip.words:
                windows = taken(predictor, claim, example.input, flip.words, blank_id(ready.codec))
                assert numbers(predictor, claim, [windows])[0] < 0
                return
    pytest.skip("a random model that says no entity")  # pragma: no cover


def test_the_named_words_carry_the_answer_by_more_than_chance(tuned: Predictor) -> None:
    for how in ("gradient", "occlusion"):
        found = faithfulness(tuned, TEXTS[:20], how)
        assert found.rows == 20 and found.unit == "probability"
        assert found.gains["deletion"].low > 0, how
        named, random = (found.curves["deletion"][order] for order in ("named", "random"))
        assert named[0] == pytest.approx(random[0]) and named[-1] == pytest.approx(random[-1])
        assert found.curves["insertion"]["named"][0] == pytest.approx(named[-1])
        assert (found.error is None) == (how == "occlusion")


def test_words_that_are_named_the_wrong_way_round_are_found_out(
    tuned: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reversed_(*words: object) -> object:
        reason = reason_of(*words)
        return replace(reason, values=[-value for value in reason.values])

    monkeypatch.setattr(faithful, "reason_of", reversed_)
    found = faithfulness(tuned, TEXTS[:20])
    assert found.gains["deletion"].high < 0 and not found.holds
    assert found.as_json()["better_than_random"] is False


def test_without_words_there_is_nothing_to_measure(tuned: Predictor) -> None:
    with pytest.raises(DataError, match="taken out"):
        faithfulness(tuned, ["parcel"])


def test_the_nearest_rows_are_the_runs_own_and_a_known_text_is_its_own_neighbour(place: Path, tuned: Predictor) -> None:
    with contextlib.chdir(place):
        near, note = neighbourhood(place / "run", tuned)
    assert near is not None and not note and near.by == "embedding"
    assert near.looked_at == near.of < 150
    known = near._known[3]
    first, second = near.nearest([known.input], 2)[0]
    assert (first.text, first.answer, first.place.line) == (known.input, known.answer, known.place.line)
    assert first.likeness == pytest.approx(1, abs=1e-4) and second.likeness < 1
    labels = [row.answer == label for rows, (_, label) in zip(near.nearest(TEXTS, 3), FRESH, strict=True)
              for row in rows]  # fmt: skip
    assert np.mean(labels) > 0.6


def test_models_that_make_no_single_vector_have_neighbours_by_words(models: TinyModels) -> None:
    ready = bench("seq2seq", models.t5)
    predictor = Predictor(ready.model.eval(), ready.codec, "seq2seq")
    near = Neighbourhood(predictor, ready.examples)
    assert near.by == WORDS
    assert near.nearest([ready.examples[1].input], 1)[0][0].text == ready.examples[1].input


def test_where_the_training_rows_are_gone_that_is_said(place: Path, tuned: Predictor) -> None:
    assert neighbourhood(place / "run" / "model", tuned)[0] is None
    file = place / "tickets.csv"
    before = file.read_bytes()
    try:
        with contextlib.chdir(place):
            file.write_bytes(before + b"one more row,refund\n")
            near, note = neighbourhood(place / "run", tuned)
            assert near is None and "changed" in note
            file.unlink()
            near, note = neighbourhood(place / "run", tuned)
            assert near is None and "cannot be read again" in note
    finally:
        file.write_bytes(before)


def test_over_all_rows_each_class_has_its_own_words(tuned: Predictor) -> None:
    found = overall(tuned, EXAMPLES).as_json()
    assert found["rows"] == len(EXAMPLES) == sum(row["rows"] for row in found["classes"])
    from tiny import _WORDS

    for row in found["classes"]:
        best = [word["word"] for word in row["for"][:3]]
        assert set(best) & set(_WORDS[row["answer"]]), (row["answer"], best)
        assert all(word["count"] >= 2 and word["value"] > 0 for word in row["for"])
        assert all(word["value"] < 0 for word in row["against"])
    wrong = sum(said["label"] != label for said, (_, label) in zip(tuned.predict(TEXTS), FRESH, strict=True))
    assert sum(row["rows"] for row in found["confusions"]) == wrong
    assert {row["by"] for row in found["slices"]} >= {"length", "label"}


def test_the_worst_mistakes_are_explained_by_what_was_said_instead(tuned: Predictor) -> None:
    swapped = [Example(text, "refund" if label != "refund" else "billing") for text, label in FRESH]
    found = explained_mistakes(tuned, swapped, tuned.raw(TEXTS))
    assert len(found) == 5
    for row in found:
        assert row["said"] == row["answer"]["label"] == row["reasons"][0]["about"] != row["right"]


def test_a_way_that_is_not_known_is_refused(tuned: Predictor) -> None:
    with pytest.raises(ConfigError, match="gradient"):
        explain(tuned, TEXTS[:1], "gradiant")
