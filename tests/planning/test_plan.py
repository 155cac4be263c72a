"""luthier plan: what it says comes true, what it changes fits, and what breaks is told."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from luthier.config.settings import load_settings
from luthier.planning.child import Failed, run_probe
from luthier.planning.fitting.apply import apply
from luthier.planning.fitting.change import changed
from luthier.planning.probe import Probed
from luthier.progress import SILENT, Progress, Tracker
from tiny import TinyModels, ticket_rows, write_csv
from workflow.helpers import QUICK, Done, luthier, report


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("plan")
    write_csv(made / "tickets.csv", ["text", "label"], ticket_rows(60))
    return made


@pytest.fixture(scope="module")
def words(folder: Path, models: TinyModels) -> list[str]:
    return [str(folder / "tickets.csv"), f"model={models.dropout_encoder}", *QUICK]


@pytest.fixture(scope="module")
def planned(folder: Path, words: list[str]) -> dict[str, Any]:
    done = luthier("plan", *words, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def told(folder: Path, words: list[str]) -> str:
    """What the run itself says."""
    done = luthier("train", *words, "--out", folder / "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def ran(folder: Path, told: str) -> Path:
    assert told
    return folder / "run"


@pytest.mark.slow
def test_the_run_is_what_the_plan_said(planned: dict[str, Any], ran: Path) -> None:
    found = report(ran)
    assert planned["steps"] == found["steps"]["planned"]
    assert planned["parameters"] == found["parameters"]
    assert planned["trained_parameters"] == found["trained_parameters"]


@pytest.mark.slow
def test_the_run_tells_its_steps_and_the_same_kind_of_estimate_before_the_first_of_them(
    planned: dict[str, Any], told: str
) -> None:
    line = f"{planned['epochs']} epochs of {planned['steps_per_epoch']} steps, on cpu in fp32; reckoned: "
    assert line in told and told.index(line) < told.index("epoch 1: validation")


@pytest.mark.slow
def test_the_disk_holds_what_the_plan_said(planned: dict[str, Any], ran: Path) -> None:
    kept = sum(path.stat().st_size for path in (ran / "checkpoints").rglob("*.safetensors"))
    assert planned["disk"]["checkpoints"] == pytest.approx(kept, rel=0.1)


@pytest.mark.slow
def test_real_steps_confirm_the_plan(planned: dict[str, Any]) -> None:
    assert planned["confirmed"] and planned["fits"] and planned["failed"] is None
    assert planned["reckoned"]["peak_memory_bytes"] != planned["peak_memory_bytes"]
    assert planned["peak_memory_bytes"] == max(planned["at_once"].values())
    assert planned["train_seconds"] > 0 and planned["total_seconds"] > planned["train_seconds"]


@pytest.mark.slow
def test_a_plan_leaves_nothing_behind(planned: dict[str, Any], folder: Path) -> None:
    assert planned and {path.name for path in folder.iterdir()} <= {"tickets.csv", "run"}


class _Killer(Progress):
    """Kills the child as soon as it has said something: as a system does that is out of memory."""

    @contextlib.contextmanager
    def track(self, what: str, total: float) -> Iterator[Tracker]:
        class Kill(Tracker):
            def advance(self, units: float = 1, note: str = "") -> None:
                children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
                os.kill(int(children[-1]), signal.SIGKILL)

        yield Kill()


@pytest.mark.slow
def test_a_probe_reads_what_frozen_layers_give_as_its_run_would_and_keeps_nothing(words: list[str]) -> None:
    found, data = {}, {"data.train": words[0]}
    for method in ("head", "full"):
        settings = load_settings(None, [*words[1:], f"tuning.method={method}", "train.epochs=3"], data)
        found[method] = run_probe(settings, SILENT, budget=1.0)
    head, full = found["head"], found["full"]
    assert isinstance(head, Probed) and isinstance(full, Probed)
    assert head.timed.once > 0 == full.timed.once
    assert not list(Path(os.environ["LUTHIER_CACHE"]).glob(".tmp-*"))


@pytest.mark.slow
def test_a_probe_that_the_system_kills_is_told_and_kills_nobody_else(words: list[str]) -> None:
    settings = load_settings(None, words[1:], {"data.train": words[0]})
    found = run_probe(settings, _Killer(), budget=1.0)
    assert (
        isinstance(found, Failed) and "killed by the system" in found.sentence and "reading the data" in found.sentence
    )


def _config(folder: Path, words: list[str]) -> Path:
    path = folder / "luthier.yaml"
    path.write_text(
        "# mine\ntask: classification   # of tickets\n"
        f"data:\n  train: {words[0]}\n{words[1].replace('=', ': ')}\n"
        "train:\n  epochs: 100000  # far too many\n  batch_size: 8\n  patience: 0\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> tuple[Path, Done, Done]:
    """A run that takes days: the plan without --apply, and with it."""
    path = _config(tmp_path_factory.mktemp("apply"), words)
    before = path.read_text(encoding="utf-8")
    seen = luthier("plan", path, "--time", "30min", "--no-probe", "--quiet", "--json")
    assert path.read_text(encoding="utf-8") == before  # never changed unasked
    return path, seen, luthier("plan", path, "--time", "30min", "--no-probe", "--apply")


@pytest.mark.slow
def test_what_does_not_fit_ends_with_1_and_says_what_would(applied: tuple[Path, Done, Done]) -> None:
    _, seen, _ = applied
    found = json.loads(seen.stdout)
    assert seen.returncode == 1 and found["over"] == ["time"] and not found["applied"]
    fitting = [change for change in found["changes"] if change["fits"]]
    assert found["chosen"] == fitting[0]["words"] and fitting[0]["total_seconds"] <= 1800


@pytest.mark.slow
def test_apply_writes_the_first_change_that_fits_and_keeps_comments(applied: tuple[Path, Done, Done]) -> None:
    path, seen, done = applied
    written = path.read_text(encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "# mine" in written and "# of tickets" in written and "batch_size: 8" in written
    (word,) = [w for w in json.loads(seen.stdout)["chosen"] if w.startswith("train.epochs")]
    assert load_settings(path).train.epochs != 100_000 and word.startswith("train.epochs=")


@pytest.mark.slow
def test_where_nothing_fits_it_says_so_and_prints_no_change(words: list[str], folder: Path) -> None:
    done = luthier("plan", *words, "--memory", "1MiB", "--no-probe", "--apply", cwd=folder)
    assert done.returncode == 1
    assert "It does not fit" in done.stdout and "Nothing that was tried makes it fit" in done.stdout


def test_a_limit_that_is_none_is_a_mistake_of_the_users(words: list[str]) -> None:
    done = luthier("plan", *words, "--memory", "lots")
    assert done.returncode == 2 and "--memory 8GiB" in done.stderr


def test_a_changed_method_loses_the_options_of_the_former_one(tmp_path: Path) -> None:
    settings = load_settings(None, ["tuning.method=full", "tuning.layer_decay=0.9"])
    assert changed(settings, {"tuning.method": "lora", "train.max_tokens": 512}).tuning == {"method": "lora"}
    path = tmp_path / "a.yaml"
    path.write_text("tuning: {method: full, layer_decay: 0.9}  # all\ntrain:\n  # steps\n  epochs: 3\n")
    apply(path, {"tuning.method": "lora", "train.max_tokens": 512, "model": "m"})
    written = path.read_text()
    assert "# steps" in written and "layer_decay" not in written
    told = load_settings(path)
    assert (told.tuning, told.train.max_tokens, told.train.epochs, told.model) == ({"method": "lora"}, 512, 3, "m")
