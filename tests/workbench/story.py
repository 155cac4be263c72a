"""A whole session at the page, gone through once: what many sentences look at."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from workbench.browsing import Browser, Page
from workbench.looks import faults

SETTINGS = "train.batch_size=16\ntrain.precision=fp32\ntrain.patience=0"
ASKED = "the courier was late"


@dataclass
class Story:
    """In the order in which it happens; languages alternate. faults, complaints: of every page, with where it was.
    hosts: all that the browser asked. ours: the addresses of the page's own servers."""

    home: Path
    faults: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    ours: set[str] = field(default_factory=set)
    findings: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    while_running: dict[str, str] = field(default_factory=dict)
    lost: str = ""
    refused: str = ""
    stopped: str = ""
    results: dict[str, str] = field(default_factory=dict)
    report_page: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)
    served: Any = None
    address: str = ""

    @property
    def run(self) -> Path:
        return self.home / "runs" / "tickets-1"

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self.run / "report.json").read_text(encoding="utf-8"))

    def look(self, browser: Browser) -> None:
        self.faults += [f"{browser.place}: {one}" for one in faults(browser.driver)]
        self.complaints += browser.complaints()
        self.hosts |= browser.hosts()


def before_training(story: Story, browser: Browser, opened: Page) -> None:
    """In both languages a file is dropped in and checked; in English the training begins, and is held in its middle."""
    story.ours.add(opened.base.rstrip("/"))
    browser.driver.get(opened.opened)
    for language, name in (("zh", "工单.csv"), ("en", "tickets.csv")):
        browser.driver.get(f"{opened.base}#/")
        browser.speak(language)
        browser.wait("#file", until=lambda element: True).send_keys(str(story.home / name))
        story.findings[language] = browser.wait("#findings ul, #findings .note").text
    _choose(browser)
    browser.driver.refresh()
    browser.wait(".command code", until=lambda element: "train.epochs=20" in element.text)
    story.kept = {
        "settings": browser.wait("textarea").get_property("value"),
        "command": browser.wait(".command code").text,
    }
    story.look(browser)
    browser.click("#start")
    pid = _held(story.run)
    browser.wait(".chart")
    place = browser.place
    browser.driver.refresh()
    story.while_running["reload"] = browser.says("1 of 20", ".facts").text
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(f"{opened.base}#/")
    browser.speak("zh")
    browser.click("#runs a")
    browser.wait(".chart")
    assert browser.place == place
    story.while_running["window"] = browser.text
    story.look(browser)
    story.while_running["pid"] = str(pid)
    browser.driver.close()
    browser.driver.switch_to.window(browser.driver.window_handles[0])


def after_a_new_start(story: Story, browser: Browser, opened: Page) -> None:
    """Another server finds the run: in Chinese it is stopped, gone on with, read, tried and exported; then the same is
    seen in English, and it is served."""
    story.ours.add(opened.base.rstrip("/"))
    story.lost = browser.wait(".note.bad").text
    browser.driver.get(f"{opened.opened}#/run/none")
    story.refused = browser.wait(".note.bad").text
    browser.complaints()  # of the time without a server, and of what was just refused
    browser.driver.get(f"{opened.base}#/")
    browser.click("#runs a")
    browser.click("#stop")
    os.kill(int(story.while_running["pid"]), signal.SIGCONT)
    browser.wait("#resume")
    story.stopped = browser.says("已停止").text
    assert not (story.run / "report.json").exists()
    browser.click("#resume")
    for language in ("zh", "en"):
        browser.speak(language)
        story.results[language] = browser.wait(
            "main", until=lambda element: bool(element.find_elements("css selector", ".verdict"))
        ).text
        story.look(browser)
        if language == "zh":
            browser.driver.switch_to.frame(browser.wait("iframe.paper"))
            story.report_page = browser.wait("body").text
            browser.driver.switch_to.default_content()
        browser.click(".tabs a[href$='/try']")
        browser.wait("textarea").send_keys(ASKED)
        browser.click("#ask")
        story.answers[language] = browser.wait("#answer .answer").text
        story.reasons[language] = browser.wait("#answer .why").text
        story.look(browser)
        browser.click(".tabs a[href$='/handover']")
        browser.wait("#form option[value=merged]").click()
        if language == "zh":
            browser.click("#export")
        browser.wait(".export")
        story.exported[language] = browser.wait("main").text
        story.look(browser)
        if language == "zh":
            browser.click(".tabs a[href$='/result']")
    browser.click("#serve")
    story.address = browser.wait(".server .address").text
    story.served = httpx.post(f"{story.address}/predict", json={"inputs": ASKED}).json()["predictions"][0]
    story.look(browser)
    browser.click(".server .danger")
    browser.gone(".server")


def _choose(browser: Browser) -> None:
    browser.wait("input[list=models]").send_keys("model", "\t")
    browser.wait("input[type=number]").send_keys("20", "\t")
    browser.click("details:has(textarea) > summary")
    browser.wait("textarea").send_keys(SETTINGS, "\t")
    browser.wait(".command code", until=lambda element: "train.patience=0" in element.text)


def _held(run: Path) -> int:
    """Waits for the run's first steps, then holds its process: what follows may take as long as it likes."""
    begin = time.monotonic()
    while not (run / "metrics.jsonl").is_file() or not (run / "metrics.jsonl").stat().st_size:
        assert time.monotonic() - begin < 60
        time.sleep(0.005)
    pid = int((run / "run.lock").read_text(encoding="utf-8").split()[1])
    os.kill(pid, signal.SIGSTOP)
    return pid
