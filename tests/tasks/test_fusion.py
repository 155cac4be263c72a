"""A text beside an image or a sound, through the command: what the answer needs, what may be missing, what is said."""

import base64
import csv
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import luthier
from luthier.inference.artifact import load_artifact
from luthier.production.serve import make_app
from media.made import draw_shape, png, write_questions, write_tones, write_wav2vec, write_whisper
from tiny import TinyModels, write_csv
from workflow.helpers import QUICK, report
from workflow.helpers import luthier as command

pytestmark = pytest.mark.slow

LEARN = [*QUICK[1:2], "train.epochs=10", "train.learning_rate=2e-3", "train.precision=fp32"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    """Trained on questions about shapes; its data and encoder lie in folders that are gone by the time of the tests."""
    folder = tmp_path_factory.mktemp("fusion")
    data = write_questions(folder / "data", 200)
    shutil.copytree(models.vision, folder / "vision")
    done = command("train", data, "--task", "fusion", f"task.encoder={folder / 'vision'}", "--model", models.encoder,
                   "--out", folder / "run", *LEARN)  # fmt: skip
    assert done.returncode == 0, done.stderr
    shutil.move(folder / "vision", folder / "elsewhere")
    return folder / "run"


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Three rows: whole, without an image, without a text."""
    (tmp_path / "red.png").write_bytes(png(draw_shape("red", "box")))
    rows = [("what colour is it", "red.png"), ("what colour is it", ""), ("", "red.png")]
    return write_csv(tmp_path / "asked.csv", ("text", "image"), rows)


@pytest.mark.slow
def test_both_together_beat_each_alone(run: Path) -> None:
    parts = report(run)["parts"]
    assert parts["together"][0]["value"] > 0.9
    assert [one["part"] for one in parts["alone"]] == ["text", "image"]
    for one in parts["alone"]:
        assert one["gain"]["low"] > 0.2
        assert one["gain"]["value"] == pytest.approx(parts["together"][0]["value"] - one["scores"][0]["value"])


@pytest.mark.slow
def test_the_baselines_know_each_part_alone_and_both(run: Path) -> None:
    said = report(run)["baselines"]
    assert set(said) == {"majority", "tfidf", "embeddings", "embeddings_text", "embeddings_image"}
    main = {name: scores[0]["value"] for name, scores in said.items()}
    assert main["embeddings"] > max(main["embeddings_text"], main["embeddings_image"]) + 0.2


@pytest.mark.slow
def test_the_page_tells_what_each_part_adds(run: Path) -> None:
    page = (run / "report.html").read_text("utf-8")
    assert "What each part adds" in page and "image alone" in page


@pytest.mark.slow
def test_what_was_missing_is_said(run: Path, asked: Path) -> None:
    done = command("predict", run, asked, "--json")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [one.get("missing") for one in said] == [None, "image", "text"]
    assert said[0]["label"] == "red"


@pytest.mark.slow
def test_the_model_folder_needs_nothing_beside_it(run: Path, asked: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "model", tmp_path / "moved")
    there, here = (command("predict", where, asked, "--json").stdout for where in (run, tmp_path / "moved"))
    assert there == here != ""
    files = [path for path in (tmp_path / "moved").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".md"}
    assert not any(b"elsewhere" in path.read_bytes() or b"pytest-" in path.read_bytes() for path in files)


@pytest.mark.slow
def test_an_image_that_cannot_be_read_fails_alone(run: Path, asked: Path) -> None:
    (asked.parent / "cut.png").write_bytes(png(draw_shape("blue", "disc"))[:60])
    with asked.open("a", encoding="utf-8") as file:
        file.write("what colour is it,cut.png\nwhat colour is it,gone.png\n")
    done = command("predict", run, asked, "--json")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [one["error"]["code"] for one in said[3:]] == ["broken-media", "missing-media"]
    assert [one["error"]["line"] for one in said[3:]] == [5, 6]


@pytest.mark.slow
def test_evaluate_tells_what_each_part_adds(run: Path, tmp_path: Path) -> None:
    data = write_questions(tmp_path, 60, seed=9)
    told = json.loads(command("evaluate", run, data, "--json").stdout)
    assert told["scores"][0]["value"] > 0.8 and told["parts"]["rows"] == 60


@pytest.mark.slow
def test_the_server_takes_bytes_and_no_paths(run: Path, asked: Path) -> None:
    predictor = load_artifact(run)
    image = asked.parent / "red.png"
    sent = base64.b64encode(image.read_bytes()).decode()
    with TestClient(make_app([lambda: predictor], lambda _: None)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)

        def ask(inputs: Any) -> Any:
            return client.post("/predict", json={"inputs": inputs})

        whole = {"text": "what colour is it", "image": sent}
        said = ask([whole, "what colour is it", {"text": "what colour is it"}]).json()["predictions"]
        expected = [json.loads(line) for line in command("predict", run, asked, "--json").stdout.splitlines()]
        assert said[0]["label"] == expected[0]["label"]
        assert said[0]["score"] == pytest.approx(expected[0]["score"], abs=1e-4)
        assert [one.get("missing") for one in said] == [None, "image", "image"]
        for bad, code in ((str(image), "not-base64"), (sent[:80], "broken-media"), ({"path": "x"}, "wrong-type")):
            refused = ask({"text": "what colour is it", "image": bad})
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
        assert ask({"text": "x", "picture": sent}).json()["error"]["code"] == "unknown-field"
        large = base64.b64encode(image.read_bytes() + b"\0" * 2**21).decode()  # a megabyte is the limit of texts
        assert ask({"text": "what colour is it", "image": large}).status_code == 200


@pytest.mark.slow
def test_programs_hand_over_paths(run: Path, asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(asked.parent)
    said = luthier.load(run).predict([{"text": "what colour is it", "image": "red.png"}, "what colour is it"], top_k=2)
    assert said[0][0]["label"] == "red" and len(said[1]) == 2 and said[1][0]["missing"] == "image"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("whisper", ["task.head=regression", "task.fusion=gate"]),
        ("wav2vec", ["task.head=regression", "task.tune_encoder=true", "tuning=lora", "task.fusion=concat"]),
        ("whisper", ["tuning.method=head", "task.tune_encoder=true"]),
        ("whisper", ["tuning.method=last_layers", "tuning.n=1"]),
    ],
)
def test_sounds_go_through_with_any_method(
    encoder: str, options: list[str], models: TinyModels, tmp_path: Path
) -> None:
    numbers = "task.head=regression" in options
    data = write_tones(tmp_path, 40, numbers=numbers)
    folder = (write_whisper if encoder == "whisper" else write_wav2vec)(tmp_path / "encoder")
    done = command("train", data, "--task", "fusion", f"task.encoder={folder}", "--model", models.encoder,
                   "--out", tmp_path / "run", *QUICK, *options)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert report(tmp_path / "run")["scores"][0]["name"] == ("spearman" if numbers else "macro_f1")
    with (tmp_path / "run" / "predictions.csv").open(encoding="utf-8") as file:
        before = [row["score"] for row in csv.DictReader(file)]
    tested = report(tmp_path / "run")["split"]["test"]
    assert len(before) == tested > 0


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_weights(models: TinyModels, tmp_path: Path) -> None:
    from workflow.helpers import digest

    data = write_questions(tmp_path, 40)
    words = ["--task", "fusion", f"task.encoder={models.vision}", "--model", models.encoder, *QUICK]
    for name in ("whole", "cut"):
        assert command("train", data, *words, "--out", tmp_path / name).returncode == 0
    for left in ("report.json", "model"):
        target = tmp_path / "cut" / left
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    newest = max((tmp_path / "cut" / "checkpoints").iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))
    shutil.rmtree(newest)
    done = command("train", "--resume", "--out", tmp_path / "cut")
    assert done.returncode == 0, done.stderr
    assert digest(tmp_path / "cut") == digest(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("tuned", ["true", "false"])
def test_folds_are_pooled_with_their_baselines(tuned: str, models: TinyModels, tmp_path: Path) -> None:
    data = write_questions(tmp_path, 40)
    done = command("train", data, "--task", "fusion", f"task.encoder={models.vision}", f"task.tune_encoder={tuned}",
                   "--model", models.encoder, "--out", tmp_path / "run", *QUICK, "train.epochs=1",
                   "data.split.folds=2", "data.split.group=image")  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = report(tmp_path / "run")
    assert told["scores"][0]["n"] == 40 and "embeddings_image" in told["baselines"]


def refused(*words: object) -> list[dict[str, Any]]:
    done = command(*words, "--json")
    assert done.returncode == 2, done.stdout + done.stderr
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


def test_options_that_do_not_exist_are_refused(models: TinyModels, tmp_path: Path) -> None:
    data = write_questions(tmp_path, 12)
    for option, code in (
        ("task.fusion=attn", "unknown-choice"), ("task.head=ranking", "unknown-choice"),
        ("task.modality_dropout=1.0", "out-of-range"), ("task.seconds=0", "out-of-range"),
        ("task.encodr=x", "unknown-key"),
    ):  # fmt: skip
        (error,) = refused("train", data, "--task", "fusion", option, "--model", models.encoder)
        assert error["code"] == code and option.partition("=")[0] in error["file"] + error["message"]


def test_an_encoder_that_is_none_is_refused(models: TinyModels, tmp_path: Path) -> None:
    data = write_questions(tmp_path, 40)
    words = ["train", data, "--task", "fusion", "--model", models.encoder, "--out", tmp_path / "run"]
    (error,) = refused(*words, f"task.encoder={tmp_path / 'none'}")
    assert error["code"] == "no-such-model"
    (error,) = refused(*words, f"task.encoder={models.encoder}")
    assert "preprocessor_config.json" in error["message"]


def test_images_that_cannot_be_had_are_told_row_by_row_and_may_be_left_out(models: TinyModels, tmp_path: Path) -> None:
    data = write_questions(tmp_path, 40)
    with data.open("a", encoding="utf-8") as file:
        file.write("what colour is it,shapes/gone.png,red\nwhat colour is it,../outside.png,red\n")
    errors = refused("train", data, "--task", "fusion", "--model", models.encoder)
    assert {(error["code"], error["line"], error["column"]) for error in errors} == {
        ("missing-media", 42, "image"), ("media-outside", 43, "image"),
    }  # fmt: skip
    done = command("check", data, "--task", "fusion", "--json")
    found = {finding["code"] for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1 and {"missing-media", "media-outside"} <= found


def test_rows_without_an_image_are_remarked_and_equal_questions_are_no_copies(tmp_path: Path) -> None:
    data = write_questions(tmp_path, 60)
    with data.open("a", encoding="utf-8") as file:
        file.write("what colour is it,,red\n")
    findings = json.loads(command("check", data, "--json").stdout)["findings"]
    by_code = {finding["code"]: finding for finding in findings}
    assert by_code["missing-modality"]["rows"][0]["line"] == 62
    assert not {"near-duplicate", "near-conflict", "conflicting-label", "label-error"} & set(by_code)


def test_the_layout_is_told_by_its_columns(tmp_path: Path) -> None:
    assert json.loads(command("check", write_questions(tmp_path / "a", 12), "--json").stdout)["format"] == "fused"
    assert json.loads(command("check", write_tones(tmp_path / "b", 12), "--json").stdout)["format"] == "fused"


def test_data_without_a_file_are_no_task_of_fusion(models: TinyModels, tickets: Path) -> None:
    (error,) = refused("train", tickets, "--task", "fusion", "--model", models.encoder)
    assert error["code"] == "missing-column" and "task=classification" in error["fix"]
