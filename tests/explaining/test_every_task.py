"""Whatever a task says of an input is explained by all three ways, or refused with a sentence."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from luthier import catalog
from luthier.claims import LOG_ODDS, Claim, log_odds
from luthier.errors import ConfigError
from luthier.explaining import explain
from luthier.explaining.asking import all_hidden, blank_id, numbers
from luthier.explaining.explanation import Explanation
from luthier.explaining.words import words_of
from luthier.inference.artifact import Predictor
from luthier.runtime import Runtime
from luthier.training.loop import train_steps
from luthier.training.optimise import build_optimiser
from luthier.tuning.methods import full
from tiny import Bench, TinyModels, bench

pytestmark = pytest.mark.slow

TOLD = [name for name in catalog.task_names() if catalog.task(name).can_claim()]
NOT_TOLD = [name for name in catalog.task_names() if name not in TOLD]


def taught(ready: Bench, steps: int = 25) -> Predictor:
    loop = train_steps(
        ready.model, ready.codec.task.objective(), [ready.batches(99)] * steps,
        build_optimiser(ready.model, full(ready.model).groups, "adamw", 0.0), lambda _: 3e-3, Runtime(), seed=0,
    )  # fmt: skip
    for _ in loop:
        pass
    return Predictor(ready.model.eval(), ready.codec, ready.codec.task.name)


@pytest.fixture(scope="module")
def predictors(models: TinyModels) -> dict[str, Predictor]:
    torch.manual_seed(0)
    return {name: taught(bench(name, models.suited(name))) for name in TOLD}


def asked(name: str, models: TinyModels) -> list:
    return [example.input for example in bench(name, models.suited(name)).examples][:3]


def claims(predictor: Predictor, input: object) -> Sequence[Claim]:
    task = predictor.codec.task
    return task.claims(input, predictor.raw([input])[0], predictor.codec.text)


def test_all_but_those_whose_answers_are_no_reading_of_words_tell() -> None:
    assert set(NOT_TOLD) == {"retrieval", "pretrain"}


@pytest.mark.parametrize("name", NOT_TOLD)
def test_the_others_are_refused_with_a_sentence(name: str, models: TinyModels) -> None:
    ready = bench(name, models.suited(name))
    with pytest.raises(ConfigError, match="cannot be traced to single words"):
        explain(Predictor(ready.model, ready.codec, name), ["a text"])


@pytest.mark.parametrize("name", TOLD)
def test_integrated_gradients_add_up_to_what_the_words_change(
    name: str, models: TinyModels, predictors: dict[str, Predictor]
) -> None:
    found = explain(predictors[name], asked(name, models)[:2], "integrated")
    reasons = [reason for one in found for reason in one.reasons]
    assert reasons
    for reason in reasons:
        assert reason.base is not None and reason.error is not None
        changed = reason.value - reason.base
        assert sum(reason.values) - changed == pytest.approx(reason.error, abs=1e-6)
        assert abs(reason.error) <= 0.05 * max(1.0, abs(changed))


@pytest.mark.parametrize("name", TOLD)
def test_the_last_word_left_counts_as_much_hidden_alone_as_by_the_claim(
    name: str, models: TinyModels, predictors: dict[str, Predictor]
) -> None:
    """Numbers of many variants at once are those of each by itself, whatever they are padded to."""
    predictor, (input, *_) = predictors[name], asked(name, models)
    claim = claims(predictor, input)[0]
    words = words_of(predictor.codec, input, input, claim.windows)
    blank = blank_id(predictor.codec)
    variants = [all_hidden(claim, words[:k], blank) for k in range(len(words) + 1)]
    together = numbers(predictor, claim, variants)
    alone = [numbers(predictor, claim, [variant])[0] for variant in variants]
    np.testing.assert_allclose(together, alone, atol=1e-3)
    assert np.ptp(together) > 1e-3, "the words change nothing"


@pytest.mark.parametrize("name", TOLD)
def test_every_way_finds_a_value_for_every_word_of_the_users_own_text(
    name: str, models: TinyModels, predictors: dict[str, Predictor]
) -> None:
    for how in ("gradient", "occlusion"):
        for one in explain(predictors[name], asked(name, models), how):
            for reason in one.as_json()["reasons"]:
                for word in reason["words"]:
                    assert one.texts[word["text"]][word["start"] : word["end"]] == word["word"] != ""
                    assert math.isfinite(word["value"])
            assert any(value for reason in one.reasons for value in reason.values) or not one.reasons


def one(predictor: Predictor, input: object, how: str | None = None) -> Explanation:
    return explain(predictor, [input], how)[0]


def test_the_number_of_a_class_is_the_log_odds_of_its_score(
    models: TinyModels, predictors: dict[str, Predictor]
) -> None:
    predictor = predictors["classification"]
    task = replace(predictor.codec.task, temperature=2.0, shifts=(0.5, -0.5, 0.0))
    moved = replace(predictor, codec=replace(predictor.codec, task=task))
    for text in asked("classification", models):
        explained = one(moved, text)
        (reason,) = explained.reasons
        score = explained.answer["score"]
        assert reason.about == explained.answer["label"]
        assert reason.value == pytest.approx(math.log(score / (1 - score)), abs=1e-4)


def test_a_refused_row_is_explained_by_what_makes_no_class_likely(
    models: TinyModels, predictors: dict[str, Predictor]
) -> None:
    predictor = predictors["classification"]
    strict = replace(predictor.codec, task=replace(predictor.codec.task, reject="threshold", accepts=1.0))
    explained = one(replace(predictor, codec=strict), asked("classification", models)[0])
    plain = one(predictor, asked("classification", models)[0])
    assert explained.reasons[0].about == "out_of_scope"
    assert explained.reasons[0].value == pytest.approx(-plain.reasons[0].value, abs=1e-4)


def test_each_entity_rests_on_its_own_words(models: TinyModels, predictors: dict[str, Predictor]) -> None:
    explained = one(predictors["ner"], asked("ner", models)[0], "occlusion")
    assert len(explained.reasons) == len(explained.answer) == 2
    for reason, entity in zip(explained.reasons, explained.answer, strict=True):
        strongest = reason.words[int(np.argmax(reason.values))]
        assert entity["start"] <= strongest.start < entity["end"]
        assert reason.about == f"{entity['word']} = {entity['entity_group']}"


def test_question_and_context_both_have_their_words(models: TinyModels, predictors: dict[str, Predictor]) -> None:
    explained = one(predictors["question_answering"], asked("question_answering", models)[0])
    (reason,) = explained.reasons
    assert {word.text for word in reason.words if word.is_read} == {0, 1}
    assert reason.about == explained.answer["answer"]


def test_of_a_written_text_the_number_is_its_log_probability(
    models: TinyModels, predictors: dict[str, Predictor]
) -> None:
    predictor, input = predictors["seq2seq"], asked("seq2seq", models)[0]
    explained = one(predictor, input)
    judged = predictor.codec.task.supposed(input, explained.answer["generated_text"])
    assert explained.reasons[0].value == pytest.approx(-predictor.raw([judged])[0].nll, abs=1e-3)


def test_a_text_of_which_nothing_was_said_has_no_reasons(models: TinyModels, predictors: dict[str, Predictor]) -> None:
    task = predictors["ner"].codec.task
    silent = next(text for text in asked("ner", models) if not task.show(predictors["ner"].raw([text])[0]))
    assert one(predictors["ner"], silent).reasons == []


def test_log_odds_are_the_same_in_both_libraries_and_without_overflow() -> None:
    logits = np.array([[1.0, 2.0, -3.0], [900.0, 0.0, 1.0]])
    mine = log_odds(logits, [0, 2])
    np.testing.assert_allclose(mine, log_odds(torch.from_numpy(logits), [0, 2]).numpy())
    p = np.exp([1.0, -3.0]).sum() / np.exp([1.0, 2.0, -3.0]).sum()
    assert mine[0] == pytest.approx(math.log(p / (1 - p)))
    assert mine[1] == pytest.approx(900)


def test_two_orders_of_a_pair_are_explained_as_one(models: TinyModels, predictors: dict[str, Predictor]) -> None:
    predictor = predictors["classification"]
    both = replace(predictor.codec, task=replace(predictor.codec.task, both_orders=True))
    there = one(replace(predictor, codec=both), ("my parcel is late", "send my money back"))
    back = one(replace(predictor, codec=both), ("send my money back", "my parcel is late"))
    values = [dict(zip([(1 - w.text, w.start) for w in e.reasons[0].words], e.reasons[0].values, strict=True))
              for e in (there, back)]  # fmt: skip
    assert there.reasons[0].unit == LOG_ODDS
    for (text, start), value in values[0].items():
        assert values[1][1 - text, start] == pytest.approx(value, abs=1e-4)
