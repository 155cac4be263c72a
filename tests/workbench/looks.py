"""What can be asked of a page that is shown: whether everything has a name, and can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_ASKED = Path(__file__).with_name("looks.js").read_text(encoding="utf-8")


def faults(driver: Any) -> list[str]:
    """Controls without a name, headings out of order, text that stands out too little (WCAG 2.1 AA), by day and by
    night."""
    found = [*_ask(driver, "nameless"), *_ask(driver, "untidy")]
    for light in ("light", "dark"):
        still = {"name": "prefers-reduced-motion", "value": "reduce"}  # no colour is on its way to another
        features = [still, {"name": "prefers-color-scheme", "value": light}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        found += [f"{light}: {one}" for one in _ask(driver, "faint")]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    return found


def _ask(driver: Any, question: str) -> list[str]:
    return driver.execute_script(f"{_ASKED}\nreturn {question}();")
