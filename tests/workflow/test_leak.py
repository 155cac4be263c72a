"""A run says what copies on both sides of a split are worth: of its own parts, or of the split that it did not make."""

from pathlib import Path

import pytest

import luthier
from tiny import TinyModels, ticket_rows, write_csv
from workflow.test_run import QUICK, Screen

pytestmark = pytest.mark.slow


def test_copies_are_kept_on_one_side_and_what_a_plain_split_would_gain_is_said(
    models: TinyModels, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "tickets.csv", ["text", "label"], ticket_rows(60) * 2)
    screen = Screen()
    run = luthier.train(data, model=str(models.encoder), out=str(tmp_path / "out"), screen=screen, **QUICK)
    leak = run.report["leak"]
    assert leak["would"] and leak["exact"] > 10 and leak["rows"] == 24
    assert leak["sentence"] in screen.said and "TF-IDF" in leak["sentence"]


def test_rows_of_a_given_test_that_training_has_are_scored_apart(models: TinyModels, tmp_path: Path) -> None:
    rows = ticket_rows(60)
    data = write_csv(tmp_path / "train.csv", ["text", "label"], rows)
    new = ticket_rows(40, 9)
    test = write_csv(tmp_path / "test.csv", ["text", "label"], [*rows[:3], *new])
    screen = Screen()
    run = luthier.train(
        data, data={"test": str(test)}, model=str(models.encoder), out=str(tmp_path / "out"), screen=screen, **QUICK
    )  # fmt: skip
    leak = run.report["leak"]
    assert not leak["would"] and leak["rows"] == 43 and leak["exact"] >= 3
    assert leak["everywhere"] == run.test["accuracy"] and leak["sentence"] in screen.said
