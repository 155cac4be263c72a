"""The page on language models says the same in both languages, and its settings are settings."""

import re
import shlex
from pathlib import Path

import pytest

from luthier.cli.options import split_source
from luthier.config.settings import load_settings

DOCS = Path(__file__).parents[1] / "docs"
PAGES = (DOCS / "language_models.md", DOCS / "language_models.zh-CN.md")


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("kind", ["sh", "yaml"])
def test_both_pages_show_the_same_commands_sections_and_numbers(kind: str) -> None:
    english, chinese = (blocks(page, kind) for page in PAGES)
    assert english == chinese and english
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    assert len({len(re.findall(r"^##+ ", text, re.M)) for text in texts}) == 1
    rows = [re.findall(r"^\|.*\|$", text, re.M) for text in texts]
    assert [re.findall(r"\d+", row) for row in rows[0]] == [re.findall(r"\d+", row) for row in rows[1]]


def test_every_setting_on_the_page_is_one_and_every_page_that_luthier_has_is_linked_in_both() -> None:
    seen = 0
    for line in "".join(blocks(PAGES[0], "sh")).splitlines():
        words = shlex.split(line)
        if words[:2] == ["luthier", "train"]:
            _, overrides = split_source(words[2:])
            load_settings(None, [word for word in overrides if "=" in word])
            seen += any("=" in word for word in overrides)
    assert seen >= 6
    (written,) = blocks(PAGES[0], "yaml")
    assert set(re.findall(r"([\w.]+): 0\.\d", written)) == {"general.jsonl", "alpaca.json"}
    links = [re.findall(r"\]\((?!http)([^)]+)\)", page.read_text(encoding="utf-8")) for page in PAGES]
    plain = [[link.replace(".zh-CN", "") for link in found] for found in links]
    assert sorted(plain[0][1:]) == sorted(plain[1][1:])
