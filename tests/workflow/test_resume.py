"""A run that was interrupted, wherever, ends with the same bits as one that was not. The model has dropout."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from workflow.helpers import ENVIRONMENT as SETTINGS
from workflow.helpers import QUICK, Done, command, digest, report
from workflow.helpers import luthier as at_once
from workflow.helpers import process as luthier

pytestmark = pytest.mark.slow
ENVIRONMENT = {**os.environ, **SETTINGS}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny import ticket_rows, write_csv, write_tiny_models

    folder = tmp_path_factory.mktemp("resume")
    write_tiny_models(folder / "models")
    write_csv(folder / "tickets.csv", ["text", "label"], ticket_rows(80))
    return folder


def words(place: Path, out: str, *more: str) -> list[str]:
    model = place / "models" / "dropout_encoder"
    return ["train", str(place / "tickets.csv"), *QUICK, f"model={model}", "--out", str(place / out), "--quiet", *more]


@pytest.fixture(scope="module")
def unhurt(place: Path) -> Path:
    done = luthier(*words(place, "unhurt"))
    assert done.returncode == 0, done.stderr
    return place / "unhurt"


def start(place: Path, out: str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*words(place, out, *more)), env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for_checkpoint(run: Path, step: int, process: subprocess.Popen[str]) -> None:
    while not (run / "checkpoints" / f"checkpoint-{step}").exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)


def resume(place: Path, out: str, unhurt: Path) -> Done:
    """Goes on in this process, which is quick; test_two_kills_in_a_row goes on in one of its own as well."""
    done = at_once(*words(place, out, "--resume"))
    assert done.returncode == 0, done.stderr
    assert digest(place / out) == digest(unhurt)
    assert report(place / out)["scores"] == report(unhurt)["scores"]
    left = [path for path in (place / out).rglob("*") if path.name.startswith((".tmp-", ".trash-"))]
    assert left == []
    steps = [json.loads(line) for line in (place / out / "metrics.jsonl").read_text("utf-8").splitlines()]
    numbers = [entry["step"] for entry in steps if "loss" in entry]
    assert numbers == list(range(1, max(numbers) + 1))  # no line lost, none doubled
    return done


@pytest.mark.parametrize("kill", range(4))
def test_a_kill_at_a_random_moment_loses_nothing(kill: int, place: Path, unhurt: Path) -> None:
    process = start(place, f"kill{kill}")
    wait_for_checkpoint(place / f"kill{kill}", random.Random(kill).choice([2, 4, 6, 8]), process)
    time.sleep(random.Random(kill).random() * 0.2)
    process.kill()
    process.wait()
    resume(place, f"kill{kill}", unhurt)


def test_two_kills_in_a_row_lose_nothing(place: Path, unhurt: Path) -> None:
    for step in (2, 6):
        process = start(place, "twice", *(["--resume"] if step == 6 else []))
        wait_for_checkpoint(place / "twice", step, process)
        process.kill()
        process.wait()
    resume(place, "twice", unhurt)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)])
def test_a_signal_ends_the_step_saves_and_names_the_command_that_goes_on(
    number: signal.Signals, code: int, place: Path, unhurt: Path
) -> None:
    out = f"signal{number}"
    process = start(place, out)
    wait_for_checkpoint(place / out, 2, process)
    begin = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == code, errors
    assert time.monotonic() - begin < 10
    assert "interrupted after step" in errors and f"luthier train --resume --out {place / out}" in errors
    resume(place, out, unhurt)


def test_a_kill_after_the_last_step_goes_straight_to_the_test(place: Path, unhurt: Path) -> None:
    import shutil

    shutil.copytree(unhurt, place / "late")
    for name in ("report.json", "report.html", "predictions.csv"):
        (place / "late" / name).unlink()
    resume(place, "late", unhurt)
    written = [(run / "metrics.jsonl").read_bytes() for run in (place / "late", unhurt)]
    assert written[0] == written[1]  # no step was trained again
    assert (place / "late" / "report.html").is_file() and (place / "late" / "predictions.csv").is_file()


def test_without_a_checkpoint_it_starts_at_step_0_and_says_so(place: Path, unhurt: Path) -> None:
    process = start(place, "early")
    while not (place / "early" / "config.yaml").exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.002)
    process.kill()
    process.wait()
    done = luthier(*[w for w in words(place, "early", "--resume") if w != "--quiet"])
    assert done.returncode == 0, done.stderr
    assert "no checkpoint was saved yet: starting at step 0" in done.stdout
    assert digest(place / "early") == digest(unhurt)


def unfinished(place: Path, unhurt: Path, name: str) -> Path:
    """A run that stopped before its end."""
    import shutil

    shutil.copytree(unhurt, place / name)
    for file in ("report.json", "report.html", "predictions.csv"):
        (place / name / file).unlink()
    shutil.rmtree(place / name / "model")
    return place / name


def test_resume_alone_takes_the_newest_unfinished_run(place: Path, unhurt: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    unfinished(place, unhurt, "alone").rename(tmp_path / "runs" / "alone")
    done = luthier("train", "--resume", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert digest(tmp_path / "runs" / "alone") == digest(unhurt)
    again = luthier("train", "--resume", cwd=tmp_path)
    assert again.returncode == 2 and "holds no unfinished run" in again.stderr


def test_data_that_changed_in_between_are_refused(place: Path, unhurt: Path) -> None:
    run = unfinished(place, unhurt, "changed")
    data = place / "tickets.csv"
    whole = data.read_bytes()
    data.write_bytes(whole + b"one more parcel,delivery\n")
    try:
        done = luthier("train", "--resume", "--out", run)
    finally:
        data.write_bytes(whole)
    assert done.returncode == 2
    assert "tickets.csv" in done.stderr and "was" in done.stderr


def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_taken(place: Path, unhurt: Path) -> None:
    run = unfinished(place, unhurt, "damaged")
    newest = max((run / "checkpoints").iterdir(), key=lambda path: int(path.name.split("-")[1]))
    (newest / "weights.safetensors").write_bytes(b"cut")
    done = luthier("train", "--resume", "--out", run)
    assert done.returncode == 0, done.stderr
    assert f"{newest.name} is passed over: weights.safetensors is not as it was written" in done.stderr
    assert digest(run) == digest(unhurt)


def test_when_all_checkpoints_are_damaged_it_is_refused_with_the_list(place: Path, unhurt: Path) -> None:
    run = unfinished(place, unhurt, "hopeless")
    for checkpoint in (run / "checkpoints").iterdir():
        (checkpoint / "state.json").write_text("{}", encoding="utf-8")
    done = luthier("train", "--resume", "--out", run)
    assert done.returncode == 2
    assert done.stderr.count("state.json is not as it was written") == 2


def test_a_second_process_is_refused_at_once_and_the_first_goes_on(place: Path, unhurt: Path) -> None:
    process = start(place, "locked")
    wait_for_checkpoint(place / "locked", 2, process)
    process.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    second = luthier(*words(place, "locked", "--resume"))
    assert time.monotonic() - begin < 5
    process.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert f"is in use by pid {process.pid}" in second.stderr
    process.communicate()
    assert process.returncode == 0
    assert digest(place / "locked") == digest(unhurt)


def test_a_closed_output_does_not_stop_training(place: Path, unhurt: Path) -> None:
    process = subprocess.Popen(
        command(*[w for w in words(place, "piped") if w != "--quiet"]),
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 0
    assert digest(place / "piped") == digest(unhurt)


def test_a_smaller_memory_or_more_checkpoints_may_be_asked_for_on_a_resume(place: Path, unhurt: Path) -> None:
    run = unfinished(place, unhurt, "harmless")
    done = luthier("train", "--resume", "--out", run, "train.keep=1", "train.max_tokens=64")
    assert done.returncode == 0, done.stderr
    assert "the result may differ in its last bits" in done.stdout
