"""The server behind the page: who is let in, what becomes of what it is told, and how a run is read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from luthier import catalog
from luthier.errors import ConfigError
from luthier.formats.known import all_formats
from luthier.language import speaking, t
from luthier.registry import runs_within
from luthier.workbench.app import STATIC, make_app
from luthier.workbench.asked import Asked
from luthier.workbench.choices import choices
from luthier.workbench.live import Since, live, thinned
from luthier.workbench.logs import problems_in, told
from luthier.workbench.uploads import safe_name

OWN = {"origin": "http://127.0.0.1:8730", "cookie": "luthier-8730=secret"}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    app = make_app(tmp_path_factory.mktemp("runs"), "secret", 8730)
    with TestClient(app, base_url="http://127.0.0.1:8730", headers=OWN) as client:
        yield client


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"cookie": ""}, 401, "no-token"),
        ({"cookie": "luthier-8730=wrong"}, 401, "no-token"),
        ({"origin": "http://127.0.0.1:9999"}, 403, "other-origin"),
        ({"origin": "null"}, 403, "other-origin"),
        ({"sec-fetch-site": "same-site"}, 403, "other-origin"),
        ({"host": "evil.example:8730"}, 421, "wrong-host"),
        ({}, 422, "no-such-run"),
    ],
)
def test_only_its_own_page_may_drive_it(page: TestClient, changed: dict[str, str], status: int, code: str) -> None:
    reply = page.post("/api/stop", json={"run": "none"}, headers=changed)
    said = reply.json()
    assert (reply.status_code, said["error"]["code"] if "error" in said else said["problems"][0]["code"]) == (
        status,
        code,
    )


def test_the_address_is_the_key_and_becomes_a_cookie_that_no_script_reads(page: TestClient) -> None:
    reply = page.get("/?token=secret", headers={"cookie": "", "sec-fetch-site": "cross-site"})
    assert reply.status_code == 200 and "HttpOnly; SameSite=Strict" in reply.headers["set-cookie"]
    refused = page.get("/?token=other", headers={"cookie": ""})
    assert refused.status_code == 401 and "set-cookie" not in refused.headers and "密钥" in refused.text


def test_the_policy_lets_the_page_load_its_own_files_alone(page: TestClient) -> None:
    policy = page.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'") and "unsafe" not in policy
    for file in (path for path in STATIC.rglob("*") if path.suffix in (".html", ".js", ".css")):
        text = re.sub(r'"http://www\.w3\.org/2000/svg"', "", file.read_text("utf-8"))
        assert not re.search(r"https?://(?!127)|\bstyle=|\bon\w+=\"", text), file
        assert len(text.splitlines()) <= 300, file


@pytest.mark.parametrize("name", ["../out", "/etc", "", ".", "uploads/../../x"])
def test_no_name_of_a_run_leads_out_of_their_folder(page: TestClient, name: str) -> None:
    for route in ("/api/run", "/api/live", "/report", "/api/fields"):
        assert page.get(route, params={"run": name}).json()["problems"][0]["code"] == "no-such-run"


def test_an_uploaded_file_gets_a_tame_name_and_is_not_doubled(page: TestClient) -> None:
    first = page.put("/api/uploads", params={"name": "../../a;b.csv"}, content=b"text,label\nx,y\n").json()["data"]
    again = page.put("/api/uploads", params={"name": "a;b.csv"}, content=b"text,label\nx,y\n").json()["data"]
    other = page.put("/api/uploads", params={"name": "a;b.csv"}, content=b"text,label\nx,z\n").json()["data"]
    assert first == again and Path(first).name == "a-b.csv" and Path(other).name == "a-b-2.csv"
    assert page.put("/api/uploads", params={"name": "e"}, content=b"").json()["problems"][0]["code"] == "empty"
    look = page.get("/api/data", params={"data": other}).json()
    assert look["columns"] == ["text", "label"] and look["rows"] == [{"text": "x", "label": "z"}]
    assert [safe_name(name) for name in ("..", "--help", "工单.csv", "C:\\a\\b.csv")] == [
        "data",
        "help",
        "工单.csv",
        "b.csv",
    ]


def test_a_mistake_is_told_in_the_language_of_the_page(page: TestClient) -> None:
    said = [page.get("/api/run", params={"run": "x"}, headers={"x-luthier-language": name}).json()["problems"][0]
            for name in ("en", "zh")]  # fmt: skip
    assert [one["message"] for one in said] == ["no such run", "运行不存在"]
    with speaking("zh"):
        assert t("no such run") == "运行不存在"
    assert t("no such run") == "no such run"


def test_what_is_chosen_becomes_words_and_never_options(tmp_path: Path) -> None:
    asked = Asked(data="a.csv", task="ner", columns={"text": "body", "label": ""}, strategies=["lora"], epochs=3,
                  model="m", more=["train.batch_size=8"])  # fmt: skip
    assert asked.training_words(Path("runs/a-1")) == [
        "a.csv", "--task", "ner", "data.columns.text=body", "train.batch_size=8", "--model", "m",
        "tuning.method=lora", "train.epochs=3", "--out", "runs/a-1",
    ]  # fmt: skip
    several = Asked(data="a.csv", strategies=["head", "lora"]).training_words(Path("r"))
    assert several == ["a.csv", "--strategies", "head,lora", "--out", "r"]
    for bad in (
        {"data": "--help"},
        {"data": "out=/etc"},
        {"data": "a", "more": ["--out=x"]},
        {"data": "a", "more": ["out=x"]},
    ):
        with pytest.raises(ConfigError):
            Asked.model_validate(bad).words()


def test_a_run_is_read_from_where_it_was_read_to_and_anew_after_it_was_cut(tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    run.mkdir()
    (run / "run.json").write_text('{"run_id": "a", "started": 1}')
    (run / "run.lock").write_text("pid 1 on vm since now")
    lines = [json.dumps({"step": n, "loss": 1.0}) + "\n" for n in (1, 2, 3)]
    (run / "metrics.jsonl").write_text("".join(lines[:2]) + lines[2][:5])
    log.write_text('$ luthier train a\nhello\n{"code": "x", "message": "m", "fix": "f"}\n')
    first = live(run, log, Since(), starting=False)
    assert [e["step"] for e in first["entries"]] == [1, 2] and first["state"] == "unfinished"
    assert first["log"] == "$ luthier train a\nhello\n" and first["problems"][0]["message"] == "m"
    (run / "metrics.jsonl").write_text("".join(lines))
    since = Since(first["begun"], first["at"], first["said"])
    assert [e["step"] for e in live(run, log, since, starting=False)["entries"]] == [3]
    (run / "run.lock").write_text("pid 2 on vm since later")
    assert [e["step"] for e in live(run, log, since, starting=False)["entries"]] == [1, 2, 3]


def test_a_long_curve_is_thinned_and_no_evaluation_is_lost() -> None:
    entries: list[dict[str, Any]] = [{"step": n, "loss": 0.0} for n in range(1, 10_001)]
    entries[5000:5000] = [{"step": 5000, "epoch": 1.0, "validation": {}}]
    kept = thinned(entries)
    assert len(kept) <= 1502 and kept[-1]["step"] == 10_000 and sum("epoch" in one for one in kept) == 1


def test_a_log_is_told_as_a_terminal_shows_it() -> None:
    assert told("a\rb\rc\nd\n") == "c\nd\n"
    old, new = ('{"code": "a", "message": "m", "fix": "f"}', '{"code": "b", "message": "m", "fix": "f"}')
    assert [p["code"] for p in problems_in(f"$ luthier a\n{old}\n$ luthier b\n{new}\n")] == ["b"]


def test_the_page_has_words_for_all_that_can_be_chosen_in_both_languages() -> None:
    tables = {name: json.loads((STATIC / "words" / f"{name}.json").read_text("utf-8")) for name in ("en", "zh")}
    assert tables["en"].keys() == tables["zh"].keys()
    places = {
        name: {key: set(re.findall(r"\{\w+\}", text)) for key, text in table.items()} for name, table in tables.items()
    }
    assert places["en"] == places["zh"]
    wanted = {f"task.{name}" for name in catalog.task_names()} | {f"form.{name}" for name in catalog.exporter_names()}
    wanted |= {f"strategy.{name}{more}" for name in choices()["strategies"] for more in ("", ".why")}
    wanted |= {f"format.{layout.name}" for layout in all_formats()}
    wanted |= {f"role.{column['name']}" for task in choices()["tasks"] for column in task["columns"]}
    used = {key for file in STATIC.rglob("*.js") for key in re.findall(r'\bt\("([\w.@-]+)"', file.read_text("utf-8"))}
    assert not (wanted | used) - tables["en"].keys()


def test_runs_are_found_while_a_checkpoint_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("checkpoints", "seeds/seed-1"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "seeds" / "seed-1" / "run.json").write_text("{}")
    listed = os.scandir

    def too_late(path: Path) -> Any:
        if path.name == "checkpoints":
            path.rmdir()
        return listed(path)

    monkeypatch.setattr(os, "scandir", too_late)
    assert runs_within(tmp_path) == [tmp_path / "seeds" / "seed-1"]
