"""The page on exports says the same in both languages, and names every form that there is."""

import re

import pytest

from docs.pages import assert_alike, both
from luthier import catalog


@pytest.mark.parametrize("kind", ["sh", "python"])
def test_both_pages_show_the_same_commands_and_numbers(kind: str) -> None:
    assert_alike("export", kind)


def test_every_form_has_its_row() -> None:
    for page in both("export"):
        assert sorted(re.findall(r"^\| `([a-z][\w-]*)` \|", page, re.M)) == catalog.exporter_names()
