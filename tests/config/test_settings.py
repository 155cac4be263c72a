"""Settings come from YAML and key=value; every mistake is told at once, with its place and the nearest right name."""

import re
from pathlib import Path

import pytest

from luthier.config.schema import Settings
from luthier.config.settings import flat, load_settings
from luthier.config.write import as_yaml, plain_scalar
from luthier.errors import ConfigError

GOOD = """\
model: tiny
data: {train: rows.csv, columns: {text: body}}
task: classification
tuning:
  method: lora
  r: 4
train:
  learning_rate: 2e-5
  epochs: 5
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "luthier.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, GOOD))
    assert settings.train.learning_rate == 2e-5  # text, to a YAML 1.1 reader
    assert (settings.train.epochs, settings.train.batch_size) == (5, "auto")
    assert settings.balance == {"method": "auto"}
    assert settings.tuning == {"method": "lora", "r": 4}
    assert settings.data.columns == {"text": "body"}


def test_a_text_with_a_colon_at_its_end_is_a_text() -> None:
    words = ["task=seq2seq", "task.prefix=translate English to German: "]
    assert load_settings(None, words).task["prefix"] == "translate English to German: "
    assert load_settings(None, ["data.columns={text: body}"]).data.columns == {"text": "body"}


def test_no_file_is_needed() -> None:
    assert load_settings(None) == Settings(task={"name": "auto"})


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    words = ["tuning.r=8", "train.epochs=7", "data.split={test: 0.3}", "model=org/name", "data.columns.label=my team"]
    settings = load_settings(write(tmp_path, GOOD), words)
    assert (settings.tuning["r"], settings.train.epochs, settings.data.split.test) == (8, 7, 0.3)
    assert (settings.model, settings.data.columns["label"]) == ("org/name", "my team")


def test_a_bare_name_and_options_beside_it_go_together() -> None:
    words = ["tuning=lora", "tuning.r=8", "task=classification", "task.label_smoothing=0.1"]
    settings = load_settings(None, [*words, "balance=oversample", "balance.ratio=2"])
    assert settings.tuning == {"method": "lora", "r": 8}
    assert settings.balance == {"method": "oversample", "ratio": 2}
    assert settings.task == {"name": "classification", "label_smoothing": 0.1}


@pytest.mark.parametrize("written", ["1", "007", "1.0", "1e3", "true", "2024-01-05"])
def test_where_a_text_is_wanted_a_number_is_the_text_that_was_written(written: str, tmp_path: Path) -> None:
    by_file = load_settings(write(tmp_path, f"data: {{train: {written}, columns: {{label: {written}}}}}"))
    by_word = load_settings(None, [f"data.train={written}", f"data.columns.label={written}"])
    assert by_file == by_word and by_word.data.train == by_word.data.columns["label"] == written
    assert load_settings(write(tmp_path, as_yaml(by_word, "a run"))) == by_word


def test_a_program_may_name_a_column_by_its_number() -> None:
    assert load_settings(None, values={"data.columns.label": 1}).data.columns == {"label": "1"}


def test_options_of_a_task_can_be_set_before_its_name_is_known() -> None:
    assert load_settings(None, ["task.label_smoothing=0.1"]).task == {"label_smoothing": 0.1}


MISTAKES = [
    ("  epochs: 5", "  epoch: 5", 9, "unknown setting 'train.epoch'", "did you mean 'train.epochs'?"),
    ("model: tiny", "modle: tiny", 1, "unknown setting 'modle'", "did you mean 'model'?"),
    ("model: tiny", "epochs: 3", 1, "unknown setting 'epochs'", "it belongs to train.epochs"),
    ("  r: 4", "  rr: 4", 6, "unknown setting 'tuning.rr' for 'lora'", "did you mean 'tuning.r'?"),
    ("lora", "lorra", 5, "there is no tuning method 'lorra'", "did you mean 'lora'?"),
    ("classification", "clasification", 3, "there is no task 'clasification'", "did you mean 'classification'?"),
    ("  epochs: 5", "  epochs: many", 9, "train.epochs is 'many'", "a whole number from 1, or auto"),
    ("  epochs: 5", "  epochs: 2.5", 9, "train.epochs is '2.5'", "a whole number"),
    ("  epochs: 5", "  epochs: true", 9, "train.epochs is 'True'", "a whole number"),
    ("  epochs: 5", "  epochs: 0", 9, "train.epochs is '0'", "a whole number from 1"),
    ("  epochs: 5", "  epochs: -3", 9, "train.epochs is '-3'", "a whole number from 1"),
    ("2e-5", "2", 8, "train.learning_rate is '2'", "at most 1"),
    ("2e-5", ".nan", 8, "train.learning_rate is 'nan'", "a number above 0"),
    ("  epochs: 5", "  precision: bf61", 9, "train.precision is 'bf61'", "did you mean 'bf16'?"),
    ("  epochs: 5", "  schedule: cosin", 9, "train.schedule is 'cosin'", "did you mean 'cosine'?"),
    ("  r: 4", "  r: four", 6, "tuning.r is 'four'", "int"),
    ("model: tiny", "balance: wieghted_loss", 1, "no remedy against imbalance 'wieghted_loss'", "mean 'weighted_loss'"),
    (
        "model: tiny",
        "balance: {method: focal, gama: 1}",
        1,
        "unknown setting 'balance.gama' for 'focal'",
        "'balance.gamma'",
    ),
    ("model: tiny", "balance: {method: focal, gamma: hi}", 1, "balance.gamma is 'hi'", "float"),
    ("model: tiny", "balance: {gamma: 2.0}", 1, "unknown setting 'balance.gamma'", "balance.method=focal"),
    ("{text: body}", "[text]", 2, "data.columns is", "write 'key: value' lines under it"),
    (
        "data: {train: rows.csv, columns: {text: body}}",
        "data: rows.csv",
        2,
        "data is 'rows.csv', no section",
        "lines under",
    ),
    ("model: tiny", "model: tiny\nmodel: other", 2, "'model' stands here a second time", "keep one"),
    ("model: tiny", "model: !!python/object/apply:os.system ['true']", 1, "the tag", "plain values"),
    ("model: tiny", "model: !include other.yaml", 1, "the tag", "plain values"),
    ("model: tiny", "model: [", 3, "is not YAML", "mend"),
    ("model: tiny", "model:\ttiny\n\tx: 1", 1, "is not YAML", "mend"),
    ("model: tiny", "model: tiny\n---\nmodel: b", 2, "is not YAML", "mend"),
]


@pytest.mark.parametrize(("old", "new", "line", "says", "fix"), MISTAKES, ids=[case[1][:40] for case in MISTAKES])
def test_a_mistake_is_refused_with_its_place(
    old: str, new: str, line: int, says: str, fix: str, tmp_path: Path
) -> None:
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    problem = caught.value.problems[0]
    assert says in problem.what
    assert fix in problem.fix
    assert (problem.place.file, problem.place.line) == (str(path), line)


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("epochs: 5", "epoch: 5").replace("r: 4", "rr: 4").replace("2e-5", "-1")
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, text))
    assert {problem.place.line for problem in caught.value.problems} == {6, 8, 9}


def test_a_mistake_on_the_command_line_is_named_as_typed() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(None, ["train.epoch=5"])
    assert caught.value.problems[0].place.file == "command line: train.epoch=5"


@pytest.mark.parametrize("word", ["train.epochs", "=5", ""])
def test_a_word_that_is_no_setting_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="is not key=value"):
        load_settings(None, [word])


CONFLICTS = [
    (["data.split.by=group"], "names no group column"),
    (["data.split.by=time"], "names no time column"),
    (["data.split.by=column"], "names no column column"),
    (["data.split.test=0.6", "data.split.validation=0.5"], "are 1.1 of the data together"),
    (["data.split.test=0", "data.split.validation=0"], "nothing is left to judge"),
    (["data.split.group=a", "data.split.time=b"], "data.split.time contradicts data.split.group"),
    (["data.split.group=a", "data.split.by=random"], "data.split.by contradicts data.split.group"),
    (["data.split.time_format=%Y"], "no times are read"),
    (["data.split.column=a", "data.split.test=0.2"], "data.split.test contradicts data.split.column"),
    (["data.split.column=a", "data.test=b.csv"], "data.test contradicts data.split.column"),
    (["data.split.folds=5", "data.split.test=0.2"], "data.split.test contradicts data.split.folds"),
    (["data.split.folds=5", "data.split.time=a"], "data.split.time contradicts data.split.folds"),
    (["data.split.folds=5", "data.split.column=a"], "data.split.column contradicts data.split.folds"),
    (["data.split.folds=5", "data.test=b.csv"], "data.test contradicts data.split.folds"),
    (["data.split.folds=5", "data.split.fold=6"], "data.split.fold is 6, of 5 folds"),
    (["data.split.folds=2", "data.split.validation=0.5"], "a fold of 2 and validation are 1 of the data"),
    (["data.split.fold=1"], "data.split.fold without data.split.folds"),
    (["data.split.from=runs/x", "data.split.group=a"], "data.split.group contradicts data.split.from"),
    (["data.split.from=runs/x", "data.split.folds=5"], "data.split.folds contradicts data.split.from"),
    (["data.validation=a.csv", "data.test=b.csv", "data.split.group=g"], "all parts are given as files"),
]


@pytest.mark.parametrize(("words", "says"), CONFLICTS)
def test_settings_that_contradict_each_other_are_refused(words: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        load_settings(None, words)


def test_of_two_settings_that_contradict_each_other_both_places_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, "data:\n  train: a.csv\n  split:\n    folds: 5\n    test: 0.2\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    (problem,) = caught.value.problems
    assert problem.place.line == 5 and f"({path}:4:5)" in problem.what


@pytest.mark.parametrize("word", ["folds=1", "folds=many", "fold=0", "by=x", "near_duplicates=maybe"])
def test_a_wrong_value_of_the_split_says_what_is_wanted(word: str) -> None:
    with pytest.raises(ConfigError, match="it wants"):
        load_settings(None, [f"data.split.{word}"])


@pytest.mark.parametrize(
    "words",
    [["data.split.from=runs/x"], ["data.split.folds=5", "data.split.group=a"], ["data.split.time=when"],
     ["data.split.column=part"], ["data.split.folds=3", "data.split.fold=2", "data.split.near_duplicates=false"]],
)  # fmt: skip
def test_a_split_survives_the_way_to_yaml_and_back(words: list[str], tmp_path: Path) -> None:
    settings = load_settings(None, words)
    assert load_settings(write(tmp_path, as_yaml(settings, "a run"))) == settings


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 8)]
    with pytest.raises(ConfigError, match="more than 10000 values"):
        load_settings(write(tmp_path, "\n".join(lines)))


def test_a_value_that_contains_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="contains itself"):
        load_settings(write(tmp_path, "data: &d {columns: *d}"))


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: p.write_bytes(b"\x80\x81\xff\xfe" * 9)])
def test_what_is_no_text_file_is_refused_as_data_would_be(make, tmp_path: Path) -> None:
    make(tmp_path / "luthier.yaml")
    with pytest.raises(ConfigError):
        load_settings(tmp_path / "luthier.yaml")


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(ConfigError, match=r"did you mean 'luthier\.yaml'"):
        load_settings(tmp_path / "luthir.yaml")


def test_settings_survive_the_way_to_yaml_and_back(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, GOOD), ["data.split.test=0.25"])
    again = load_settings(write(tmp_path, as_yaml(settings, "a comment\nof two lines")))
    assert again == settings


@pytest.mark.parametrize("value", ["no", "1.0", "a: b", "# x", "'quoted'", "标签", "", " blank "])
def test_a_text_in_yaml_stays_that_text(value: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"data: {{train: {plain_scalar(value)}}}")
    assert load_settings(path).data.train == value


def test_sections_become_dotted_keys() -> None:
    assert flat({"train": {"epochs": 3}, "model": "m"}) == {"train.epochs": 3, "model": "m"}
