"""What a refused training names as a remedy lets it go on when it is pasted behind the same command."""

from __future__ import annotations

from pathlib import Path

import pytest

from bad_data.pasting import codes, runnable, told
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK, luthier

REFUSED = [
    (("balance=threshold", "data.split.validation=0"), "conflict", "data.split.validation=0.1"),
    (("train.max_length=100000",), "out-of-range", "train.max_length=…"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("keys", "code", "paste"), REFUSED, ids=lambda part: str(part))
def test_a_training_goes_on_with_the_remedy(
    keys: tuple[str, ...], code: str, paste: str, models: TinyModels, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "tickets.csv", ["body", "team"], ticket_rows(60))
    words = (f"model={models.encoder}", *QUICK, "train.epochs=1", *keys)
    done = luthier("train", data.name, *words, "--json", cwd=tmp_path)
    assert done.returncode == 2 and codes(done) == {code}, done.stderr
    (fix,) = runnable(told(done)[0]["fix"], code)
    assert fix.startswith(paste.rstrip("…"))
    again = luthier("train", data.name, *words, fix, "--quiet", cwd=tmp_path)
    assert again.returncode in (0, 1), again.stderr


@pytest.mark.slow
def test_a_folder_that_is_in_the_way_is_overwritten_or_gone_on_with_as_the_remedy_says(
    models: TinyModels, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "tickets.csv", ["body", "team"], ticket_rows(60))
    words = ("train", data.name, f"model={models.encoder}", *QUICK, "train.epochs=1", "--out", "run")
    assert luthier(*words, "--quiet", cwd=tmp_path).returncode in (0, 1)
    done = luthier(*words, "--json", cwd=tmp_path)
    assert codes(done) == {"run-finished"}
    assert runnable(told(done)[0]["fix"], "run-finished")[-1] == "--overwrite"
    assert luthier(*words, "--overwrite", "--quiet", cwd=tmp_path).returncode in (0, 1)
