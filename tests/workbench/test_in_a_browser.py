"""The page in a real browser: from a file to a model that is handed over, in both languages."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tiny import TinyModels, ticket_rows, write_csv
from workbench.browsing import Browser, Page, page
from workbench.looks import faults

pytestmark = pytest.mark.slow

LABELS = ("delivery", "refund", "billing")
SHORT = "train.batch_size=16\ntrain.precision=fp32\ntrain.patience=0\ndata.split.near_duplicates=false"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, models: TinyModels) -> Path:
    folder = tmp_path_factory.mktemp("ui")
    (folder / "model").symlink_to(models.encoder)
    write_csv(folder / "tickets.csv", ["text", "label"], [*ticket_rows(60), ticket_rows(60)[0]])
    write_csv(folder / "工单.csv", ["text", "label"], ticket_rows(60, seed=1))
    return folder


@pytest.fixture
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    found = Browser(getattr(request, "param", "en"), tmp_path / "profile")
    yield found
    found.driver.quit()


def upload(browser: Browser, opened: Page, file: Path) -> None:
    browser.driver.get(opened.opened)
    browser.wait("#file", until=lambda element: True).send_keys(str(file))
    browser.wait("#findings .head, #findings h3")


def choose(browser: Browser, model: str, epochs: int) -> None:
    browser.wait("input[list=models]").send_keys(model, "\t")
    browser.wait("input[type=number]").send_keys(str(epochs), "\t")
    browser.run(
        "[...document.querySelectorAll('summary')].find((e) => e.parentElement.querySelector('textarea')).click()"
    )
    browser.wait("textarea").send_keys(SHORT, "\t")
    browser.wait(".command code", until=lambda element: f"train.epochs={epochs}" in element.text)


def try_it(browser: Browser, text: str) -> str:
    browser.click(".tabs a[href$='/try']")
    browser.wait("textarea").send_keys(text)
    browser.click("#ask")
    return browser.wait("#answer .answer").text


def hand_over(browser: Browser, run: Path) -> dict[str, Any]:
    browser.click(".tabs a[href$='/handover']")
    browser.run("document.getElementById('form').value = 'merged'")
    browser.click("#export")
    browser.wait(".export")
    return json.loads((run / "exports" / "merged" / "export.json").read_text("utf-8"))


def test_from_a_file_to_an_exported_model(browser: Browser, home: Path) -> None:
    with page(home) as opened:
        upload(browser, opened, home / "tickets.csv")
        assert (home / "runs" / "uploads" / "tickets.csv").read_bytes() == (home / "tickets.csv").read_bytes()
        browser.says("exact-duplicate", ".findings")
        choose(browser, "model", 2)
        assert not faults(browser.driver)
        browser.click("#start")
        browser.wait(".verdict")
        run = home / "runs" / "tickets-1"
        report = json.loads((run / "report.json").read_text("utf-8"))
        browser.says(report["verdict"]["sentence"], ".verdict")
        assert (report["steps"]["planned"], report["model"]) == (6, "model")
        assert not faults(browser.driver)
        browser.driver.switch_to.frame(browser.wait("iframe.paper"))
        browser.says("Where the errors are", "body")
        browser.driver.switch_to.default_content()
        said = try_it(browser, "the courier was late")
        assert said in LABELS
        browser.says("courier", "#answer .why")
        assert not faults(browser.driver)
        assert hand_over(browser, run)["passed"]
        assert not faults(browser.driver)
        browser.click("#serve")
        address = browser.wait(".server .address").text
        assert (
            httpx.post(f"{address}/predict", json={"inputs": "the courier was late"}).json()["predictions"][0]["label"]
            == said
        )
        browser.click(".server .danger")
        browser.gone(".server")
        assert browser.hosts() == {opened.base.rstrip("/")}
        assert browser.complaints() == []


def held(run: Path) -> int:
    """Waits for the run's first steps, then holds its process: what follows may take as long as it likes."""
    begin = time.monotonic()
    while not (run / "metrics.jsonl").is_file() or not (run / "metrics.jsonl").stat().st_size:
        assert time.monotonic() - begin < 60
        time.sleep(0.01)
    pid = int((run / "run.lock").read_text("utf-8").split()[1])
    os.kill(pid, signal.SIGSTOP)
    return pid


@pytest.mark.parametrize("browser", ["zh-CN"], indirect=True)
def test_a_run_outlives_reloads_windows_and_the_server_in_chinese(browser: Browser, home: Path) -> None:
    run = home / "runs" / "工单-1"
    with page(home) as opened:
        upload(browser, opened, home / "工单.csv")
        browser.says("没有发现问题", "#findings")
        choose(browser, "model", 20)
        browser.driver.refresh()
        browser.wait(".command code", until=lambda element: "train.epochs=20" in element.text)
        assert not faults(browser.driver)
        browser.click("#start")
        pid = held(run)
        browser.wait(".chart")
        browser.driver.refresh()
        browser.says("损失", ".chart ~ small, figcaption")
        place, first = browser.place, browser.driver.current_window_handle
        browser.driver.switch_to.new_window("tab")
        browser.driver.get(f"{opened.base}#/")
        browser.says("训练中", "#runs")
        browser.click("#runs a")
        browser.wait(".chart")
        assert browser.place == place
        assert not faults(browser.driver)
        browser.driver.close()
        browser.driver.switch_to.window(first)
        assert browser.complaints() == []
    with page(home) as opened:  # the training goes on without the server that started it
        browser.driver.get(opened.opened)
        browser.driver.get(f"{opened.base}#{place}")
        browser.click("#stop")
        os.kill(pid, signal.SIGCONT)
        browser.wait("#resume")
        assert not (run / "report.json").exists()
        browser.says("已停止", "h1")
        browser.click("#resume")
        browser.wait(".verdict")
        report = json.loads((run / "report.json").read_text("utf-8"))
        browser.says(report["verdict"]["sentence"], ".verdict")
        assert report["steps"]["done"] == 60
        assert try_it(browser, "the courier was late") in LABELS
        assert hand_over(browser, run)["passed"]
        browser.says("100.0%", ".export")
        assert not faults(browser.driver)
        assert all(host.startswith("http://127.0.0.1:") for host in browser.hosts())
        assert browser.complaints() == []
