from pathlib import Path

import pytest

from luthier.inference.artifact import Predictor, load_artifact
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK, luthier


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    """A run on tickets, whose classes differ by their words; of some the label is wrong."""
    folder = tmp_path_factory.mktemp("explain")
    wrong = {"refund": "billing", "billing": "delivery", "delivery": "refund"}
    rows = [(text, wrong[label] if i % 12 == 5 else label) for i, (text, label) in enumerate(ticket_rows(150))]
    write_csv(folder / "tickets.csv", ["body", "team"], rows)
    write_csv(folder / "new.csv", ["body", "team"], ticket_rows(8, seed=5))
    words = ["train", "tickets.csv", f"model={models.encoder}", *QUICK, "train.epochs=8", "--out", "run", "--quiet"]
    done = luthier(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="package")
def tuned(place: Path) -> Predictor:
    return load_artifact(place / "run", "cpu")
