"""The library as its manual shows it. Reads from top to bottom."""

from pathlib import Path

import pytest

import luthier
from luthier.errors import LuthierError
from tiny import TinyModels, ticket_rows, write_csv

QUICK = {"epochs": 3, "batch_size": 8, "learning_rate": 3e-3, "precision": "fp32"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, models: TinyModels):
    folder = tmp_path_factory.mktemp("manual")
    data = write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(200))
    return luthier.train(data, model=str(models.encoder), tuning="full", train=QUICK, out=str(folder / "run"))


def test_train_gives_a_run_with_its_test(run) -> None:
    assert run.folder.name == "run"
    assert run.test["accuracy"] == run.test.scores[1].value
    assert str(run.test).splitlines()[0].startswith("macro_f1 ")
    assert "[" in str(run.test).splitlines()[0]  # its interval
    assert run.verdict.sentence == run.report["verdict"]["sentence"]


def test_load_gives_a_model_that_answers(run) -> None:
    model = luthier.load(run.folder)
    (said,) = model.predict(["where is my parcel?"])
    assert set(said) == {"label", "score"}
    (ranked,) = model.predict(["where is my parcel?"], top_k=3)
    assert next(item["label"] for item in ranked) == said["label"]


def test_the_run_or_its_model_folder_may_stand_for_each_other(run) -> None:
    texts = ["where is my parcel?", "refund"]
    assert luthier.load(run.folder).predict(texts) == luthier.load(run.folder / "model").predict(texts)


def test_evaluate_judges_a_run_on_other_data(run, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "new.csv", ["words", "team"], ticket_rows(40, seed=8))
    found = luthier.evaluate(run.folder, data, text="words", label="team")
    assert found.report["accuracy"] > 0.5
    assert {part.by for part in found.slices} >= {"length", "label"}


def test_check_tells_what_is_wrong_with_data(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "tickets.csv", ["text", "label"], [*ticket_rows(40), ("", "billing")])
    (finding,) = luthier.check(data).findings
    assert (finding.severity, finding.code, str(finding.rows[0])) == ("error", "missing-text", f"{data}:42:text")


def test_fix_writes_a_mended_copy_and_a_log_of_every_change(tmp_path: Path) -> None:
    rows = [*ticket_rows(40), ("<b>parcel</b>  late", "delivery"), ("", "billing")]
    data = write_csv(tmp_path / "tickets.csv", ["text", "label"], rows)
    fixed = luthier.fix(data, tmp_path / "clean.csv", steps=["html", "whitespace", "drop"])
    assert fixed.changes == {"html": 1, "whitespace": 1, "drop": 1}
    assert "parcel late,delivery" in fixed.out.read_text(encoding="utf-8")
    assert len(fixed.log.read_text(encoding="utf-8").splitlines()) == 3
    assert luthier.check(fixed.out).findings == []


@pytest.mark.slow
def test_texts_can_be_cleaned_in_training_and_whenever_the_model_answers(models: TinyModels, tmp_path: Path) -> None:
    rows = [(f"<p>{text}</p>", label) for text, label in ticket_rows(60)]
    data = write_csv(tmp_path / "pages.csv", ["text", "label"], rows)
    run = luthier.train(data, model=str(models.encoder), train=QUICK, data={"clean": ["html"]}, out=tmp_path / "run")
    model = luthier.load(run.folder)
    assert model.predict(["<p>where is my parcel?</p>"]) == model.predict(["where is my parcel?"])


@pytest.mark.slow
def test_any_key_of_the_configuration_can_be_given(models: TinyModels, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "tickets.csv", ["body", "team"], ticket_rows(60))
    run = luthier.train(
        data,
        model=str(models.encoder),
        text="body",
        label="team",
        seed=7,
        data={"split": {"test": 0.3, "validation": 0.1}},
        tuning={"method": "lora", "r": 4},
        train={"epochs": 1},
        out=tmp_path / "run",
    )
    assert run.report["split"]["seed"] == 7 and run.report["split"]["test"] == 18
    assert run.report["tuning"] == {"method": "lora", "r": 4}


def test_a_mistake_is_an_exception_that_says_where_what_and_the_remedy(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "tickets.csv", ["body", "team"], ticket_rows(60))
    with pytest.raises(LuthierError, match=r"unknown setting 'train\.epoch'\n.*did you mean 'train\.epochs'"):
        luthier.train(data, train={"epoch": 3})
    with pytest.raises(LuthierError, match="no such file"):
        luthier.train(tmp_path / "nothing.csv")


def test_an_input_of_another_kind_is_refused(run) -> None:
    with pytest.raises(LuthierError, match="is no text"):
        luthier.load(run.folder).predict([3])


def test_importing_the_library_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    code = "import sys, luthier; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False False")
