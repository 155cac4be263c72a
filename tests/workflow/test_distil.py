"""distil: a smaller model learns from a run."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier as api
from tiny import SAMPLES, TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK, digest, luthier, report

pytestmark = pytest.mark.slow
STUDENT = ["train.epochs=2", "train.batch_size=8", "train.learning_rate=2e-3", "train.precision=fp32"]


@pytest.fixture(scope="module")
def taught(models: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A teacher, a student of two of its three layers, and what was said on the way."""
    folder = tmp_path_factory.mktemp("taught")
    data = write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(60))
    texts = write_csv(folder / "texts.csv", ["text"], [(text,) for text, _ in ticket_rows(90)])
    done = luthier("train", data, "--model", models.encoder, "--out", folder / "teacher", *QUICK)
    assert done.returncode == 0, done.stderr
    words = ["train", data, *STUDENT, f"distil.teacher={folder / 'teacher'}", f"distil.unlabelled={texts}"]
    words += ["distil.layers=2", "distil.hidden=true", "--out", folder / "student"]
    done = luthier(*words)
    assert done.returncode == 0, done.stderr
    return {"data": data, "folder": folder, "words": words, "said": done.stdout}


def test_the_student_is_an_ordinary_model_with_fewer_layers(taught: dict[str, Any]) -> None:
    from transformers import AutoModelForSequenceClassification

    run = taught["folder"] / "student"
    model, info = AutoModelForSequenceClassification.from_pretrained(run / "model", output_loading_info=True)
    assert report(run)["choices"] and "the student has the teacher's head" in taught["said"]
    assert model.config.num_hidden_layers == 2 and not info["missing_keys"] and not info["unexpected_keys"]
    assert api.load(run).predict(["my parcel is late"])[0]["label"] in ("billing", "delivery", "refund")


def test_the_report_holds_the_teacher_beside_the_student(taught: dict[str, Any]) -> None:
    told = report(taught["folder"] / "student")
    beside, teacher = told["distillation"], report(taught["folder"] / "teacher")
    assert beside["scores"][0]["value"] == pytest.approx(teacher["scores"][0]["value"])
    lost = told["scores"][0]["value"] - teacher["scores"][0]["value"]
    assert beside["difference"]["value"] == pytest.approx(lost)
    assert beside["difference"]["low"] <= lost <= beside["difference"]["high"]
    assert beside["parameters"]["student"] < beside["parameters"]["teacher"]
    assert beside["sentence"] in taught["said"]
    assert "Teacher and student" in (taught["folder"] / "student" / "report.html").read_text("utf-8")
    assert teacher["distillation"] is None


def test_the_teacher_is_asked_once_and_what_it_said_is_kept(taught: dict[str, Any]) -> None:
    kept = taught["folder"] / "student" / "teacher"
    logits_NC = np.load(kept / "logits.npy", mmap_mode="r")
    split = report(taught["folder"] / "student")["split"]
    assert len(logits_NC) == split["train"] + 30  # of 90 texts 60 are those of the labelled rows
    assert "30 texts without answers" in taught["said"] and "60 were there before" in taught["said"]
    assert np.load(kept / "states.npy").shape == (len(logits_NC), 1, 32)


def test_it_goes_on_to_the_same_bits_without_asking_again(taught: dict[str, Any], tmp_path: Path) -> None:
    run, copy = taught["folder"] / "student", tmp_path / "run"
    shutil.copytree(run, copy)
    for name in ("report.json", "report.html", "predictions.csv"):
        (copy / name).unlink()
    shutil.rmtree(copy / "model")
    steps = sorted((copy / "checkpoints").iterdir(), key=lambda path: int(path.name.split("-")[1]))
    shutil.rmtree(steps[-1])
    before = (copy / "teacher" / "logits.npy").stat().st_mtime_ns
    done = luthier(*taught["words"][:-1], copy, "--resume")
    assert done.returncode == 0, done.stderr
    assert digest(copy) == digest(run) and (copy / "teacher" / "logits.npy").stat().st_mtime_ns == before


def test_another_make_and_width_of_student_learns_too(taught: dict[str, Any], tmp_path: Path) -> None:
    from transformers import BertConfig, BertForSequenceClassification

    from tiny import save_tiny, vocabulary_size

    config = BertConfig(
        vocab_size=vocabulary_size(), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    save_tiny(tmp_path / "narrow", BertForSequenceClassification(config).bert)
    words = ["train", taught["data"], *STUDENT, f"distil.teacher={taught['folder'] / 'teacher'}", "distil.hidden=true"]
    done = luthier(*words, "--model", tmp_path / "narrow", "--out", tmp_path / "run", "tuning.method=lora")
    assert done.returncode == 0, done.stderr
    from safetensors import safe_open

    with safe_open(tmp_path / "run" / "model" / "model.safetensors", "np") as file:
        assert not [name for name in file.keys() if "teacher" in name]  # noqa: SIM118


@pytest.mark.parametrize("task", ["regression", "multilabel"])
def test_numbers_and_sets_of_labels_are_taught(task: str, models: TinyModels, tmp_path: Path) -> None:
    words = ["train", SAMPLES / f"{task}.jsonl", "--task", task, *STUDENT, "data.bad_rows=skip"]
    done = luthier(*words, "--model", models.encoder, "--out", tmp_path / "teacher", "train.epochs=1")
    assert done.returncode == 0, done.stderr
    words += [f"distil.teacher={tmp_path / 'teacher'}", "distil.layers=1", "distil.alpha=1"]
    done = luthier(*words, "--out", tmp_path / "student", "train.epochs=1")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("distil.layers=3",), "the teacher has 3 layers"),
        (("distil.layers=1", "model=/elsewhere"), "leave out one of the two"),
        (("tuning.method=few_shot", "distil.layers=1"), "has an aim of its own"),
        (("task=ner",), "does not give one answer"),
    ],
)
def test_what_does_not_go_together_is_refused(
    taught: dict[str, Any], models: TinyModels, tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    data = SAMPLES / "ner.jsonl" if "task=ner" in more else taught["data"]
    words = ["train", data, f"distil.teacher={taught['folder'] / 'teacher'}", "--out", tmp_path / "run", *more]
    words += [] if "distil.layers" in " ".join(more) else ["--model", models.encoder]
    done = luthier(*words)
    assert done.returncode == 2 and said in done.stderr
    assert not (tmp_path / "run").exists()


def test_other_classes_are_refused(taught: dict[str, Any], models: TinyModels, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data.csv", ["text", "label"], [(x, y + "s") for x, y in ticket_rows(40)])
    words = ["train", data, "--model", models.encoder, "--out", tmp_path / "run"]
    done = luthier(*words, f"distil.teacher={taught['folder'] / 'teacher'}")
    assert done.returncode == 2 and "only one of them has" in done.stderr and not (tmp_path / "run").exists()


def test_settings_without_a_teacher_are_refused(taught: dict[str, Any]) -> None:
    done = luthier("train", taught["data"], "distil.alpha=0.9")
    assert done.returncode == 2 and "distil.alpha without distil.teacher" in done.stderr
