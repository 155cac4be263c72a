"""A run on sets with shares says how often it showed each, and is resumed to the same bits."""

from pathlib import Path

import pytest

from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK, digest, luthier, report

pytestmark = pytest.mark.slow


def test_what_was_shown_of_each_set_is_told_and_a_resume_ends_with_the_same_bits(
    models: TinyModels, tmp_path: Path
) -> None:
    rows = ticket_rows(120)
    write_csv(tmp_path / "mine.csv", ["text", "label"], rows[:40])
    write_csv(tmp_path / "general.csv", ["text", "label"], rows[40:])
    words = ["train", "mine.csv", "data.mix={general.csv: 0.5}", *QUICK, f"model={models.dropout_encoder}"]
    done = luthier(*words, "--out", "whole", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "an epoch shows" in done.stdout
    sets = {one["name"]: one for one in report(tmp_path / "whole")["mixture"]}
    assert {name: one["epoch"] for name, one in sets.items()} == {"mine.csv": 28, "general.csv": 28}
    assert {name: one["shown"] for name, one in sets.items()} == {"mine.csv": 84, "general.csv": 84}
    assert "shown in all" in (tmp_path / "whole" / "report.html").read_text(encoding="utf-8")

    assert luthier(*words, "train.keep=99", "--out", "half", cwd=tmp_path).returncode == 0
    for name in ("report.json", "checkpoints/checkpoint-21"):  # as if it had been stopped before the last evaluation
        path = tmp_path / "half" / name
        path.unlink() if path.is_file() else path.rename(tmp_path / "gone")
    done = luthier(*words, "--out", "half", "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "going on after step 20" in done.stdout
    assert digest(tmp_path / "half") == digest(tmp_path / "whole")
    assert report(tmp_path / "half")["mixture"] == report(tmp_path / "whole")["mixture"]
