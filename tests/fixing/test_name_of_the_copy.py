"""A copy without an ending gets that of the data, so that --fix OUT can be pasted as it is printed."""

import gzip
from pathlib import Path

import pytest

from luthier.config.settings import load_settings
from luthier.errors import DataError
from luthier.fixup import check_out
from tiny import ticket_rows, write_csv
from workflow.helpers import luthier


@pytest.mark.parametrize(
    ("data", "copy"),
    [("a.csv", "OUT.csv"), ("a.tsv", "OUT.tsv"), ("a.jsonl.gz", "OUT.jsonl"), ("a.conll", "OUT.jsonl"),
     ("sqlite:///a.db", "OUT.jsonl"), ("a.parquet", "OUT.parquet")],
)  # fmt: skip
def test_the_copy_has_the_ending_of_the_data_where_such_a_file_can_be_written(
    data: str, copy: str, tmp_path: Path
) -> None:
    settings = load_settings(None, (), {"data.train": data})
    assert check_out(settings, tmp_path / "OUT") == tmp_path / copy
    assert check_out(settings, tmp_path / "mine.json") == tmp_path / "mine.json"


def test_of_several_parts_the_copy_is_a_folder(tmp_path: Path) -> None:
    settings = load_settings(None, (), {"data.train": "a.csv", "data.test": "b.csv"})
    assert check_out(settings, tmp_path / "OUT") == tmp_path / "OUT"


def test_a_copy_that_is_there_already_is_refused_with_or_without_its_ending(tmp_path: Path) -> None:
    settings = load_settings(None, (), {"data.train": "a.csv"})
    (tmp_path / "OUT.csv").touch()
    (tmp_path / "folder").mkdir()
    for name in ("OUT", "OUT.csv", "folder"):
        with pytest.raises(DataError, match="exists already"):
            check_out(settings, tmp_path / name)


def test_the_copy_is_written_and_named_under_that_name(tmp_path: Path) -> None:
    plain = write_csv(tmp_path / "a.csv", ["text", "label"], ticket_rows(12))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    done = luthier("check", "a.csv.gz", "--fix", "OUT", cwd=tmp_path)
    assert done.returncode == 0 and "luthier check OUT.csv" in done.stdout
    assert {"OUT.csv", "OUT.csv.log.jsonl"} <= {path.name for path in tmp_path.iterdir()}
