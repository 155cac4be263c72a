"""What sets the parts of a split apart: groups on both sides, other words, other labels, other times."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from luthier.checkup import check
from luthier.config.settings import load_settings
from luthier.doctor.parts.dates import Dates, find_dates
from luthier.errors import DataError, Place
from luthier.types import Example, Finding, Row
from tiny import write_csv

Rows = Sequence[tuple[object, ...]]
CODES = {"group-leak", "distribution-shift", "time-order"}


def look(
    folder: Path, header: list[str], train: Rows, test: Rows = (), **keys: str
) -> tuple[dict[str, Finding], list[str]]:
    files = {"data.train": str(write_csv(folder / "train.csv", header, train))}
    if test:
        files["data.test"] = str(write_csv(folder / "test.csv", header, test))
    done = check(load_settings(None, [f"{key}={value}" for key, value in {**files, **keys}.items()]))
    return {finding.code: finding for finding in done.findings if finding.code in CODES}, done.notes


def texts(count: int, seed: int, words: str = "parcel money card driver refund late") -> list[str]:
    draw = random.Random(seed)
    common = [f"{letter}{i}" for letter in "klm" for i in range(30)]
    return [" ".join([*draw.choices(common, k=7), draw.choice(words.split())]) for _ in range(count)]


def labelled(found: list[str], seed: int = 0, classes: str = "ab") -> list[tuple[str, str]]:
    draw = random.Random(seed)
    return [(text, draw.choice(classes)) for text in found]


# ---- groups


def test_groups_on_both_sides_are_named(tmp_path: Path) -> None:
    train = [(*row, f"customer {i % 10}") for i, row in enumerate(labelled(texts(60, 0)))]
    test = [(*row, "customer 3" if i < 4 else f"new {i}") for i, row in enumerate(labelled(texts(30, 1)))]
    found, _ = look(tmp_path, ["text", "label", "who"], train, test, **{"data.split.group": "who"})
    assert (
        "4 of 30 test rows are of 1 groups" in found["group-leak"].message
        and "customer 3" in found["group-leak"].message
    )
    assert [row.line for row in found["group-leak"].rows] == [2, 3, 4, 5]


def test_no_groups_no_leak_of_them(tmp_path: Path) -> None:
    train = [(*row, "same") for row in labelled(texts(30, 0))]
    test = [(*row, "same" if i else "") for i, row in enumerate(labelled(texts(30, 1)))]
    assert look(tmp_path, ["text", "label", "who"], train, test)[0] == {}
    found, _ = look(tmp_path, ["text", "label", "who"], train, test, **{"data.split.group": "who"})
    assert found["group-leak"].count == 29
    bare = [row[:2] for row in test]
    files = [f"data.train={write_csv(tmp_path / 'a.csv', ['text', 'label', 'who'], train)}",
             f"data.test={write_csv(tmp_path / 'b.csv', ['text', 'label'], bare)}", "data.split.group=who"]  # fmt: skip
    done = check(load_settings(None, files))
    assert "group-leak" not in {finding.code for finding in done.findings}
    assert any("b.csv: no column 'who'" in note and "not looked for" in note for note in done.notes)


@pytest.mark.parametrize("theirs", ["Who", " who ", "WHO", "ｗｈｏ"])
def test_the_group_column_is_found_as_any_other_whatever_its_case_width_and_blanks(theirs: str, tmp_path: Path) -> None:
    train = [(*row, f"customer {i % 10}") for i, row in enumerate(labelled(texts(60, 0)))]
    test = [(*row, "customer 3" if i < 4 else f"new {i}") for i, row in enumerate(labelled(texts(30, 1)))]
    files = [f"data.train={write_csv(tmp_path / 'a.csv', ['text', 'label', 'who'], train)}",
             f"data.test={write_csv(tmp_path / 'b.csv', ['text', 'label', theirs], test)}", 
             "data.split.group=who"]  # fmt: skip
    done = check(load_settings(None, files))
    assert [row.line for f in done.findings if f.code == "group-leak" for row in f.rows] == [2, 3, 4, 5]
    assert any(note.startswith("b.csv: column 'who' is read from") for note in done.notes)


def test_a_group_column_that_the_training_file_lacks_is_refused_with_the_nearest(tmp_path: Path) -> None:
    train = [(*row, f"customer {i % 10}") for i, row in enumerate(labelled(texts(60, 0)))]
    with pytest.raises(
        DataError, match=r"no column 'custumer'.*\n.*did you mean 'customer'\? data.split.group=customer"
    ):
        look(tmp_path, ["text", "label", "customer"], train, **{"data.split.group": "custumer"})


# ---- distribution


def test_parts_drawn_from_one_source_do_not_differ(tmp_path: Path) -> None:
    rows = labelled(texts(400, 0))
    assert look(tmp_path, ["text", "label"], rows[:300], rows[300:])[0] == {}


def test_other_words_are_a_shift_and_the_words_are_named(tmp_path: Path) -> None:
    test = labelled(texts(100, 1, words="invoice voucher"))
    found, _ = look(tmp_path, ["text", "label"], labelled(texts(300, 0)), test)
    shift = found["distribution-shift"]
    assert shift.severity == "warning" and "'invoice'" in shift.message and "'voucher'" in shift.message
    assert "AUC 0.9" in shift.message or "AUC 1.0" in shift.message


def test_other_shares_of_the_labels_are_a_shift(tmp_path: Path) -> None:
    test = [(text, "a" if i % 10 else "b") for i, text in enumerate(texts(100, 1))]
    train = [(text, "ab"[i % 2]) for i, text in enumerate(texts(300, 0))]
    message = look(tmp_path, ["text", "label"], train, test)[0]["distribution-shift"].message
    assert message == "'a' is 50% of the training rows and 90% of the test rows"


def test_a_few_rows_prove_no_shift(tmp_path: Path) -> None:
    test = labelled(texts(20, 1, words="invoice voucher"), classes="a")
    assert look(tmp_path, ["text", "label"], labelled(texts(300, 0)), test)[0] == {}


# ---- time


def dated(found: list[str], first: int, days: int) -> list[tuple[str, str, str]]:
    start = datetime(2024, 1, 1)
    return [(*row, (start + timedelta(days=first + i % days)).strftime("%Y-%m-%d"))
            for i, row in enumerate(labelled(found))]  # fmt: skip


def test_test_rows_before_the_last_training_row_are_named(tmp_path: Path) -> None:
    header, train = ["text", "label", "sent"], dated(texts(60, 0), 0, 60)
    test = dated(texts(30, 1), 50, 30)
    order = look(tmp_path, header, train, test)[0]["time-order"]
    assert "10 of 30 test rows" in order.message and "'sent': 2024-02-29" in order.message
    assert "data.split.time=sent" in order.fix and [row.line for row in order.rows] == list(range(2, 12))
    assert "time-order" not in look(tmp_path, header, train, dated(texts(30, 1), 60, 30))[0]


def test_texts_that_change_with_time_make_a_random_split_too_easy(tmp_path: Path) -> None:
    old, new = dated(texts(200, 0), 0, 90), dated(texts(200, 1, words="invoice voucher"), 90, 90)
    header = ["text", "label", "sent"]
    order = look(tmp_path, header, [*old, *new])[0]["time-order"]
    assert (
        "2024-01-01 to 2024-06-28" in order.message
        and order.fix == "test on the latest: data.split.by=time data.split.time=sent"
    )
    told = {"data.split.by": "time", "data.split.time": "sent"}
    assert look(tmp_path, header, [*old, *new], **told)[0] == {}
    found, notes = look(tmp_path, header, dated(texts(300, 0), 0, 90))
    assert found == {} and any("2024-01-01 to 2024-03-30" in note and "data.split.time=sent" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("sent", ["2024-01-05", "2024-02-06 10:00", "2024-02-07", "", "2024-02-09"], True),
        ("whatever", ["5 May 2024", "2024年5月6日"], True),
        ("created_at", [1714867200, 1714953600], True),
        ("创建时间", ["1714867200", "1714953600"], True),
        ("customer", [1714867200, 1714953600], False),
        ("sent", ["2024-01-05", "yesterday"], False),
        ("sent", ["2024-01-05", "2024-01-05"], False),
        ("date", [1, 2], False),
        ("version", ["1.2", "1.3"], False),
    ],
)
def test_a_date_column_is_known_by_its_values(name: str, values: list[Any], found: bool) -> None:
    rows = [{"text": "x", name: value} for value in values]
    assert find_dates(rows, {"text"}) == (name if found else None)
    assert find_dates(rows, {"text", name}) is None


@pytest.mark.parametrize(
    ("values", "days"),
    [
        (["03/04/2024", "25/04/2024"], [3, 25]),
        (["03/04/2024", "04/25/2024"], [4, 25]),
        (["03/04/2024", "05/06/2024"], None),
    ],
)
def test_the_day_or_the_month_first_is_told_by_any_row(values: list[str], days: list[int] | None) -> None:
    dates = Dates()
    parse = dates.watch(lambda row: Example("x", "a"), [{"date": value} for value in values], (), "train")
    for value in values:
        parse(Row({"date": value}, Place("a.csv")))
    seconds = dates.seconds()
    read = None if seconds is None else [datetime.fromtimestamp(s, UTC).day for s in seconds.tolist()]
    assert read == days
