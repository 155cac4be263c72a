"""A real `luthier ui` in a process of its own, and a real browser before it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from workflow.helpers import ENVIRONMENT, command

_PATIENCE = 60.0


@dataclass(frozen=True)
class Page:
    """base: the address without what opens it. opened: with it."""

    opened: str
    process: subprocess.Popen[str]

    @property
    def base(self) -> str:
        return self.opened.partition("?")[0]


@contextmanager
def page(folder: Path) -> Iterator[Page]:
    """folder: in which it is started; the runs lie in runs/."""
    words = command("ui", "--json", "--quiet", "--no-browser", "--port", 0)
    process = subprocess.Popen(words, cwd=folder, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Page(json.loads(process.stdout.readline())["address"], process)
    finally:
        process.terminate()
        assert process.wait(20) == 0


class Browser:
    """Chromium without a window. language: that it prefers. patience: seconds that anything may take."""

    def __init__(self, language: str, profile: Path, patience: float = _PATIENCE) -> None:
        self._patience = patience
        found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
        missing = [name for name, path in found.items() if path is None]
        if missing:
            pytest.skip(f"no {' and no '.join(missing)} on this machine; CI installs both")
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--window-size=1200,900", f"--user-data-dir={profile}"):  # fmt: skip
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver: Any = webdriver.Chrome(options=options, service=webdriver.ChromeService(found["chromedriver"]))

    def wait(self, what: str, *, until: Callable[[Any], bool] = lambda element: element.is_displayed()) -> Any:
        """The first element that a CSS selector finds and that is as it should be."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.common.by import By

        begin = time.monotonic()
        while time.monotonic() - begin < self._patience:
            for element in self.driver.find_elements(By.CSS_SELECTOR, what):
                try:
                    if until(element):
                        return element
                except StaleElementReferenceException:
                    continue
            time.sleep(0.1)
        raise AssertionError(f"{what} did not come; the page says:\n{self.text}")

    def gone(self, what: str) -> None:
        """Waits until nothing that a CSS selector finds is to be seen."""
        shown = "return [...document.querySelectorAll(arguments[0])].some((e) => e.checkVisibility())"
        begin = time.monotonic()
        while self.run(shown, what):
            assert time.monotonic() - begin < self._patience, f"{what} stays"
            time.sleep(0.1)

    def says(self, text: str, where: str = "main") -> Any:
        return self.wait(where, until=lambda element: text in element.text)

    def click(self, what: str) -> None:
        element = self.wait(what, until=lambda found: found.is_displayed() and found.is_enabled())
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def speak(self, language: str) -> None:
        """By the page's own switch, if it is not the one that it speaks already."""
        tongue = {"en": "en", "zh": "zh-CN"}[language]
        self.wait("#nav a", until=lambda element: bool(element.text))
        if self.run("return document.documentElement.lang") != tongue:
            self.click("#language")
        self.wait(f"html[lang={tongue}] #nav a", until=lambda element: bool(element.text))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    @property
    def text(self) -> str:
        return str(self.run("return document.body.innerText"))

    @property
    def place(self) -> str:
        """What stands behind # in the address."""
        return urlsplit(self.driver.current_url).fragment

    def hosts(self) -> set[str]:
        """Everything that was asked for since the last time, by scheme and host, from the browser's own record."""
        found: set[str] = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = urlsplit(message["params"]["request"]["url"])
                if address.scheme not in ("chrome", "data"):  # the browser's own empty page
                    found.add(f"{address.scheme}://{address.netloc}")
        return found

    def complaints(self) -> list[str]:
        """What the browser holds against the page: errors of scripts, what the policy forbade."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
