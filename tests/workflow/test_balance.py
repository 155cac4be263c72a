"""Rare classes in a run: the remedy is chosen once and kept; what cannot be balanced is refused."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.config.settings import load_settings
from luthier.errors import ConfigError
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import digest
from workflow.test_run import Screen

pytestmark = pytest.mark.slow


QUICK: dict[str, Any] = {
    "train": {"epochs": 3, "batch_size": 8, "learning_rate": 3e-3, "precision": "fp32", "save_every": 2, "keep": 20}
}


def unequal(folder: Path, rare: int = 6) -> Path:
    """Two common classes and a rare one, whose words often stand in the others' texts."""
    rows = ticket_rows(240)
    few = [row for row in rows if row[1] == "refund"][:rare]
    return write_csv(folder / "a.csv", ["text", "label"], [row for row in rows if row[1] != "refund"] + few)


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Screen]:
    from tiny import write_tiny_models

    folder = tmp_path_factory.mktemp("balance")
    models, screen = write_tiny_models(folder / "models"), Screen()
    run = luthier.train(
        unequal(folder), model=str(models.dropout_encoder), out=str(folder / "run"), screen=screen, **QUICK
    )
    return run, screen


def test_left_to_luthier_the_remedies_are_compared_and_the_table_is_shown(chosen: tuple[Any, Screen]) -> None:
    run, screen = chosen
    story = run.report["balance"]
    names = {candidate["name"] for candidate in story["comparison"]["candidates"]}
    assert names > {"none", "oversample", "weighted_loss", "focal", "threshold"}
    (table,) = (table for table in screen.tables if {row[0] for row in table} == names)
    assert all("[" in row[1] and "[" in row[2] for row in table)
    assert any(line.startswith(f"balance={story['method']}: ") for line in screen.said)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Rare classes" in page and "effective_number" in page
    (choice,) = (choice for choice in run.report["choices"] if choice["key"] == "balance")
    assert choice["value"] == story["method"] == story["comparison"]["chosen"] and choice["reason"]


def test_the_resolved_configuration_holds_the_choice_and_a_resume_does_not_choose_anew(
    chosen: tuple[Any, Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = chosen
    assert load_settings(run.folder / "config.yaml").balance["method"] == run.report["balance"]["method"]
    before, comparison = digest(run.folder), run.report["balance"]["comparison"]
    unfinish(run.folder)
    monkeypatch.setattr("luthier.balancing.choose.compare", None)
    again = luthier.train(out=str(run.folder), resume=True)
    assert digest(run.folder) == before
    assert again.report["balance"]["comparison"] == comparison


@pytest.mark.slow
def test_a_run_that_was_killed_before_the_choice_chooses_on_resume(models: TinyModels, tmp_path: Path) -> None:
    how: dict[str, Any] = {"model": str(models.encoder), "out": str(tmp_path / "run"), **QUICK}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("luthier.balancing.choose.compare", interrupt)
        luthier.train(unequal(tmp_path), **how)
    assert load_settings(tmp_path / "run" / "config.yaml").balance == {"method": "auto"}
    run = luthier.train(out=str(tmp_path / "run"), resume=True)
    assert run.report["balance"]["method"] == run.report["balance"]["comparison"]["chosen"]


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def unfinish(folder: Path, steps: int = 0) -> None:
    """As if the run had been killed: no report, no model, and no checkpoint after `steps` where that is given."""
    for name in ("report.json", "report.html", "predictions.csv"):
        (folder / name).unlink()
    shutil.rmtree(folder / "model")
    for path in (folder / "checkpoints").iterdir():
        if steps and int(path.name.rpartition("-")[2]) > steps:
            shutil.rmtree(path)


@pytest.mark.slow
@pytest.mark.parametrize("balance", [{"method": "oversample", "ratio": 2.0}, {"method": "undersample", "ratio": 2.0}])
def test_a_resume_in_the_middle_of_sampled_epochs_is_bitwise_the_same(
    balance: dict[str, Any], models: TinyModels, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"model": str(models.dropout_encoder), "balance": balance, **QUICK}
    run = luthier.train(unequal(tmp_path), out=str(tmp_path / "run"), **how)
    before, history = digest(run.folder), run.report["history"]
    for steps in (2, run.report["steps"]["done"] // 2 // 2 * 2):
        unfinish(run.folder, steps)
        again = luthier.train(out=str(run.folder), resume=True)
        assert digest(run.folder) == before
        assert again.report["history"] == history


def test_equal_classes_need_no_comparison(models: TinyModels, tickets: Path, tmp_path: Path) -> None:
    screen = Screen()
    run = luthier.train(tickets, model=str(models.encoder), out=str(tmp_path / "run"), screen=screen, **QUICK)
    assert run.report["balance"]["method"] == "none" and run.report["balance"]["comparison"] is None
    assert not (run.folder / "balance.json").exists()
    assert "Rare classes" not in (run.folder / "report.html").read_text(encoding="utf-8")


def test_what_does_not_fit_is_refused_before_anything_is_written(
    models: TinyModels, tickets: Path, tmp_path: Path
) -> None:
    how: dict[str, Any] = {"model": str(models.encoder), "out": str(tmp_path / "run")}
    with pytest.raises(ConfigError, match=r"balance: threshold is chosen on validation rows[^$]*validation=0.1"):
        luthier.train(tickets, balance="threshold", data={"split": {"test": 0.2}}, **how)
    with pytest.raises(ConfigError, match=r"balance.ratio: is 0.1[^$]*from 1"):
        luthier.train(tickets, balance={"method": "oversample", "ratio": 0.1}, **how)
    assert not (tmp_path / "run").exists()


def test_a_task_without_classes_has_nothing_to_balance() -> None:
    from luthier.task import Task

    with pytest.raises(ConfigError, match=r"has no classes to balance[^$]*balance=none") as caught:
        Task.row_classes(luthier_task(), ["a"])
    assert caught.value.problems[0].code == "conflict"


def luthier_task() -> Any:
    from luthier.tasks.classification import Classification

    return Classification()
