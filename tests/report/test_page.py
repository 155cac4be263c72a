"""The report is one file that needs no other, runs nothing, and says the same to every reader."""

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier.errors import Place
from luthier.report.figures import confusion_matrix, error_bars, loss_curve, reliability_diagram
from luthier.report.files.predictions import safe_cell
from luthier.report.page import report_page
from luthier.tasks.classification import Classification
from luthier.types import Example

pytestmark = pytest.mark.slow

HOSTILE = '<script>alert(1)</script><img src="http://example.com/x" onerror="alert(2)">{{ 7*7 }} </style>'
LABELS = ("ok", HOSTILE, "标签")


def report(**changes: Any) -> dict[str, Any]:
    score = {"name": "macro_f1", "value": 0.5, "low": 0.4, "high": 0.6, "n": 3, "higher_is_better": True}
    return {
        "task": "classification", "model": HOSTILE, "tuning": {"method": "full"}, "judged_on": "test",
        "balance": {"method": "none", "comparison": None, "shifts": {}, "shifts_in_head": None},
        "data": {"files": {f"data/{HOSTILE}.csv": "0"}, "rows": 3, "columns": {"text": HOSTILE}, "language": "en",
                 "skipped": 0, "notes": [HOSTILE],
                 "findings": [{"code": "x", "severity": "warning", "message": HOSTILE, "fix": HOSTILE, "count": 1,
                               "rows": [{"file": HOSTILE, "line": 3, "column": None}]}]},
        "split": {"train": 1, "validation": 1, "test": 3, "seed": 42, "by": "random", "group": None},
        "scores": [score, {**score, "name": "accuracy", "low": None, "high": None}],
        "baselines": {"majority": [score], "tfidf": [score], "embeddings": [score]},
        "verdict": {"worth_it": "unclear", "sentence": HOSTILE, "baseline": "tfidf", "metric": "macro_f1",
                    "difference": 0.0, "low": -0.1, "high": 0.1},
        "details": {}, "throughput": {"tokens_per_second": 1.0, "examples_per_second": 1.0, "real_to_padded": 1.0,
                                      "utilisation": 0.5},
        "seconds": 1.0, "train_seconds": 1.0, "peak_memory_bytes": 1, "parameters": 1, "trained_parameters": 1,
        "steps": {"done": 2, "planned": 2, "best": 2, "stopped_early": ""},
        "choices": [{"key": "train.epochs", "value": 3, "reason": HOSTILE}],
        "history": [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5},
                    {"step": 2, "epoch": 1.0, "validation": {"macro_f1": 0.5, "loss": 0.6}}],
        "device": HOSTILE, "processes": 1, "versions": {"luthier": "0"}, **changes,
    }  # fmt: skip


def page(**changes: Any) -> str:
    task = Classification(labels=LABELS)
    examples = [Example(f"{HOSTILE} {i}", label, Place("a.csv", i + 2)) for i, label in enumerate(LABELS * 7)]
    predictions = [np.array([0.2, 0.7, 0.1], np.float32)] * len(examples)
    details = task.details(predictions, [example.answer for example in examples])
    return report_page(report(details=details, **changes), task, examples, predictions)


def test_what_data_and_names_hold_is_shown_and_never_run() -> None:
    text = page()
    assert "<script" not in text and '<img src="http' not in text and "49" not in text.split("</style>")[0]
    assert text.count("</style>") == 1
    assert "&lt;script&gt;" in text


def test_the_policy_allows_its_own_style_and_pictures_alone() -> None:
    text = page()
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style is not None
    expected = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{expected}'; img-src data:" in text


def test_every_picture_is_in_the_file_and_has_words_for_who_cannot_see_it() -> None:
    pictures = re.findall(r"<img ([^>]*)>", page())
    assert len(pictures) == 5
    for attributes in pictures:
        assert 'src="data:image/svg+xml;base64,' in attributes
        assert re.search(r'alt="[^"]{10,}"', attributes)


def test_text_in_pictures_is_text_so_that_every_script_is_drawn() -> None:
    picture = confusion_matrix(["晚到", "退款"], [[3, 1], [0, 2]])
    assert picture is not None
    svg = base64.b64decode(picture.split(",")[1]).decode()
    assert "晚到" in svg and "<text" in svg


@pytest.mark.slow
def test_the_page_speaks_the_users_language(monkeypatch: pytest.MonkeyPatch) -> None:
    assert '<html lang="en">' in page() and "Where the errors are" in page()
    monkeypatch.setenv("LUTHIER_LANG", "zh")
    assert '<html lang="zh">' in page() and "Where the errors are" not in page()


def test_pictures_are_the_same_for_the_same_numbers() -> None:
    history = [{"step": i, "loss": 1 / (i + 1)} for i in range(30)]
    assert loss_curve(history, 3, "macro_f1") == loss_curve(history, 3, "macro_f1")


def test_where_there_is_nothing_to_draw_there_is_no_picture() -> None:
    assert loss_curve([], 0, "macro_f1") is None
    assert confusion_matrix([str(i) for i in range(40)], [[0] * 40] * 40) is None
    assert reliability_diagram([]) is None
    assert error_bars("t", [], [], []) is None


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_cell_that_would_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert safe_cell(f"a {text}") == f"a {text}"


@pytest.mark.slow
def test_a_real_browser_shows_it_without_a_dialog_or_a_request(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    if browser is None:
        pytest.skip("no browser on this machine; CI installs one")
    (tmp_path / "report.html").write_text(page(), encoding="utf-8")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    ]
    more = ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]
    log = tmp_path / "net.json"
    done = subprocess.run(
        [browser, *flags, *more, f"--log-net-log={log}", "--dump-dom", (tmp_path / "report.html").as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Where the errors are" in done.stdout
    assert "example.com" not in log.read_text(encoding="utf-8")
