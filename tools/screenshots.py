"""Takes the pictures of `luthier ui` that the documentation shows, in English and Chinese: docs/images/ui-*.png.

python tools/screenshots.py            # a few minutes: it trains the embedded model on the embedded tickets
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from workbench.browsing import Browser, Page, page  # noqa: E402  lies in tests/

IMAGES = ROOT / "docs" / "images"
_MOST_BYTES, _COLOURS, _MOST_HEIGHT = 250_000, 256, 1600
_SETTINGS = "c.label=intent&strategies=last_layers&epochs=12"
_ASKED = {
    "en": "You took the money twice for one order. Please put it right.",
    "zh": "Tracking has said 'out for delivery' since Tuesday and nobody has rung the bell.",
}


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        browser = Browser("en", home / "profile", patience=600)
        try:
            with page(home) as opened:
                _session(browser, opened)
        finally:
            browser.driver.quit()


def _session(browser: Browser, opened: Page) -> None:
    browser.driver.get(opened.opened)
    browser.click(".drop ~ .columns button:not([type=submit])")
    browser.wait("#findings .findings")
    data = browser.run("return new URLSearchParams(location.hash.split('?')[1]).get('data')")
    for language in ("zh", "en"):
        browser.driver.get(f"{opened.base}#/new?data={data.replace('_en', f'_{language}')}&{_SETTINGS}")
        browser.speak(language)
        browser.wait("#findings .findings")
        _picture(browser, f"ui-data.{language}")
    browser.click("#reckon")
    browser.wait("#plan .facts")
    browser.click("#start")
    browser.wait(".chart circle.best")
    browser.wait(
        ".charts", until=lambda found: len(found.find_elements("css selector", "figure:last-child circle")) > 2
    )
    for language in ("zh", "en"):
        browser.speak(language)
        browser.wait(".chart circle.best")
        _picture(browser, f"ui-run.{language}")
    browser.wait(".verdict")
    for language in ("zh", "en"):
        browser.speak(language)
        browser.click(".tabs a[href$='/result']")
        browser.wait(".verdict")
        _picture(browser, f"ui-result.{language}", until="section:has(> iframe)")
        browser.click(".tabs a[href$='/try']")
        browser.wait("textarea").send_keys(_ASKED[language])
        browser.click("#ask")
        browser.wait("#answer .why")
        _picture(browser, f"ui-try.{language}")
    browser.click(".tabs a[href$='/handover']")
    browser.wait("#form option[value=onnx]").click()
    browser.click("#export")
    browser.wait(".export")
    browser.click("#serve")
    browser.wait(".server .address")
    for language in ("en", "zh"):
        browser.speak(language)
        browser.wait(".server .address")
        browser.wait(".export")
        _picture(browser, f"ui-handover.{language}")


def _picture(browser: Browser, name: str, until: str = "") -> None:
    """The page from its top, at most so high; until: what is first left out."""
    from PIL import Image
    from selenium.webdriver import ActionChains

    ActionChains(browser.driver).move_by_offset(0, 0).move_to_element(browser.wait("h1")).perform()
    browser.run("scrollTo(0, 0); document.activeElement.blur()")
    height = browser.run(
        "const end = arguments[0] && document.querySelector(arguments[0]);"
        "return end ? end.getBoundingClientRect().top - 8 : document.querySelector('main').offsetHeight + 40", until
    )  # fmt: skip
    clip = {"x": 0, "y": 0, "width": 1185, "height": min(height, _MOST_HEIGHT), "scale": 1}
    taken = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    picture = Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB").quantize(_COLOURS)
    path = IMAGES / f"{name}.png"
    picture.save(path, optimize=True)
    size = path.stat().st_size
    assert size < _MOST_BYTES, f"{path} has {size} bytes"
    print(path.relative_to(ROOT), size)


if __name__ == "__main__":
    main()
