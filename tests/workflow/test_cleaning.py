"""What is cleaned in training is cleaned alike wherever the model answers."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from luthier import catalog
from luthier.codec import Codec
from luthier.errors import ModelError
from luthier.text.clean import Cleaner
from tiny import TinyModels, bench, ticket_rows, write_csv
from workflow.helpers import QUICK, luthier

pytestmark = pytest.mark.slow


STEPS = "whitespace, html, nfc"


def soiled(text: str) -> str:
    first, _, rest = text.partition(" ")
    return f"<p>{first}</p>&nbsp;\n\n\n{rest.replace(' ', '  ')}&amp;"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on raw texts that cleans them, the raw texts and the cleaned ones."""
    from tiny import write_tiny_models

    folder = tmp_path_factory.mktemp("cleaning")
    model = write_tiny_models(folder / "models").encoder
    write_csv(folder / "raw.csv", ["text", "label"], [(soiled(text), label) for text, label in ticket_rows(90)])
    clean = Cleaner(STEPS.split(", "))
    cleaned = [(clean(soiled(text)), label) for text, label in ticket_rows(90)]
    assert cleaned[0][0] == ticket_rows(90)[0][0].replace(" ", "\n\n", 1) + "&"
    write_csv(folder / "clean.csv", ["text", "label"], cleaned)
    done = luthier("train", "raw.csv", f"model={model}", f"data.clean={STEPS}", *QUICK, "--out", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_raw_and_cleaned_texts_get_the_same_predictions(place: Path) -> None:
    raw, clean = (luthier("predict", "run", f"{name}.csv", "--json", cwd=place) for name in ("raw", "clean"))
    assert raw.returncode == clean.returncode == 0, raw.stderr
    assert raw.stdout == clean.stdout and len(raw.stdout.splitlines()) == 90


def test_training_on_cleaned_texts_gives_the_same_model(place: Path) -> None:
    model = place / "models" / "encoder"
    done = luthier("train", "clean.csv", f"model={model}", *QUICK, "--out", "other", "--quiet", cwd=place)
    assert done.returncode == 0, done.stderr
    one, two = (json.loads((place / run / "report.json").read_text("utf-8")) for run in ("run", "other"))
    assert one["scores"] == two["scores"] and one["baselines"] == two["baselines"]


def test_the_server_cleans_as_training_did(place: Path) -> None:
    from fastapi.testclient import TestClient

    from luthier.inference.artifact import load_artifact
    from luthier.production.serve import make_app

    predictor = load_artifact(place / "run")
    texts = [text for text, _ in ticket_rows(20, seed=5)]
    with TestClient(make_app([lambda: predictor], lambda error: None)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        ask: Callable[[list[str]], Any] = lambda inputs: client.post("/predict", json={"inputs": inputs}).json()  # noqa: E731
        clean = Cleaner(STEPS.split(", "))
        raw, cleaned = (ask(sent)["predictions"] for sent in ([*map(soiled, texts)], [clean(soiled(x)) for x in texts]))
        for one, other in zip(raw, cleaned, strict=True):
            assert one["label"] == other["label"] and one["score"] == pytest.approx(other["score"], abs=1e-5)


def test_evaluate_gives_raw_and_cleaned_rows_the_same_scores(place: Path) -> None:
    raw, clean = (luthier("evaluate", "run", f"{name}.csv", "--json", cwd=place) for name in ("raw", "clean"))
    assert json.loads(raw.stdout)["scores"] == json.loads(clean.stdout)["scores"]


def test_the_resolved_configuration_and_the_card_name_the_steps(place: Path) -> None:
    assert "clean:" in (place / "run" / "config.yaml").read_text("utf-8")
    assert "whitespace, html, nfc" in (place / "run" / "model" / "README.md").read_text("utf-8")
    done = luthier("train", "raw.csv", f"data.clean={STEPS}", "--resume", "--out", "run", "--quiet", cwd=place)
    assert done.returncode == 0, done.stderr
    done = luthier("train", "raw.csv", "data.clean=html", "--resume", "--out", "run", "--quiet", cwd=place)
    assert done.returncode == 2 and "data.clean" in done.stderr


def test_duplicates_are_told_by_the_cleaned_text(tmp_path: Path) -> None:
    rows = [*ticket_rows(30), (soiled("one two"), "billing"), ("one\n\n\ntwo&", "billing")]
    data = write_csv(tmp_path / "tickets.csv", ["text", "label"], rows)
    for words, found in (((), False), ((f"data.clean={STEPS}",), True)):
        said = json.loads(luthier("check", data, *words, "--json").stdout)
        assert ("exact-duplicate" in [finding["code"] for finding in said["findings"]]) == found


def test_a_row_of_which_nothing_is_left_cannot_be_used(tmp_path: Path, models: TinyModels) -> None:
    data = write_csv(tmp_path / "tickets.csv", ["text", "label"], [*ticket_rows(30), ("<br><br>", "billing")])
    done = luthier("train", data, f"model={models.encoder}", "data.clean=html", "--out", tmp_path / "run")
    assert done.returncode == 2 and "tickets.csv:32: nothing is left of the text '<br><br>'" in done.stderr


def test_a_codec_without_cleaning_is_written_and_read_as_ever(tmp_path: Path, models: TinyModels) -> None:
    codec = bench("classification", models.encoder).codec
    codec.save(tmp_path)
    content = json.loads((tmp_path / "codec.json").read_text("utf-8"))
    assert content["format"] == 1 and "clean" not in content


def test_an_older_version_would_not_pass_over_the_cleaning(place: Path) -> None:
    content = json.loads((place / "run" / "model" / "codec.json").read_text("utf-8"))
    assert (content["format"], content["clean"]) == (2, ["nfc", "html", "whitespace"])
    assert Codec.load(place / "run" / "model", catalog.task).clean == ("nfc", "html", "whitespace")


def test_a_model_that_cleans_by_an_unknown_step_is_refused(place: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(place / "run" / "model", tmp_path / "model")
    path = tmp_path / "model" / "codec.json"
    path.write_text(path.read_text("utf-8").replace('"html"', '"shine"'), "utf-8")
    with pytest.raises(ModelError, match="shine"):
        Codec.load(tmp_path / "model", catalog.task)


@pytest.mark.parametrize("written", ["data.clean=html,htlm", "data.clean=[html, htlm]"])
def test_an_unknown_step_is_refused_where_it_is_written(written: str, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "tickets.csv", ["text", "label"], ticket_rows(30))
    done = luthier("check", data, written)
    assert done.returncode == 2
    assert "'htlm'" in done.stderr and "did you mean 'html'?" in done.stderr and written in done.stderr
