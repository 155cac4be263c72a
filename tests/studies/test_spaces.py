"""What may be searched: mistakes are told at their place before anything runs, options follow their method."""

from pathlib import Path

import pytest

from luthier.config.settings import read_settings
from luthier.errors import ConfigError
from luthier.studies.beginning import read_asked
from luthier.studies.spaces.space import applies, with_values
from luthier.studies.spaces.written import read_space
from studies.made import RATES, settings, space

BAD = [
    ("train.lerning_rate: [1e-5, 1e-4]", "unknown setting 'train.lerning_rate'", "train.learning_rate"),
    ("learning_rate: [1e-5, 1e-4]", "unknown setting 'learning_rate'", "it belongs to train.learning_rate"),
    ("train.epochs: [2, many]", "train.epochs is 'many'", "whole number"),
    ("train.epochs: {low: 2, high: 0}", "low 2 is not below high 0", "exchange"),
    ("train.epochs: {low: 0, high: 3}", "train.epochs is '0'", "from 1"),
    ("train.learning_rate: {low: 0, high: 1, log: true}", "begins above 0", "raise low"),
    ("train.learning_rate: {low: 1e-5, hihg: 1e-4}", "unknown setting 'hihg'", "did you mean 'high'?"),
    ("train.learning_rate: {low: 1e-5}", "has no 'high'", "write a list"),
    ("train: {learning_rate: [1e-5, 1e-4]}", "unknown setting 'learning_rate'", "write it as one key: train.learning"),
    ("train.learning_rate: 1e-5", "nothing to choose from", "write a list"),
    ("train.batch_size: [16]", "no two values", "at least two"),
    ("train.batch_size: [16, 32, 16]", "one of them twice", "at least two"),
    ("tuning.method: [full, lorra]", "there is no tuning method 'lorra'", "did you mean 'lora'?"),
    ("tuning.r: [4, 8]", "unknown setting 'tuning.r'", "tuning.method=lora"),
    ("tuning.n: [1, two]", "unknown setting 'tuning.n'", "tuning.method=last_layers"),
    ("balance: [none, threshold]", "placed on the validation rows", "leave it out"),
    ("balance: [none, auto]", "a choice of its own", "name the remedies"),
    ("data.split.seed: [1, 2]", "the same for all trials", "search other keys"),
    ("train.seed: [1, 2]", "the same for all trials", "search other keys"),
]


@pytest.mark.parametrize(("line", "what", "fix"), BAD)
def test_a_bad_space_is_refused_at_its_line(line: str, what: str, fix: str, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(f"data: {{train: t.csv}}\nsearch:\n  space:\n    {line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read_space(read_settings(config))
    (problem, *_) = refused.value.problems
    assert (problem.place.file, problem.place.line) == (str(config), 4)
    assert what in problem.what and fix in problem.fix


def test_a_space_on_the_command_line_is_read_like_one_in_the_file() -> None:
    words = ["search.space.train.learning_rate={low: 1e-5, high: 1e-3, log: true}", "search.space.tuning=[full, lora]"]
    method, rate = read_space(read_settings(None, ["search.space.tuning.r=[4, 8]", *words]))[0:3:2]
    assert method.key == "tuning.method" and method.choices == ("full", "lora")  # what names a method comes first
    assert (rate.key, rate.low, rate.high, rate.log) == ("train.learning_rate", 1e-5, 1e-3, True)
    with pytest.raises(ConfigError, match="'four'"):
        read_space(read_settings(None, ["search.space.tuning.r=[four, 8]", *words]))


def test_folds_are_refused_with_their_place(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("data:\n  train: t.csv\n  split:\n    folds: 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"c.yaml:4:5: a search judges all trials on the same validation rows"):
        read_asked(read_settings(config))


def test_an_option_is_searched_only_beside_its_method() -> None:
    assert applies("tuning.r", {"tuning.method": "lora"}, settings())
    assert not applies("tuning.r", {"tuning.method": "last_layers"}, settings())
    assert applies("tuning.n", {}, settings("tuning.method=last_layers"))


def test_a_learning_rate_is_a_multiple_of_what_the_method_usually_takes() -> None:
    both = [space().settings({"tuning.method": m, "train.learning_rate": 2.0}, settings(), RATES) for m in RATES]
    assert [one.train.learning_rate for one in both] == [2e-4, 2e-3, 2e-4]


def test_another_method_begins_without_the_options_of_the_first() -> None:
    written = settings("tuning.method=lora", "tuning.r=4", "balance={method: oversample, ratio: 5.0}")
    assert with_values(written, {"tuning.method": "full"}).tuning == {"method": "full"}
    changed = with_values(written, {"balance.method": "undersample", "tuning.dropout": 0.2})
    assert changed.balance == {"method": "undersample"}
    assert changed.tuning == {"method": "lora", "r": 4, "dropout": 0.2}
    assert changed.train == written.train


def test_a_run_knows_nothing_of_the_search_that_its_file_also_asks_for() -> None:
    from luthier.config.write import as_yaml
    from luthier.identity import check_explicit

    asked = settings("search.trials=3")
    assert asked.search.trials == 3 and "search" not in as_yaml(asked, "")
    assert check_explicit({"search.trials": 9}, asked, "config.yaml") == {}
