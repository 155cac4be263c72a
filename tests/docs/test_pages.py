"""Every page is there in both languages, says the same, and leads nowhere that is not there."""

import re
from pathlib import Path

import pytest

from docs.pages import DOCS, ROOT, ZH, anchors, blocks, english, headings, links, prose, translation

PAGES = english()
WHY_NOT = {
    "asks a server": 2, "do not end by themselves": 1, "does not end by itself": 1,
    "downloads a model from the hub": 1, "needs a CUDA GPU": 1, "writes into the home folder": 1,
}  # fmt: skip
"""Why a block cannot run here, and how many do so for that reason."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_every_page_has_its_translation_and_none_is_left_over() -> None:
    assert {translation(page) for page in PAGES} == {*DOCS.rglob(f"*{ZH}"), ROOT / "README.zh-CN.md"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_both_languages_show_the_same_code(page: Path) -> None:
    def bare(file: Path) -> list[tuple[str, str, str]]:
        """Comments are translated."""
        found = blocks(file, "sh", "yaml", "python", "json")
        return [(one.kind, one.reason, re.sub(r"\s+#.*", "", one.text)) for one in found]

    assert bare(page) == bare(translation(page))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_both_languages_have_the_same_sections_and_the_same_numbers_in_their_tables(page: Path) -> None:
    assert [level for level, _ in headings(page)] == [level for level, _ in headings(translation(page))]
    rows = [re.findall(r"^\|.*\|$", prose(file), re.M) for file in (page, translation(page))]
    numbers = [[sorted(re.findall(r"\d+(?:[.,]\d+)*", row)) for row in table] for table in rows]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("page", [file for page in PAGES for file in (page, translation(page))], ids=name)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for file, anchor in links(page):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"
        pages = target.suffix == ".md" and target.is_relative_to(DOCS)
        assert not pages or target.name.endswith(ZH) == page.name.endswith(ZH) or target.stem.partition(".")[0] == (
            page.stem.partition(".")[0]
        ), f"{file} is in the other language"  # fmt: skip


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w/.-]+\.md\b", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    written = {str(page.relative_to(DOCS)) for page in PAGES if page.is_relative_to(DOCS)}
    assert written == listed


def test_what_cannot_run_here_says_why_and_is_counted() -> None:
    reasons = [block.reason for page in PAGES for block in blocks(page) if block.reason]
    assert {reason: reasons.count(reason) for reason in reasons} == WHY_NOT
