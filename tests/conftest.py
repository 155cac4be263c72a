import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tiny import TinyModels, write_tiny_models

os.environ["LUTHIER_CACHE"] = tempfile.mkdtemp(prefix="luthier-cache-")  # and not the user's
atexit.register(shutil.rmtree, os.environ["LUTHIER_CACHE"], ignore_errors=True)
gc.disable()  # nothing is garbage while files are imported, and looking for it takes seconds


_LONG = ("test_readme.py", "test_recipes.py", "workbench", "workflow", "studies", "strategies")
"""Files and folders that take minutes, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no worker is left with it at the end."""
    items.sort(
        key=lambda item: min((_LONG.index(part) for part in item.path.parts if part in _LONG), default=len(_LONG))
    )


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not walk through torch and transformers again and again."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    """Folders of tiny encoders with random weights, with and without dropout, and of one in GPT-2's kin."""
    import torch

    torch.manual_seed(0)
    return write_tiny_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages in English and no network, whatever the machine says."""
    monkeypatch.setenv("LUTHIER_LANG", "en")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    """A small file of labelled text that a tiny model can learn."""
    from tiny import ticket_rows, write_csv

    return write_csv(tmp_path / "tickets.csv", ["text", "label"], ticket_rows(60))


@pytest.fixture(scope="session")
def ticket_run(models: TinyModels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a tiny model on 150 tickets, `ticket_rows(150)`, with its data beside it in tickets.csv."""
    from tiny import ticket_rows, write_csv
    from workflow.helpers import QUICK, luthier

    folder = tmp_path_factory.mktemp("ticket-run")
    write_csv(folder / "tickets.csv", ["body", "team"], ticket_rows(150))
    words = ["train", "tickets.csv", "--text", "body", "--label", "team", *QUICK, "train.save_every=999"]
    done = luthier(*words, f"model={models.encoder}", "--out", "run", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run"
