"""The earliest rows train, the latest judge; times are read as people write them, and never guessed."""

import random
from datetime import UTC, datetime

import pytest

from luthier.errors import DataError, Place
from luthier.splitting.shares import Shares
from luthier.splitting.times import by_time, read_stamp, seconds
from luthier.types import PARTS, Example
from splitting.helpers import part_of, sizes, split

MAY = datetime(2024, 5, 31, tzinfo=UTC).timestamp()
NOON = MAY + 12 * 3600


def stamp(written: object, pattern: str | None = None):
    return read_stamp(written, Place("rows.csv", 2, "when"), pattern)


def moments(written: list[str]) -> list[float]:
    places = [Place("rows.csv", line, "when") for line in range(2, len(written) + 2)]
    return seconds([read_stamp(text, place) for text, place in zip(written, places, strict=True)], places)


@pytest.mark.parametrize(
    "written",
    ["2024-05-31", "2024/5/31", "2024.05.31", "20240531", "31.05.2024", "05/31/2024", "31-05-24", "31 May 2024",
     "May 31, 2024", "May 31st, 2024", "31-May-2024", "Friday, May 31, 2024", "2024年5月31日", "２０２４年５月３１日",
     "2024年5月31日 周五", "2024년 5월 31일", str(int(MAY)), str(int(MAY * 1000)), str(int(MAY * 1_000_000)),
     datetime(2024, 5, 31), "2024-05-30 24:00"],
)  # fmt: skip
def test_a_date_is_read_however_it_is_written(written: object) -> None:
    read = stamp(written)
    assert MAY in (read.day_first, read.month_first)
    assert {read.day_first, read.month_first} <= {MAY, None}


@pytest.mark.parametrize(
    "written",
    ["2024-05-31T12:00:00Z", "2024-05-31 12:00", "2024-05-31 20:00:00+08:00", "2024-05-31T05:00:00.000-0700",
     "2024年5月31日 12时00分", "2024年5月31日 中午12:00", "5/31/2024 12:00 PM", "Fri May 31 12:00:00 +0000 2024",
     "Fri, 31 May 2024 12:00:00 GMT", "20240531120000", f"{NOON:.1f}"],
)  # fmt: skip
def test_a_time_of_day_and_its_zone_are_read(written: str) -> None:
    assert NOON in (stamp(written).day_first, stamp(written).month_first)


def test_afternoons_and_midnights_are_told_apart() -> None:
    assert stamp("2024年5月31日 下午3时05分").day_first == MAY + 15 * 3600 + 300
    assert stamp("5/31/2024 12:30 AM").month_first == MAY + 1800


def test_months_and_quarters_begin_with_their_first_day() -> None:
    april = datetime(2024, 4, 1, tzinfo=UTC).timestamp()
    assert [stamp(text).day_first for text in ("2024-04", "2024年4月", "2024-Q2")] == [april] * 3


@pytest.mark.parametrize(
    "written", ["yesterday", "2024-13-01", "32/01/2024", "12:30", "2024-05-31 25:00", "5月1日", "--"]
)
def test_what_is_no_time_is_named_with_its_place(written: str) -> None:
    with pytest.raises(DataError) as caught:
        stamp(written)
    (problem,) = caught.value.problems
    assert (problem.code, str(problem.place)) == ("bad-time", "rows.csv:2:when")
    assert written in problem.what and "data.split.time_format" in problem.fix


@pytest.mark.parametrize("empty", [None, "", "  ", float("nan"), "NaT"])
def test_an_empty_cell_is_no_time(empty: object) -> None:
    with pytest.raises(DataError, match="no time") as caught:
        stamp(empty)
    assert caught.value.problems[0].code == "missing-time"


def test_a_format_that_the_user_names_is_the_only_one() -> None:
    assert stamp("31|05|24", "%d|%m|%y").day_first == MAY
    with pytest.raises(DataError):
        stamp("2024-05-31", "%d|%m|%y")


def test_one_row_tells_whether_the_day_comes_first() -> None:
    assert moments(["01/02/2024", "13/01/2024"])[0] > moments(["01/02/2024", "01/13/2024"])[0]


def test_days_and_months_that_nothing_tells_apart_are_refused() -> None:
    with pytest.raises(DataError, match="is the day or the month first") as caught:
        moments(["01/02/2024", "03/04/2024"])
    assert caught.value.problems[0].code == "ambiguous-time"
    assert moments(["03/03/2024", "04/04/2024"])  # the same either way


def test_rows_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(DataError, match="begins with the day") as caught:
        moments(["13/01/2024", "01/14/2024"])
    assert caught.value.problems[0].also[0].line == 3
    with pytest.raises(DataError, match="some times are numbers") as caught:
        moments(["2024-01-01", "17", "2024-01-02"])
    assert caught.value.problems[0].place.line == 3


def test_a_running_number_is_an_order_too() -> None:
    assert moments(["9", "10", "2024"]) == [9, 10, 2024]


def rows(stamps: list[str], seed: int = 0) -> list[Example[str, str]]:
    made = [
        Example(f"text {i}", "ab"[i % 2], row=i, mark=stamp(text), place=Place("rows.csv", i + 2))
        for i, text in enumerate(stamps)
    ]
    random.Random(seed).shuffle(made)
    return made


@pytest.mark.parametrize("number", range(8))
def test_training_is_before_validation_and_validation_before_the_test(number: int) -> None:
    draw = random.Random(number)
    days = sorted(draw.choices(range(1, 29), k=draw.randint(30, 200)))
    made = rows([f"2024-03-{day:02d}" for day in days], number)
    parts = split(made, by="time")
    ends = [[example.mark.day_first for example in parts.part(name)] for name in PARTS]
    assert max(ends[0]) < min(ends[1]) and max(ends[1]) < min(ends[2])  # rows of one day are never parted
    largest = max(days.count(day) for day in set(days))
    for size, share in zip(sizes(parts), (0.7, 0.1, 0.2), strict=True):
        assert abs(size - share * len(days)) <= largest + 1
    assert part_of(parts) == part_of(split(rows([f"2024-03-{day:02d}" for day in days], 99), by="time"))


def test_without_ties_the_shares_are_exact_and_the_times_are_told() -> None:
    parts = split(rows([str(i) for i in range(100)]), by="time")
    assert sizes(parts) == [70, 10, 20]
    assert [note for note in parts.notes if note.startswith("test:")] == ["test: 80 to 99"]


def test_a_part_that_ties_make_larger_is_told() -> None:
    parts = split(rows(["2024-01-01"] * 50 + ["2024-01-02"] * 10 + ["2024-01-03"] * 40), by="time")
    assert sizes(parts) == [50, 10, 40]
    assert any("test has 40% of the rows instead of 20%: rows of one time" in note for note in parts.notes)


def test_too_few_times_are_refused_with_the_rows_of_each() -> None:
    with pytest.raises(DataError, match="2024-01-01 60, 2024-01-02 40") as caught:
        split(rows(["2024-01-01"] * 60 + ["2024-01-02"] * 40), by="time")
    assert caught.value.problems[0].code == "time-split"


def test_two_times_are_enough_for_two_parts() -> None:
    parts = split(rows(["2024-01-01"] * 60 + ["2024-01-02"] * 40), Shares(0.2, 0.0, 42), by="time")
    assert sizes(parts) == [60, 0, 40]


def test_a_class_that_only_came_later_is_told() -> None:
    made = rows([str(i) for i in range(50)])
    late = [Example("new", "c", row=50 + i, mark=stamp(str(50 + i)), place=Place("rows.csv", 52 + i)) for i in range(5)]
    notes = split(made + late, by="time").notes
    assert any("5 rows to validate or test on have a label that no training row has (c 5)" in note for note in notes)


def test_borders_lie_where_the_shares_want_them() -> None:
    assert by_time([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.2, 0.1) == [0] * 7 + [1] + [2] * 2
    assert by_time([3, 1, 2], 0.0, 0.3) == [1, 0, 0]
