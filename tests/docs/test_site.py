"""The site is built without a warning, asks nobody for anything, and finds Chinese words."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from docs.pages import DOCS, ROOT, english

MISSING = [
    name for name in ("mkdocs", "material", "mkdocstrings", "mkdocs_static_i18n", "jieba") if not find_spec(name)
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(MISSING), reason=f"pip install 'luthier[docs]' brings what is missing: {', '.join(MISSING)}"
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    variables = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there_in_both_languages_and_nothing_is_left_to_be_made(site: Path) -> None:
    for page in english():
        if page.is_relative_to(DOCS):
            name = page.relative_to(DOCS).with_suffix(".html")
            for lang, built in (("en", site / name), ("zh", site / "zh-CN" / name)):
                text = built.read_text(encoding="utf-8")
                assert f'<html lang="{lang}"' in text and "<!-- made of" not in text, built
    made = (site / "zh-CN" / "reference" / "codes.html").read_text(encoding="utf-8")
    assert 'id="split-leak"' in made and "训练" in made


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"?([^\" >]+)", text)
        loaded += re.findall(r"<link rel=\"?(?:stylesheet|icon|preconnect|modulepreload)[^>]* href=\"?([^\" >]+)", text)
        assert loaded and not [address for address in loaded if re.match(r"(?:https?:)?//", address)], page


def test_the_search_knows_chinese_words(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    chinese = [entry for entry in index["docs"] if entry["location"].startswith("zh-CN/faq.html")]
    assert {"en", "zh"} <= set(index["config"]["lang"])
    assert any({"过", "拟合"} <= set(entry["title"].split("\u200b")) for entry in chinese)


def test_the_python_page_shows_signatures(site: Path) -> None:
    for page in ("reference/python.html", "zh-CN/reference/python.html"):
        shown = re.sub(r"<[^>]+>", "", (site / page).read_text(encoding="utf-8"))
        assert re.search(r"overwrite:\s*bool\s*=\s*False", shown) and "max_loss" in shown, page
