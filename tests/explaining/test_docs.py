"""The page on explanations says the same in both languages, and names every way that there is."""

import re

import pytest

from docs.pages import assert_alike, both
from luthier.explaining.why import METHODS


@pytest.mark.parametrize("kind", ["sh", "python"])
def test_both_pages_show_the_same_commands_and_numbers(kind: str) -> None:
    assert_alike("explain", kind)


def test_every_way_has_its_row() -> None:
    for page in both("explain"):
        assert re.findall(r"^\| `([a-z]+)`", page, re.M) == list(METHODS)
