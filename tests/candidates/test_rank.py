"""Candidates are measured on one sample of the training rows; what cannot be used says why, and the others go on."""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from luthier.candidates.rank import Ranking, rank_models
from luthier.config.settings import load_settings
from luthier.errors import DataError, ModelError
from luthier.preparing.prepare import prepare
from tiny import SAMPLES, TinyModels, ticket_rows, write_csv
from workflow.helpers import luthier

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def hasty():
    """Speed is measured by two batches: here it is only looked at that it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("luthier.candidates.speed._TIMED_SECONDS", 0)
        yield


@pytest.fixture(scope="module")
def place(models: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tickets, and a folder of folders: a model with a card, one without weights, one without a tokenizer, one with
    pickled weights."""
    folder = tmp_path_factory.mktemp("candidates")
    write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(160))
    for name in ("trained", "random", "silent", "pickled"):
        shutil.copytree(models.encoder, folder / "models" / name)
    card = "---\nlicense: cc-by-4.0\nlanguage:\n- en\n- fr\n---\n# A model\n"
    (folder / "models" / "trained" / "README.md").write_text(card, encoding="utf-8")
    (folder / "models" / "random" / "model.safetensors").unlink()
    (folder / "models" / "silent" / "tokenizer.json").unlink()
    (folder / "models" / "pickled" / "model.safetensors").rename(folder / "models" / "pickled" / "pytorch_model.bin")
    return folder


@pytest.fixture(scope="module")
def said(place: Path, hasty: None):
    words = ["--candidates", "models", "google-bert/bert-base-uncased,./nothing", "train.seed=3", "--rows", "80"]
    return luthier("models", "tickets.csv", *words, "--json", cwd=place)


@pytest.fixture(scope="module")
def found(said) -> dict[str, Any]:
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_every_model_of_a_folder_is_measured_on_the_same_rows(found: dict[str, Any]) -> None:
    assert {one["name"] for one in found["models"]} == {"models/trained", "models/random"}
    assert (found["rows"], found["training_rows"], found["task"]) == (80, 112, "classification")
    for one in found["models"]:
        score = one["score"]
        assert score["name"] == "macro_f1" and score["n"] == 80 and score["low"] <= score["value"] <= score["high"]
        assert one["logme"] < 5 and one["tokens_per_second"] > 0 and one["seconds_to_tune"] > 0
        assert 0.1 < one["tokens_per_character"] < 0.5 and one["unknown"] == one["cut"] == 0
        assert one["context"] == 64 and one["architecture"] == "bert" and one["parameters"] > 20_000
    assert found["tfidf"]["n"] == 80 and found["tfidf"]["name"] == "macro_f1"


def test_what_its_card_says_is_told(found: dict[str, Any]) -> None:
    trained, random = sorted(found["models"], key=lambda one: one["name"], reverse=True)
    assert (trained["licence"], trained["languages"], trained["pretrained"]) == ("cc-by-4.0", ["en", "fr"], True)
    assert trained["bytes"] > 100_000
    assert (random["licence"], random["pretrained"], random["bytes"]) == (None, False, 0)
    assert random["notes"] == ["no weights: it is at random"]


def test_what_cannot_be_used_says_why(found: dict[str, Any]) -> None:
    why = {one["name"]: one for one in found["failed"]}
    assert "tokenizer.json is missing" in why["models/silent"]["message"]
    assert "pickle" in why["models/pickled"]["message"]
    assert "no such model folder" in why["./nothing"]["message"]
    hub = why["google-bert/bert-base-uncased"]
    assert "cannot be had from the hub" in hub["message"] and hub["listed"]["licence"] == "apache-2.0"
    assert [one["name"] for one in found["elsewhere"]] == ["google-bert/bert-base-uncased"]


def test_one_that_has_weights_is_recommended(found: dict[str, Any], said) -> None:
    assert found["recommendation"]["name"] == "models/trained"
    assert found["recommendation"]["worth_it"] in ("yes", "no", "unclear")
    for words in ("rows longer than the context", "luthier train tickets.csv train.seed=3 --model models/trained"):
        assert words in said.stderr  # people are spoken to there, as stdout is for programs


def test_nothing_usable_is_an_error_that_tells_all(place: Path) -> None:
    done = luthier("models", "tickets.csv", "--candidates", "models/silent", "models/pickled", cwd=place)
    assert done.returncode == 2
    assert "tokenizer.json is missing" in done.stderr and "pickle" in done.stderr
    done = luthier("models", "tickets.csv", "models/trained", cwd=place)  # no --candidates before it
    assert done.returncode == 2


def ranking(data: Path, names: list[str], **settings: Any) -> Ranking:
    return rank_models(load_settings(None, (), {"data.train": str(data), **settings}), names, most_rows=60)


def test_the_test_rows_change_nothing_and_the_seed_everything(
    place: Path, models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [str(models.encoder)]
    with monkeypatch.context() as patch:
        patch.setattr("luthier.candidates.rank.prepare", _scrambled)
        scrambled = ranking(place / "tickets.csv", names).as_json()
    one = ranking(place / "tickets.csv", names).as_json()
    other = ranking(place / "tickets.csv", names, **{"train.seed": 1}).as_json()
    assert one["models"][0]["score"] == scrambled["models"][0]["score"] and one["tfidf"] == scrambled["tfidf"]
    assert one["models"][0]["score"] != other["models"][0]["score"]


def _scrambled(settings: Any) -> Any:
    """The data with wrong answers in the test part."""
    found = prepare(settings)
    wrong = [replace(example, answer="billing") for example in found.split.test]
    return replace(found, split=replace(found.split, test=wrong))


def test_without_names_what_lies_here_is_measured_and_what_does_not_is_listed(
    place: Path, models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.candidates import places

    monkeypatch.setattr(places, "EMBEDDED", str(models.distilbert))
    monkeypatch.setattr(places, "_cached", lambda: [str(models.encoder)])
    found = ranking(place / "tickets.csv", [])
    assert {one.name for one in found.models} == {str(models.distilbert), str(models.encoder)}
    assert found.elsewhere[0].name == "sentence-transformers/all-MiniLM-L6-v2"  # the usual one, which is not here now
    monkeypatch.setattr(places, "_cached", list)
    monkeypatch.setattr(places, "has", lambda module: False)
    with pytest.raises(ModelError, match=r"no pretrained model lies on this machine\n.*--candidates ./folder"):
        ranking(place / "tickets.csv", [])


def test_the_hubs_cache_is_looked_through_without_a_network(
    models: TinyModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    from luthier.candidates import places

    def cache(name: str, source: Path, *left: str) -> None:
        repo = tmp_path / f"models--{name.replace('/', '--')}"
        (repo / "refs").mkdir(parents=True)
        (repo / "refs" / "main").write_text("a" * 40, encoding="utf-8")
        shutil.copytree(source, repo / "snapshots" / ("a" * 40), ignore=shutil.ignore_patterns(*left))

    cache("org/whole", models.encoder)
    cache("org/tokenizer-only", models.encoder, "model.safetensors")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert places._cached() == ["org/whole"]
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "nothing"))
    assert places._cached() == []


def test_a_model_that_nobody_named_is_not_waited_for(
    place: Path, models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.candidates import measure, places

    monkeypatch.setattr(measure, "_MOST_SECONDS", 0)
    monkeypatch.setattr(places, "_cached", lambda: [str(models.encoder)])
    monkeypatch.setattr(places, "has", lambda module: False)
    with pytest.raises(ModelError, match=r"minutes to look at the rows\n.*--candidates"):
        ranking(place / "tickets.csv", [])
    assert ranking(place / "tickets.csv", [str(models.encoder)]).models


def test_weights_for_which_there_is_no_room_are_not_loaded(
    place: Path, models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.candidates.speed._MEMORY_SHARE", 0)
    with pytest.raises(ModelError, match=r"its weights take .* GiB, the machine has"):
        ranking(place / "tickets.csv", [str(models.encoder)])


def test_waiting_for_the_processor_does_not_make_a_model_slow(
    place: Path, models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.candidates.speed._forward", lambda *asked: time.sleep(0.1))
    (one,) = ranking(place / "tickets.csv", [str(models.encoder)]).models
    assert one.tokens_per_second > 20 * 60 * 10 / 0.1  # 60 rows of some ten tokens take no processor time at all


KINDS = [("regression", "spearman"), ("multilabel", "micro_f1"), ("ner", "entity_f1"), ("question_answering", "f1"),
         ("retrieval", "ndcg@10"), ("seq2seq", "bits_per_character"), ("sft", "bits_per_character"),
         ("pretrain", "bits_per_character")]  # fmt: skip


@pytest.mark.parametrize(("task", "metric"), KINDS)
def test_every_task_has_a_score_that_costs_little(
    task: str, metric: str, models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.candidates.untuned.FEWEST_ROWS", 5)  # the samples are few
    settings = {"task.name": task, "data.split.validation": 0}
    if task == "question_answering":
        settings["data.split.test"] = 0.3
    found = ranking(SAMPLES / f"{task}.jsonl", [str(models.suited(task))], **settings)
    (one,) = found.models
    assert one.score is not None and one.score.name == metric
    assert json.loads(json.dumps(found.as_json()))["models"][0]["tokens_per_second"] > 0


def test_models_that_hide_tokens_are_told_apart_by_tokens_and_time_alone(models: TinyModels) -> None:
    found = ranking(SAMPLES / "pretrain.jsonl", [str(models.masked)], **{"task.name": "pretrain"})
    assert found.models[0].score is None and "hide different ones" in found.advice.sentence
    assert found.words is None


def test_a_model_that_cannot_write_is_refused_where_one_has_to(models: TinyModels) -> None:
    with pytest.raises(ModelError, match="no trained output layer"):
        ranking(SAMPLES / "sft.jsonl", [str(models.bart)], **{"task.name": "sft"})


def test_few_rows_are_not_cross_validated(models: TinyModels, tmp_path: Path) -> None:
    few = write_csv(tmp_path / "few.csv", ["text", "label"], ticket_rows(20))
    found = ranking(few, [str(models.encoder)])
    assert found.models[0].score is None and found.models[0].known.unscored.startswith("14 training rows are too few")
    assert found.advice.worth_it == "unknown"


def test_bad_data_are_told_before_any_model_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        ranking(tmp_path / "nothing.csv", ["./nothing"])
