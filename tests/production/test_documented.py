"""The page about serving says the same in both languages, and its code works."""

import re
from pathlib import Path

import pytest

from production.helpers import Server

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [(DOCS / name).read_text(encoding="utf-8") for name in ("serving.md", "serving.zh-CN.md")]


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.M | re.S)


def test_both_pages_show_the_same_code_sections_and_rows() -> None:
    english, chinese = PAGES
    for kind in ("sh", "python"):
        assert blocks(english, kind) == blocks(chinese, kind) != []
    for mark in (r"^## ", r"^\|"):
        assert len(re.findall(mark, english, re.M)) == len(re.findall(mark, chinese, re.M))


def test_the_python_code_works(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(PAGES[0], "python")
    exec(code.replace("http://localhost:8000", server.address).replace('"tickets-1"', repr(server.model)))
    whole, streamed = capsys.readouterr().out.split(" length 12\n")
    assert whole == streamed != ""
