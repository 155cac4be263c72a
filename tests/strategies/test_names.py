"""What may stand behind --strategies."""

from pathlib import Path

import pytest

from luthier.config.settings import read_settings
from luthier.errors import ConfigError
from luthier.strategies.names import read_strategies, split_names


def read(names: str, *overrides: str) -> dict[str, dict[str, object]]:
    tree = read_settings(None, overrides)
    return {one.folder: dict(one.settings.tuning) for one in read_strategies(tree, split_names(names))}


def test_names_are_split_at_commas_that_stand_in_no_brackets() -> None:
    assert split_names("head, lora:target_modules=[query,value]:r=4,pattern:pattern=.*(bias|norm),full") == [
        "head", "lora:target_modules=[query,value]:r=4", "pattern:pattern=.*(bias|norm)", "full",
    ]  # fmt: skip


def test_options_stand_behind_colons_and_are_checked_as_settings_are() -> None:
    assert read("last_layers:n=4,lora:r=8:alpha=4,full") == {
        "last_layers_n=4": {"method": "last_layers", "n": 4},
        "lora_r=8_alpha=4": {"method": "lora", "r": 8, "alpha": 4},
        "full": {"method": "full"},
    }


def test_a_method_named_bare_has_the_options_of_the_configuration_where_these_are_its_own() -> None:
    found = read("lora,lora:r=4,full", "tuning.method=lora", "tuning.r=32", "train.epochs=2")
    assert found["lora"] == {"method": "lora", "r": 32}
    assert found["lora_r=4"] == {"method": "lora", "r": 4} and found["full"] == {"method": "full"}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("head", "fewer than two"),
        ("head,head", "twice"),
        ("head,fulll", "did you mean 'full'"),
        ("head,last_layers:m=4", "tuning.m"),
        ("head,last_layers:n=four", "tuning.n is 'four'"),
        ("pattern:pattern=.*s,pattern:pattern=.+s", "has the same folder as another"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(names: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(names)
    assert said in str(caught.value)
