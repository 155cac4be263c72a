"""The pages of the documentation and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ZH = ".zh-CN.md"
_FENCE = re.compile(r"^(?:<!-- not run: ([^\n]+) -->\n)?```(\w*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """Code on a page. kind: the fence's word, such as sh. reason: why it cannot run where the tests do, or ""."""

    page: Path
    line: int
    kind: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def english() -> list[Path]:
    return [ROOT / "README.md", *(page for page in sorted(DOCS.rglob("*.md")) if not page.name.endswith(ZH))]


def translation(page: Path) -> Path:
    return page.with_name(page.name.removesuffix(".md") + ZH)


def blocks(page: Path, *kinds: str) -> list[Block]:
    """In the page's order; all kinds where none is named."""
    text = page.read_text(encoding="utf-8")
    found = (
        Block(page, text.count("\n", 0, match.start(2)) + 1, match[2], match[3], match[1] or "")
        for match in _FENCE.finditer(text)
    )
    return [block for block in found if not kinds or block.kind in kinds]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def headings(page: Path) -> list[tuple[int, str]]:
    """Each with its level."""
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", prose(page), re.M)]


def anchors(page: Path) -> set[str]:
    """By the rule of GitHub, and of the site: lower case, blanks to hyphens, other signs left out."""
    written = (re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title) for _, title in headings(page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in written}


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Of each link within the repository its file, "" for the page itself, and its anchor, or ""."""
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page))):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            yield file, anchor


def both(page: str) -> list[str]:
    """The page of docs/ in both languages, as text."""
    return [(DOCS / file).read_text(encoding="utf-8") for file in (f"{page}.md", f"{page}{ZH}")]


def assert_alike(page: str, kind: str) -> None:
    """The same blocks of this kind, the same numbers in the same order in every row of a table, as many sections."""
    english, chinese = (re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S) for text in both(page))
    assert english == chinese and english
    rows = [re.findall(r"^\|.*\|$", text, re.M) for text in both(page)]
    assert [re.findall(r"\d+", row) for row in rows[0]] == [re.findall(r"\d+", row) for row in rows[1]]
    assert len({len(re.findall(r"^## ", text, re.M)) for text in both(page)}) == 1
