"""Every YAML of the pages is a configuration that Luthier takes."""

import pytest
from ruamel.yaml import YAML

from docs.pages import Block, blocks, english
from luthier.config.settings import check_settings, read_settings
from marks import every_third_fast

WRITTEN = [block for page in english() for block in blocks(page, "yaml")]


@pytest.mark.parametrize("block", every_third_fast(WRITTEN), ids=str)
def test_it_is_taken(block: Block) -> None:
    values = YAML(typ="safe", pure=True).load(block.text)
    assert check_settings(read_settings(None, (), values))


def test_there_are_some() -> None:
    assert len(WRITTEN) > 10
