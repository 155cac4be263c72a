"""Sets that are shown in shares: which rows train, which are judged, and how the shares are written."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier.balancing.sampling import Sampling, crossed
from luthier.cli.options import split_source
from luthier.config.settings import check_settings, flat, load_settings, read_settings
from luthier.config.write import resolved_config
from luthier.errors import LuthierError
from luthier.preparing.prepare import Prepared, prepare
from luthier.types import PARTS
from tiny import ticket_rows, write_csv, write_jsonl

ROWS = ticket_rows(120)
MANY = "task.tasks={a: {task: classification, train: mine.csv}}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_csv(tmp_path / "mine.csv", ["text", "label"], ROWS[:40])
    write_csv(tmp_path / "general.csv", ["text", "label"], ROWS[40:])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepared(*overrides: str, **values: Any) -> Prepared:
    return prepare(load_settings(None, overrides, values))


def files_of(data: Prepared, part: str) -> Counter[str]:
    return Counter(example.place.file for example in data.split.part(part))


def shown(data: Prepared) -> Counter[str]:
    """Rows that one epoch shows, by set."""
    assert data.mixture is not None
    sets_N = data.mixture.sets(data.split.train)
    drawn = Sampling(sets_N, data.mixture.rates(sets_N)).epoch(3, 0)
    return Counter(str(data.mixture.names[s]) for s in sets_N[drawn % len(sets_N)])


@pytest.mark.usefixtures("folder")
def test_a_set_that_only_mix_names_trains_with_its_share_and_is_never_judged_on() -> None:
    data = prepared("data.train=mine.csv", "data.mix={general.csv: 0.4}")
    assert files_of(data, "train") == {"mine.csv": 28, "general.csv": 80}
    assert all(set(files_of(data, part)) == {"mine.csv"} for part in PARTS[1:])
    assert shown(data) == {"mine.csv": 28, "general.csv": 19}  # 28 / 0.6 · 0.4: mine once, and no row twice


@pytest.mark.usefixtures("folder")
def test_where_there_is_no_train_all_sets_are_split_and_weights_need_not_be_1_together() -> None:
    data = prepared("data.mix={general.csv: 3, mine.csv: 1}")
    assert set(files_of(data, "test")) == {"mine.csv", "general.csv"}
    epoch = shown(data)
    assert epoch["general.csv"] / sum(epoch.values()) == pytest.approx(0.75, abs=0.01)


@pytest.mark.usefixtures("folder")
def test_an_epoch_ends_where_the_first_set_is_through_and_the_next_one_goes_on_in_the_others() -> None:
    data = prepared("data.train=mine.csv", "data.mix={general.csv: 0.5}")
    assert data.mixture is not None
    sets_N = data.mixture.sets(data.split.train)
    sampling = Sampling(sets_N, data.mixture.rates(sets_N))
    first, second = (set(sampling.epoch(1, epoch).tolist()) for epoch in (0, 1))
    assert {i for i in first if sets_N[i] == 1} == {i for i in second if sets_N[i] == 1}
    assert not {i for i in first & second if sets_N[i] == 0}  # 28 of 80, then other 28


@pytest.mark.usefixtures("folder")
def test_the_shares_come_through_yaml_the_command_line_and_a_program_alike() -> None:
    Path("run.yaml").write_text("data:\n  train: mine.csv\n  mix:\n    general.csv: 0.4\n", encoding="utf-8")
    wanted = {"general.csv": 0.4}
    assert load_settings(Path("run.yaml")).data.mix == wanted
    assert load_settings(None, ["data.mix={general.csv: 0.4}"]).data.mix == wanted
    assert load_settings(None, ["data.mix.general.csv=0.4"]).data.mix == wanted
    assert load_settings(None, (), flat({"data": {"mix": wanted}})).data.mix == wanted
    again = resolved_config(load_settings(Path("run.yaml")), ())
    Path("again.yaml").write_text(again, encoding="utf-8")
    assert load_settings(Path("again.yaml")).data.mix == wanted


def test_a_setting_longer_than_a_file_name_may_be_is_no_file() -> None:
    long = "data.mix={" + ", ".join(f"a_set_with_a_long_name_{i}.jsonl: 0.01" for i in range(20)) + "}"
    assert split_source([long]) == (None, [long])
    assert len(load_settings(None, [long]).data.mix) == 20


@pytest.mark.usefixtures("folder")
def test_a_mixed_in_row_whose_input_is_judged_on_is_left_out_and_counted() -> None:
    alone = prepared("data.train=mine.csv")
    copied = [(e.input.upper(), e.answer) for e in alone.split.test[:3]]
    write_csv(Path("general.csv"), ["text", "label"], [*ROWS[40:], *copied])
    data = prepared("data.train=mine.csv", "data.mix={general.csv: 0.4}")
    assert files_of(data, "train")["general.csv"] == 80
    assert any("3 rows of data.mix are left out" in note for note in data.notes)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["data.train=mine.csv", "data.mix={general.csv: 1.2}"], "conflict"),
        (["data.train=mine.csv", "data.mix={general.csv: 0}"], "bad-value"),
        (["data.train=mine.csv", "data.mix=[general.csv, 0.4]"], "not-a-section"),
        (["data.train=mine.csv", "data.mix={generl.csv: 0.2}"], "no-such-file"),
        (["data.train=mine.csv", "data.test=general.csv", "data.mix={general.csv: 0.2}"], "same-file"),
        (["data.train=mine.csv", "data.mix={general.csv: 0.2, './general.csv': 0.3}"], "same-file"),
        (
            [
                "task.name=multitask",
                "task.tasks={a: {task: classification, train: mine.csv}}",
                "data.mix={general.csv: 0.2}",
            ],
            "conflict",
        ),
    ],
)
def test_what_cannot_be_mixed_is_refused(words: list[str], code: str) -> None:
    with pytest.raises(LuthierError) as caught:
        prepare(check_settings(read_settings(None, words)))
    assert caught.value.problems[0].code == code


def test_files_of_one_task_may_have_each_its_own_layout(folder: Path) -> None:
    from luthier.doctor.check import Context
    from luthier.doctor.examine import Doctor
    from luthier.formats.known import format_of_task
    from luthier.preparing.mixing import open_mixed
    from luthier.preparing.rows import open_parts, rows_past

    rows = (({"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": f"a{i}"}) for i in (1, 2))
    write_jsonl(folder / "chat.jsonl", [{"messages": turns} for turns in rows])
    write_jsonl(folder / "alpaca.jsonl", [{"instruction": "q3", "input": "", "output": "a3"}])
    write_csv(folder / "pairs.csv", ["prompt", "completion"], [("q4", "a4")])
    write_csv(folder / "other.csv", ["text", "label"], [("q5", "a5")])
    layout = format_of_task("sft")

    def answers(*words: str) -> tuple[list[str], int]:
        data = load_settings(None, words).data
        tables, _ = open_parts(data, "train", shared=False)
        extra = open_mixed(data, tables).extra
        doctor = Doctor(Context(layout))
        given = [tables["train"], *([extra] if extra else [])]
        read = [rows_past(doctor, table, data, "train", whole=table is extra) for table in given]
        return [example.answer.content for part in read for example in part.rows], doctor.unusable

    four = answers("data.train=[chat.jsonl, alpaca.jsonl]", "data.mix={pairs.csv: 0.1}")
    assert four == (["a1", "a2", "a3", "a4"], 0)
    asked = ["data.columns.messages=messages", "data.mix={alpaca.jsonl: 0.5}"]  # as a resume has them
    assert answers("data.train=chat.jsonl", *asked) == (["a1", "a2", "a3"], 0)
    assert answers("data.train=[chat.jsonl, other.csv]") == (["a1", "a2"], 1)


def test_the_shares_of_sets_hold_where_rare_classes_are_shown_more_often() -> None:
    sets_N = np.repeat([0, 1], [60, 40])
    classes_N = np.tile([0, 0, 0, 1], 25)
    both = crossed(Sampling(sets_N, (0.5, 1.0)), Sampling(classes_N, (1.0, 3.0)))
    drawn = both.epoch(1, 0) % 100
    assert np.bincount(sets_N[drawn]).tolist() == pytest.approx([30, 40], abs=1)
    within = np.bincount(classes_N[drawn[sets_N[drawn] == 1]])
    assert within[0] == pytest.approx(within[1], abs=1)  # 3:1, and the rare one three times
