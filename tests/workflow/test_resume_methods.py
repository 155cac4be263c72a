"""A run with adapters that goes on from a checkpoint ends with the same bits as one that was not interrupted."""

import shutil
from pathlib import Path

import pytest

from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK, luthier

pytestmark = pytest.mark.slow
FAMILIES = ["dora", "pattern", "loha", "ia3", "prompt_tuning", "p_tuning"]


@pytest.mark.parametrize("method", FAMILIES)
def test_it_resumes_to_the_same_bits(method: str, models: TinyModels, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "tickets.csv", ["text", "label"], ticket_rows(60))
    model = f"model={models.dropout_encoder}"
    words = ["train", data, *QUICK, model, f"tuning.method={method}", "train.max_length=24", "--out", tmp_path / "run"]
    assert luthier(*words).returncode == 0
    run, before = tmp_path / "run", tmp_path / "before"
    shutil.copytree(run / "model", before)
    for name in ("report.json", "report.html", "predictions.csv"):
        (run / name).unlink()
    shutil.rmtree(run / "model")
    steps = sorted((run / "checkpoints").iterdir(), key=lambda path: int(path.name.split("-")[1]))
    assert len(steps) == 2
    shutil.rmtree(steps[-1])
    done = luthier(*words, "--resume")
    assert done.returncode == 0, done.stderr
    assert f"going on after step {steps[0].name.split('-')[1]}" in done.stdout
    files = [path.relative_to(before) for path in before.rglob("*.safetensors")]
    assert len(files) == (2 if "prompt" in method or "p_tuning" in method else 1)
    for file in files:
        assert (run / "model" / file).read_bytes() == (before / file).read_bytes()
