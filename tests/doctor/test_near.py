"""Rows that nearly repeat another are told apart from copies, from conflicts and from leaks."""

from luthier.doctor.check import Context
from luthier.doctor.examine import Doctor
from luthier.doctor.gathered import Gathered, Sample
from luthier.doctor.near import Leaks, NearDuplicates
from luthier.errors import Place
from luthier.formats.labelled import Labelled
from luthier.types import Example, Finding

PORCH = "the driver left my {} at the porch"
LONG = "i have waited for my {} since the first of may and nobody tells me where it is"
Rows = list[tuple[str, str]]


def look(train: Rows, test: Rows = [], sample: int | None = None) -> tuple[dict[str, Finding], Doctor]:  # noqa: B006
    doctor = Doctor(Context(Labelled()), [NearDuplicates, Leaks])
    if sample is not None:
        doctor.data = Gathered(Labelled(), Sample(sample))
    for part, rows in (("train", train), ("test", test)):
        examples = [Example(text, label, Place(f"{part}.csv", line)) for line, (text, label) in enumerate(rows, 2)]
        assert list(doctor.watch(part, examples)) == examples
    return {finding.code: finding for finding in doctor.findings()}, doctor


def test_near_duplicates_are_named_after_the_row_that_they_repeat() -> None:
    found, doctor = look([(PORCH.format("parcel"), "a"), ("another thing", "a"), (PORCH.format("letter"), "a")])
    near = found["near-duplicate"]
    assert [(row.line, other.line) for row, other in zip(near.rows, near.other, strict=True)] == [(4, 2)]
    assert near.severity == "warning" and list(found) == ["near-duplicate"]
    (cluster,) = doctor.facts()["NearDuplicates"]["clusters"]
    assert cluster["size"] == 2 and cluster["texts"] == [PORCH.format("parcel"), PORCH.format("letter")]


def test_copies_are_no_near_duplicates() -> None:
    assert look([(PORCH.format("parcel"), "a")] * 3)[0] == {}


def test_a_word_may_make_another_label_right_in_short_texts_only() -> None:
    assert look([(PORCH.format("parcel"), "a"), (PORCH.format("letter"), "b")])[0] == {}
    found, _ = look([(LONG.format("parcel"), "a"), (LONG.format("letter"), "b")])
    assert list(found) == ["near-conflict"] and [row.line for row in found["near-conflict"].rows] == [3]
    found, _ = look([("My card!", "a"), ("my card", "b")])
    assert list(found) == ["near-conflict"]


def test_of_a_pair_both_texts_must_be_near_and_no_word_is_too_many_for_another_label() -> None:
    first = "a long premise that says quite a lot of things about the weather in the north of the country"

    def check(*rows: tuple[str, str]) -> list[str]:
        doctor = Doctor(Context(Labelled()), [NearDuplicates])
        examples = [Example((first, text), label, Place("a.csv", i)) for i, (text, label) in enumerate(rows)]
        assert list(doctor.watch("train", examples)) == examples
        return [finding.code for finding in doctor.findings()]

    assert check(("it rains", "yes"), ("nobody spoke", "yes")) == []
    assert check(("it rains in the north today", "yes"), ("it snows in the north today", "no")) == []
    assert check(("it rains in the north today", "yes"), ("it snows in the north today", "yes")) == ["near-duplicate"]
    assert check(("it rains", "yes"), ("It rains!", "no")) == ["near-conflict"]


def test_leaks_are_counted_exact_and_near_and_the_exact_ones_told_first() -> None:
    train = [(PORCH.format("parcel"), "a"), ("where is it now", "b"), (LONG.format("parcel"), "a")]
    new = [(f"never seen before number {i}", "a") for i in range(8)]
    test = [(LONG.format("letter"), "a"), *new, ("where is it now", "b")]
    leak = look(train, test)[0]["split-leak"]
    assert leak.severity == "warning" and "1 of 10 test rows stand" in leak.message and "1 more differ" in leak.message
    assert [(row.file, row.line) for row in leak.rows] == [("test.csv", 11), ("test.csv", 2)]
    assert [(row.file, row.line) for row in leak.other] == [("train.csv", 3), ("train.csv", 4)]
    alone = look(train, [(LONG.format("letter"), "a"), *new])[0]["split-leak"]
    assert alone.count == 1 and "1 of 9 test rows differ" in alone.message


def test_copies_of_a_near_row_leak_all() -> None:
    copies = [(PORCH.format("letter"), "a"), (PORCH.format("letter") + "!", "a")]
    leak = look([(PORCH.format("parcel"), "a")], copies)[0]
    assert [row.line for row in leak["split-leak"].rows] == [2, 3]


def test_rows_of_another_label_leak_only_where_they_are_equal() -> None:
    train, other = [(PORCH.format("parcel"), "a")], [("never seen before number one", "b")] * 9
    assert "split-leak" not in look(train, [(PORCH.format("letter"), "b")])[0]
    assert "split-leak" in look(train, [(PORCH.format("parcel"), "b"), *other])[0]


def test_what_is_looked_for_in_a_sample_is_said() -> None:
    rows = [(f"{word} stands here and there for all to see", "a") for word in ("parcel", "letter")] * 20
    found, _ = look([(f"{text} {i}", label) for i, (text, label) in enumerate(rows)] + rows, sample=30)
    assert all("30 rows" in finding.message and "--deep" in finding.message for finding in found.values())
