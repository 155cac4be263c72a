"""The page on explanations says the same in both languages, and names every way that there is."""

import re
from pathlib import Path

import pytest

from luthier.explaining.why import METHODS

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH, CHINESE = ((DOCS / name).read_text(encoding="utf-8") for name in ("explain.md", "explain.zh-CN.md"))


@pytest.mark.parametrize("kind", ["sh", "python"])
def test_both_pages_show_the_same_commands_and_numbers(kind: str) -> None:
    english, chinese = (re.findall(rf"^```{kind}\n(.*?)^```", page, re.M | re.S) for page in (ENGLISH, CHINESE))
    assert english == chinese and english
    rows = [re.findall(r"^\|.*\|$", page, re.M) for page in (ENGLISH, CHINESE)]
    assert [re.findall(r"\d+", row) for row in rows[0]] == [re.findall(r"\d+", row) for row in rows[1]]
    assert len({len(re.findall(r"^## ", page, re.M)) for page in (ENGLISH, CHINESE)}) == 1


def test_every_way_has_its_row() -> None:
    for page in (ENGLISH, CHINESE):
        assert re.findall(r"^\| `([a-z]+)`", page, re.M) == list(METHODS)
