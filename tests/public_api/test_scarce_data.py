"""The library for those who have too little data. Reads from top to bottom."""

from pathlib import Path

import pytest

import luthier
from luthier.errors import LuthierError
from tiny import TinyModels, ticket_rows, write_csv

pytestmark = pytest.mark.slow


QUICK = {"epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "precision": "fp32"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("scarce") / "tickets.csv", ["body", "team"], ticket_rows(120))


@pytest.fixture(scope="module")
def run(data: Path, models: TinyModels):
    """An augmented run: rows differ a little each time they are seen."""
    out = data.parent / "run"
    augment = {"method": "swap", "share": 0.2}
    return luthier.train(data, model=str(models.encoder), train=QUICK, augment=augment, out=out)


def test_curve_says_what_more_rows_would_bring(data: Path, models: TinyModels) -> None:
    found = luthier.curve(data, model=str(models.encoder), text="body", label="team", seed=3)
    assert found.metric == "macro_f1" and found.rows == 84
    assert [outlook.factor for outlook in found.forecast.outlooks] == [2, 4, 10]
    assert found.forecast.sentence.endswith(".")


def test_suggest_names_the_rows_to_label_next(run, tmp_path: Path) -> None:
    new = write_csv(tmp_path / "new.csv", ["words"], [[text] for text, _ in ticket_rows(60, seed=7)])
    found = luthier.suggest(run.folder, new, 10, text="words", seed=1)
    assert len(found.rows) == 10 and found.seen == 60
    first = found.rows[0]
    assert first.place.file == str(new) and first.answer["label"] and first.reason


def test_an_augmented_run_says_whether_it_was_of_help(run) -> None:
    assert run.report["augment"]["trial"]["helps"] in ("yes", "no", "unclear")
    with pytest.raises(LuthierError, match="did you mean 'swap'"):
        luthier.train("tickets.csv", augment="swp")


def test_a_mistake_is_an_exception(data: Path, tmp_path: Path) -> None:
    with pytest.raises(LuthierError, match="no such file"):
        luthier.curve(tmp_path / "nothing.csv")
    with pytest.raises(LuthierError, match="no such run"):
        luthier.suggest(tmp_path / "norun", data)
