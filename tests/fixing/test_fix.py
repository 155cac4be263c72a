"""A mended copy has what was meant and all else as it was; a second check has nothing to say about what was mended."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.errors import DataError, LuthierError
from luthier.fixup import Fixed
from tiny import ticket_rows, write_csv, write_jsonl

TEXT = ["nfc", "html", "control", "whitespace"]


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


def objects(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def log(fixed: Fixed) -> list[dict[str, Any]]:
    return objects(fixed.log)


DIRTY = [
    ["007", "My <b>parcel</b>  is late\u200b", "billing", "=1+1", "1.0"],
    ["008", "refund &lt;#&gt; please", "Billing ", "", "1e3"],
    ["009", "refund <#> please", "billing", "x,y", "2"],
    ["010", "", "billing", "", "3"],
    ["011", "charged", "refund", 'a "b"', "4"],
    ["012", "charged", "billing", "two\r\nlines", "5"],
    ["013", "e\u0301te\u0301", "refund", "\u00a0kept ", "6"],
]
HEADER = ["id", "body", "team", "note", "n"]
CLEAN = [
    ["007", "My parcel is late", "billing", "=1+1", "1.0"],
    ["008", "refund <#> please", "billing", "", "1e3"],
    ["011", "charged", "refund", 'a "b"', "4"],
    ["012", "charged", "billing", "two\r\nlines", "5"],
    ["013", "été", "refund", "\u00a0kept ", "6"],
]


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "dirty.csv", HEADER, DIRTY)


ALL = [*TEXT, "repair", "labels", "drop", "leaks", "deduplicate"]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".xlsx", ".parquet", ".jsonl", ".json"])
def test_the_ending_says_what_is_written_and_untouched_cells_stay_as_they_are(dirty: Path, ending: str) -> None:
    from luthier.reading.read import open_table
    from luthier.types import Row

    before = dirty.read_bytes()
    fixed = luthier.fix(dirty, dirty.with_name(f"out{ending}"), steps=ALL, text="body", label="team")
    rows = [row for row in open_table(fixed.out).rows if isinstance(row, Row)]
    assert [list(row.values) for row in rows] == [HEADER] * len(CLEAN)
    said = [[value or "" for value in row.values.values()] for row in rows]  # an empty cell of a sheet is None
    if ending == ".xlsx":  # which knows one kind of line break, unless lxml is there to write the other
        assert said[3][3] in ("two\nlines", "two\r\nlines")
        said[3][3] = CLEAN[3][3]
    assert said == CLEAN
    assert (fixed.rows, fixed.written, fixed.untouched) == (7, 5, ("id", "note", "n"))
    assert dirty.read_bytes() == before


def test_every_change_is_logged_with_its_place_and_step(dirty: Path) -> None:
    fixed = luthier.fix(dirty, dirty.with_name("out.csv"), steps=ALL, text="body", label="team")
    name = str(dirty)
    assert log(fixed)[:4] == [
        {"file": name, "line": 2, "column": "body", "step": "html", "before": DIRTY[0][1],
         "after": "My parcel  is late\u200b"},
        {"file": name, "line": 2, "column": "body", "step": "control", "before": "My parcel  is late\u200b",
         "after": "My parcel  is late"},
        {"file": name, "line": 2, "column": "body", "step": "whitespace", "before": "My parcel  is late",
         "after": "My parcel is late"},
        {"file": name, "line": 3, "column": "body", "step": "html", "before": DIRTY[1][1], "after": CLEAN[1][1]},
    ]  # fmt: skip
    assert {
        "file": name,
        "line": 3,
        "column": "team",
        "step": "labels",
        "before": "Billing ",
        "after": "billing",
    } in log(fixed)
    dropped = [(item["line"], item["by"], item["reason"]) for item in log(fixed) if item["step"] == "drop"]
    assert dropped == [(4, "deduplicate", "repeats line 3"), (5, "drop", "no text")]
    left = [item["line"] for item in log(fixed) if item["step"] == "deduplicate"]
    assert left == [6, 7]  # which label of "charged" is right is not ours to say
    assert fixed.changes == {
        "nfc": 1,
        "html": 2,
        "control": 1,
        "whitespace": 1,
        "labels": 1,
        "drop": 1,
        "deduplicate": 1,
    }
    assert fixed.left == {"deduplicate": 2}


def test_a_mended_copy_has_none_of_the_mended_findings_and_is_not_changed_again(tmp_path: Path) -> None:
    good = ticket_rows(60)
    bad = [(good[0][0].replace(" ", "  ") + "\u200b", good[0][1]), (good[1][0], good[1][1].upper()), ("", "billing")]
    data = write_csv(tmp_path / "dirty.csv", ["text", "label"], [*good, *bad])
    found = {finding.code for finding in luthier.check(data).findings}
    assert {"missing-text", "conflicting-label"} <= found
    fixed = luthier.fix(data, tmp_path / "clean.csv")
    assert luthier.check(fixed.out).findings == []
    again = luthier.fix(fixed.out, tmp_path / "again.csv")
    assert again.changes == again.left == {} and log(again) == []
    assert (tmp_path / "again.csv").read_bytes() == fixed.out.read_bytes()


def test_several_files_become_a_folder_and_leaked_rows_leave_the_test_copy(tmp_path: Path) -> None:
    rows = ticket_rows(60)
    train = write_csv(tmp_path / "train.csv", ["text", "label"], rows[:50])
    soiled = [(f" {rows[3][0]} ", rows[3][1]), *rows[50:]]
    test = write_jsonl(tmp_path / "test.jsonl", [{"text": text, "label": label} for text, label in soiled])
    fixed = luthier.fix(train, tmp_path / "out", data={"test": str(test)})
    assert fixed.parts == {"train": tmp_path / "out" / "train.csv", "test": tmp_path / "out" / "test.jsonl"}
    assert fixed.changes == {"leaks": 1}
    assert [row["text"] for row in objects(fixed.parts["test"])] == [text for text, _ in rows[50:]]
    assert [(item["file"], item["line"], item["by"]) for item in log(fixed)] == [(str(test), 1, "leaks")]
    assert luthier.check(fixed.parts["train"], data={"test": str(fixed.parts["test"])}).findings == []


def test_several_files_of_one_part_become_one_copy(tmp_path: Path) -> None:
    rows = ticket_rows(60)
    files = [write_csv(tmp_path / f"{i}.csv", ["text", "label"], rows[20 * i : 20 * i + 20]) for i in range(2)]
    rest = write_csv(tmp_path / "rest.csv", ["text", "label"], [*rows[40:], rows[40]])
    fixed = luthier.fix([*files, rest], tmp_path / "out.csv")
    assert table(fixed.out)[1:] == [list(row) for row in rows]
    assert [(item["file"], item["line"]) for item in log(fixed)] == [(str(rest), 22)]


def test_a_test_file_of_which_nothing_would_be_left_is_refused(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", ["text", "label"], ticket_rows(30))
    test = write_csv(tmp_path / "test.csv", ["text", "label"], ticket_rows(30)[:3])
    with pytest.raises(DataError, match=r"test.csv: no row would be left"):
        luthier.fix(train, tmp_path / "out", data={"test": str(test)})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.csv", "train.csv"]


def test_conversations_are_cleaned_in_the_layout_in_which_they_are_written(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "what  is <b>1+1</b>?"}, {"from": "gpt", "value": "it is &#50;"}]
    code = [{"from": "human", "value": "  code:\n```\nx =  1\n```"}, {"from": "gpt", "value": "ok", "weight": 1}]
    data = write_jsonl(
        tmp_path / "chat.jsonl", [{"id": n, "conversations": said} for n, said in enumerate((turns, code))]
    )
    fixed = luthier.fix(data, tmp_path / "out.jsonl", steps=TEXT)
    one, two = objects(fixed.out)
    assert one == {
        "id": 0,
        "conversations": [{"from": "human", "value": "what is 1+1?"}, {"from": "gpt", "value": "it is 2"}],
    }
    assert two["conversations"][0]["value"] == "code:\n```\nx =  1\n```" and two["conversations"][1]["weight"] == 1
    assert log(fixed)[0]["column"] == "conversations.0.value"


def test_a_prompt_in_two_cells_is_cleaned_in_both(tmp_path: Path) -> None:
    row = {"instruction": " add  them ", "input": "1  and 2\n", "output": "<p>3</p>"}
    data = write_jsonl(tmp_path / "alpaca.jsonl", [row])
    (mended,) = objects(luthier.fix(data, tmp_path / "out.jsonl", steps=TEXT).out)
    assert mended == {"instruction": "add them", "input": "1 and 2", "output": "3"}


def test_word_a_line_files_become_rows_without_what_the_reader_adds(tmp_path: Path) -> None:
    (tmp_path / "in.conll").write_text("John I-PER\nDoe I-PER\n\nin O\nParis B-LOC\n", "utf-8")
    fixed = luthier.fix(tmp_path / "in.conll", tmp_path / "out.jsonl")
    assert objects(fixed.out)[0] == {"tokens": ["John", "Doe"], "tags": ["B-PER", "I-PER"]}
    assert fixed.changes == {"repair": 1} and fixed.untouched == ()


def test_html_is_taken_out_where_the_doctor_found_it(tmp_path: Path) -> None:
    rows = [(f"<p>{text}</p>", label) for text, label in ticket_rows(20)]
    data = write_csv(tmp_path / "pages.csv", ["text", "label"], rows)
    assert luthier.fix(data, tmp_path / "out.csv").changes == {"html": 20}
    assert "html" not in luthier.fix(tmp_path / "out.csv", tmp_path / "again.csv").steps


def test_spans_move_with_the_text_and_still_name_the_same_words(tmp_path: Path) -> None:
    text = "Mr  <b>John Doe</b> lives in  Paris"
    spans = [{"start": text.index("John"), "end": text.index("</b>"), "label": "PER"},
             {"start": text.index("Paris"), "end": len(text), "label": "LOC"}]  # fmt: skip
    data = write_jsonl(tmp_path / "ner.jsonl", [{"text": text, "entities": spans}])
    (row,) = objects(luthier.fix(data, tmp_path / "out.jsonl", steps=TEXT).out)
    assert row["text"] == "Mr John Doe lives in Paris"
    assert [row["text"][span["start"] : span["end"]] for span in row["entities"]] == ["John Doe", "Paris"]


def test_a_row_whose_answer_would_be_torn_stays_as_it_is_and_says_so(tmp_path: Path) -> None:
    text = "see bob@mail.com today"
    spans = [{"start": 4, "end": 7, "label": "PER"}]
    data = write_jsonl(tmp_path / "ner.jsonl", [{"text": text, "entities": spans}])
    fixed = luthier.fix(data, tmp_path / "out.jsonl", steps=["mask"])
    assert objects(fixed.out) == [{"text": text, "entities": spans}]
    assert fixed.left == {"mask": 1} and "left as it is" in log(fixed)[0]["reason"]


@pytest.mark.parametrize(
    ("answers", "mended"),
    [
        ({"text": ["Paris"], "answer_start": [0]}, {"text": ["Paris"], "answer_start": [9]}),
        ([{"text": "Paris", "answer_start": 3}], [{"text": "Paris", "answer_start": 9}]),
        ({"text": ["He"], "answer_start": [1]}, None),  # stands there twice: which is meant is not ours to say
    ],
)
def test_a_wrong_offset_is_mended_where_only_one_is_right(answers: Any, mended: Any, tmp_path: Path) -> None:
    right = {"text": ["Paris"], "answer_start": [9]}
    rows = [{"question": "Where?", "context": "He is in Paris. He is.", "answers": answers},
            {"question": "Who?", "context": "He is in Paris.", "answers": right}]  # fmt: skip
    data = write_jsonl(tmp_path / "qa.jsonl", rows)
    fixed = luthier.fix(data, tmp_path / "out.jsonl")
    kept = [{**rows[0], "answers": mended}] if mended is not None else []
    assert objects(fixed.out) == [*kept, rows[1]]
    assert fixed.changes == ({"repair": 1} if mended is not None else {"drop": 1})


def test_an_entity_without_its_beginning_is_written_as_it_is_read(tmp_path: Path) -> None:
    rows = [{"tokens": ["John", "Doe", "in", "Paris"], "ner_tags": ["I-PER", "I-PER", "O", "B-LOC"]}]
    data = write_jsonl(tmp_path / "ner.jsonl", rows)
    (row,) = objects(luthier.fix(data, tmp_path / "out.jsonl").out)
    assert row == {"tokens": rows[0]["tokens"], "ner_tags": ["B-PER", "I-PER", "O", "B-LOC"]}


def test_masking_masks_the_copy_and_the_log(tmp_path: Path) -> None:
    rows = [(f"{text}  mail <i>bob@mail.com</i>", label) for text, label in ticket_rows(20)]
    data = write_csv(tmp_path / "dirty.csv", ["text", "label"], rows)
    fixed = luthier.fix(data, tmp_path / "out.csv", mask=True, steps=TEXT)
    assert all(text.endswith("mail [email]") for text, _ in table(fixed.out)[1:])
    assert "bob" not in fixed.out.read_text("utf-8") + fixed.log.read_text("utf-8")
    assert {item["step"] for item in log(fixed)} == {"html", "whitespace", "mask"}


def test_a_parquet_copy_keeps_the_types_of_the_original(tmp_path: Path) -> None:
    import datetime
    import decimal

    import pyarrow as pa
    import pyarrow.parquet as parquet

    types = {"text": pa.large_string(), "label": pa.dictionary(pa.int8(), pa.string()), "when": pa.date32(),
             "price": pa.decimal128(9, 2), "tags": pa.list_(pa.int16())}  # fmt: skip
    schema = pa.schema(list(types.items()))
    rows = [{"text": f" {text} ", "label": label, "when": datetime.date(2026, 1, 1), "price": decimal.Decimal("1.10"),
             "tags": [1, 2]} for text, label in ticket_rows(30)]  # fmt: skip
    parquet.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "in.parquet")
    fixed = luthier.fix(tmp_path / "in.parquet", tmp_path / "out.parquet", steps=TEXT)
    copy = parquet.read_table(fixed.out)
    assert copy.schema == schema
    assert copy.to_pylist() == [{**row, "text": row["text"].strip()} for row in rows]


def test_numbers_that_stand_for_names_are_the_names_in_the_copy(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    feature = {"label": {"names": ["ham", "spam"], "_type": "ClassLabel"}}
    about = {b"huggingface": json.dumps({"info": {"features": feature}}).encode()}
    schema = pa.schema({"text": pa.string(), "label": pa.int64()}, metadata=about)
    rows = [{"text": text, "label": i % 2} for i, (text, _) in enumerate(ticket_rows(20))]
    parquet.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "in.parquet")
    copy = parquet.read_table(luthier.fix(tmp_path / "in.parquet", tmp_path / "out.parquet").out)
    assert copy.column("label").to_pylist() == ["ham", "spam"] * 10 and not copy.schema.metadata


def test_rows_with_other_keys_than_the_first_keep_them(tmp_path: Path) -> None:
    rows = [{"text": text, "label": label} for text, label in ticket_rows(150)]
    rows[-1]["late"] = "x"
    data = write_jsonl(tmp_path / "in.jsonl", rows)
    for ending in (".csv", ".parquet"):
        fixed = luthier.fix(data, tmp_path / f"out{ending}")
        assert [finding.code for finding in luthier.check(fixed.out).findings] == []
    assert table(tmp_path / "out.csv")[0] == ["text", "label", "late"] and table(tmp_path / "out.csv")[-1][2] == "x"
    assert objects(luthier.fix(data, tmp_path / "out.jsonl").out) == rows


def test_a_table_without_a_header_stays_one(tmp_path: Path) -> None:
    (tmp_path / "bare.csv").write_text("".join(f"{text}, {label}\n" for text, label in ticket_rows(20)), "utf-8")
    fixed = luthier.fix(tmp_path / "bare.csv", tmp_path / "out.csv", text=1, label=2, data={"header": False})
    assert len(table(fixed.out)) == 20 and table(fixed.out)[0] == [ticket_rows(20)[0][0], f" {ticket_rows(20)[0][1]}"]


BROKEN: list[tuple[str, Sequence[str] | None, str]] = [
    ("in.csv", None, "in.csv: is the data itself"),
    ("there.csv", None, "there.csv: exists already"),
    ("out.xls", None, "'.xls' cannot be written.*\n.*did you mean '.xlsx'"),
    ("in.csv/out.csv", None, "out.csv: nothing can be written into"),
    ("out.csv", ["htlm"], "there is no step 'htlm'\n.*did you mean 'html'"),
    ("out.csv", ["html"], "in.csv:32:text: no text\n.*--steps"),
]


@pytest.mark.parametrize(("out", "steps", "message"), BROKEN)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(
    out: str, steps: Sequence[str] | None, message: str, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "in.csv", ["text", "label"], [*ticket_rows(30), ("", "billing")])
    (tmp_path / "there.csv").write_text("mine", "utf-8")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(LuthierError, match=message):
        luthier.fix(data, tmp_path / out, steps=steps)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_lists_do_not_fit_into_a_table_and_nothing_half_written_is_left(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    data = write_jsonl(tmp_path / "chat.jsonl", [{"messages": turns}])
    with pytest.raises(DataError, match=r"messages' holds a list.*\n.*\.jsonl"):
        luthier.fix(data, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["chat.jsonl"]


def test_a_file_that_changes_between_the_two_looks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import luthier.fixup as fixup

    data = write_csv(tmp_path / "in.csv", ["text", "label"], ticket_rows(30))
    look = fixup.survey

    def then_change(*words: Any, **more: Any) -> Any:
        found = look(*words, **more)
        write_csv(data, ["text", "label"], ticket_rows(30, seed=1))
        return found

    monkeypatch.setattr(fixup, "survey", then_change)
    with pytest.raises(DataError, match="changed while it was read"):
        luthier.fix(data, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_control_characters_go_from_every_cell_and_no_row_is_lost_for_them(tmp_path: Path) -> None:
    rows = [[text, label, "note"] for text, label in ticket_rows(20)]
    good = write_csv(tmp_path / "good.csv", ["text", "label", "note"], rows)
    for at in range(3):
        rows[at][at] = rows[at][at][:2] + "\x00\x07" + rows[at][at][2:]
    data = write_csv(tmp_path / "in.csv", ["text", "label", "note"], rows)
    assert {finding.code for finding in luthier.check(data).findings} == {"nul-byte"}
    fixed = luthier.fix(data, tmp_path / "out.csv")
    assert (fixed.written, fixed.changes) == (20, {"control": 3})
    assert table(fixed.out) == table(good)
    lines = write_jsonl(tmp_path / "in.jsonl", [{"text": text, "label": label} for text, label, _ in rows])
    assert luthier.fix(lines, tmp_path / "out.jsonl").written == 20
    dropped = luthier.fix(data, tmp_path / "dropped.csv", steps=["drop"])
    assert (dropped.written, dropped.changes) == (17, {"drop": 3})
