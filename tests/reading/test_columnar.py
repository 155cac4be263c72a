"""Parquet, Arrow and the folders of the datasets library: rows as they are, types said, damage told."""

import datetime
import decimal
import json
import random
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import feather, ipc, parquet

from luthier.errors import DataError, Problem
from luthier.reading.open import named_parts, open_data
from luthier.reading.read import Table, open_table
from luthier.types import Row

TABLE = pyarrow.table({"text": ["late", "broken", "fine"], "label": ["a", "b", "a"]})


def write_stream(path: Path, table: pyarrow.Table) -> None:
    with pyarrow.OSFile(str(path), "wb") as file, ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def write_file(path: Path, table: pyarrow.Table) -> None:
    with pyarrow.OSFile(str(path), "wb") as file, ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


WRITERS: dict[str, Any] = {
    "parquet": lambda path, table: parquet.write_table(table, path),
    "arrow": write_file,
    "stream.arrow": write_stream,
    "feather": lambda path, table: feather.write_feather(table, str(path)),
}


def values(table: Table) -> list[dict[str, Any]]:
    return [dict(row.values) for row in table.rows if isinstance(row, Row)]


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_gives_its_rows_counted_from_one(kind: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path / f"a.{kind}", TABLE)
    table = open_table(tmp_path / f"a.{kind}")
    assert table.columns == ("text", "label")
    rows = [row for row in table.rows if isinstance(row, Row)]
    assert [row.values for row in rows] == TABLE.to_pylist()
    assert [(row.place.line, row.number) for row in rows] == [(1, 0), (2, 1), (3, 2)]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_cut_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    WRITERS[kind](path, pyarrow.table({"text": [f"row {i} {random.Random(i).random()}" for i in range(2000)]}))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError) as caught:
        list(open_table(path).rows)
    assert caught.value.problems[0].code == "damaged-file"


@pytest.mark.parametrize("kind", WRITERS)
def test_flipped_bytes_are_told_or_read_but_never_crash(kind: str, tmp_path: Path) -> None:
    good = tmp_path / f"good.{kind}"
    WRITERS[kind](good, pyarrow.table({"text": [f"row {i}" for i in range(50)], "label": ["a", "b"] * 25}))
    draw = random.Random(0)
    path = tmp_path / f"bad.{kind}"
    for _ in range(60):
        content = bytearray(good.read_bytes())
        for _ in range(3):
            content[draw.randrange(4, len(content))] = draw.randrange(256)
        path.write_bytes(content)
        try:
            list(open_table(path).rows)
        except DataError as error:
            assert error.problems[0].code in ("damaged-file", "duplicate-header", "no-rows", "wrong-kind", "encoding")


def test_a_footer_that_lies_about_its_length_is_told(tmp_path: Path) -> None:
    parquet.write_table(TABLE, tmp_path / "a.parquet")
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[-8:-4] = (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_table(tmp_path / "a.parquet")
    assert caught.value.problems[0].code == "damaged-file"


def test_unusual_types_are_read_as_a_person_would_write_them_and_said(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "text": pyarrow.array(["a", "b", "a"]).dictionary_encode(),
            "price": pyarrow.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.00")]),
            "day": [datetime.datetime(2026, 3, 1), datetime.datetime(2026, 3, 1, 12, 30), None],
            "tokens": [["x", "y"], [], None],
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    opened = open_table(tmp_path / "a.parquet")
    assert values(opened)[0] == {"text": "a", "price": "1.50", "day": "2026-03-01", "tokens": ["x", "y"]}
    notes = " | ".join(opened.notes)
    for said in ("'text' is of type dictionary", "'price' is of type decimal128(3, 2)", "'day' is of type timestamp",
                 "'tokens' is nested"):  # fmt: skip
        assert said in notes


def test_numbers_of_classes_become_their_names(tmp_path: Path) -> None:
    label = {"_type": "ClassLabel", "names": ["neg", "pos"]}
    features = {"text": {"dtype": "string", "_type": "Value"}, "label": label,
                "tags": {"feature": {"_type": "ClassLabel", "names": ["O", "B-X"]}, "_type": "Sequence"}}  # fmt: skip
    table = pyarrow.table({"text": ["a", "b", "c"], "label": [1, 0, -1], "tags": [[0, 1], [1], []]})
    about = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    parquet.write_table(table.replace_schema_metadata(about), tmp_path / "a.parquet")
    opened = open_table(tmp_path / "a.parquet")
    assert [(row["label"], row["tags"]) for row in values(opened)] == [
        ("pos", ["O", "B-X"]),
        ("neg", ["B-X"]),
        (None, []),
    ]
    assert sum("numbers stand for the names" in note for note in opened.notes) == 2


def save(folder: Path, table: pyarrow.Table, shards: int = 1) -> Path:
    """As the datasets library's save_to_disk writes a data set."""
    folder.mkdir(parents=True)
    names = [f"data-{i:05}-of-{shards:05}.arrow" for i in range(shards)]
    step = -(-table.num_rows // shards)
    for i, name in enumerate(names):
        write_stream(folder / name, table.slice(i * step, step))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def test_a_saved_data_set_is_read_in_the_order_of_its_files(tmp_path: Path) -> None:
    table = open_data(str(save(tmp_path / "set", TABLE, shards=2)))
    rows = [row for row in table.rows if isinstance(row, Row)]
    assert [row.values["text"] for row in rows] == ["late", "broken", "fine"]
    assert [row.number for row in rows] == [0, 1, 2]
    assert Path(rows[2].place.file).name == "data-00001-of-00002.arrow"
    assert len(table.digests()) == 2


def test_a_saved_data_set_with_a_file_missing_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "set", TABLE, shards=2)
    (folder / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(DataError, match=r"lists 'data-00001-of-00002\.arrow', which is not there"):
        open_data(str(folder))


def test_the_parts_of_a_saved_dictionary_become_ours(tmp_path: Path) -> None:
    for name in ("train", "validation", "test", "unsupervised"):
        save(tmp_path / "set" / name, TABLE)
    (tmp_path / "set" / "dataset_dict.json").write_text(
        json.dumps({"splits": ["train", "validation", "test", "unsupervised"]})
    )
    parts = named_parts(str(tmp_path / "set"))
    assert {name: [Path(file).parent.name for file in files] for name, files in parts.names.items()} == {
        "train": ["train"], "validation": ["validation"], "test": ["test"],
    }  # fmt: skip
    assert "train (1), validation (1), test (1)" in parts.notes[0]
    own = named_parts(str(tmp_path / "set"), test=str(tmp_path / "set" / "validation"))
    assert Path(own.names["test"][0]).parent.name == "validation"
    with pytest.raises(DataError, match="is a folder with train, validation, test"):
        open_data(str(tmp_path / "set"))


def test_a_broken_list_of_a_saved_data_set_is_told(tmp_path: Path) -> None:
    folder = save(tmp_path / "set", TABLE)
    (folder / "state.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"state\.json: is damaged"):
        open_data(str(folder))


def test_rows_of_a_parquet_that_cannot_be_problems_are_all_rows(tmp_path: Path) -> None:
    parquet.write_table(TABLE, tmp_path / "a.parquet", row_group_size=1)
    assert not [row for row in open_table(tmp_path / "a.parquet").rows if isinstance(row, Problem)]
