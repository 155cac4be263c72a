"""Packed files are read as what is in them, and refused where they are cut, bombs, or hold more than one file."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest

from luthier.errors import DataError, Problem
from luthier.reading.read import ReadOptions, open_table
from luthier.types import Row

CONTENT = b"text,label\n" + b"".join(b"row %d,x\n" % i for i in range(500))


def zstd(content: bytes) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(content)
    return sink.getvalue().to_pybytes()


def zipped(*members: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "csv.gz": gzip.compress,
    "csv.bz2": bz2.compress,
    "csv.xz": lzma.compress,
    "csv.zst": zstd,
    "zip": lambda content: zipped(("inside.csv", content)),
}


def refused(path: Path, **options: object) -> Problem:
    with pytest.raises(DataError) as caught:
        list(open_table(path, ReadOptions(**options)).rows)
    (problem,) = caught.value.problems
    assert problem.code == "packed-file", problem
    return problem


@pytest.mark.parametrize("kind", PACKERS)
def test_it_is_read_as_what_is_in_it(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(PACKERS[kind](CONTENT))
    rows = [row for row in open_table(path).rows if isinstance(row, Row)]
    assert len(rows) == 500 and rows[-1].values == {"text": "row 499", "label": "x"}
    assert rows[-1].place.line == 501


@pytest.mark.parametrize("kind", PACKERS)
def test_its_content_says_what_it_is(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "tickets"
    path.write_bytes(PACKERS[kind](CONTENT))
    assert open_table(path).columns == ("text", "label")


@pytest.mark.parametrize("kind", PACKERS)
def test_a_cut_one_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    packed = PACKERS[kind](CONTENT)
    path.write_bytes(packed[: len(packed) * 2 // 3])
    assert "damaged or cut off" in refused(path).what


@pytest.mark.slow
@pytest.mark.parametrize("kind", PACKERS)
def test_one_that_grows_beyond_the_bound_is_refused_with_the_bound(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(PACKERS[kind](CONTENT * 500))
    problem = refused(path, max_bytes=2**20)
    assert "more than 1.0 MiB" in problem.what and "data.max_bytes" in problem.fix


def test_a_ratio_above_a_hundred_is_a_bomb_once_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.reading.raw.packed._SUSPICIOUS", 2**20)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 2**19))
    assert "unpacks to more than 1.0 MiB" in refused(path).what


def test_a_bomb_that_takes_long_to_unpack_is_refused_by_its_growth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.reading.raw.packed._SECONDS", 0.0)
    monkeypatch.setattr("luthier.reading.raw.packed._LOOKED_AT", 2**20)
    monkeypatch.setattr("luthier.reading.raw.packed._SUSPICIOUS", 0)
    monkeypatch.setattr("luthier.reading.raw.packed._MOST_RATIO", 1)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + random.Random(0).randbytes(2**21).hex().encode()))
    assert "grows 2 times and so beyond" in refused(path).what


def test_a_text_that_packs_well_is_no_bomb_while_it_is_small(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 5000))
    assert len(list(open_table(path).rows)) == 5000


def test_streams_one_behind_the_other_are_all_read(tmp_path: Path) -> None:
    for kind, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        path = tmp_path / f"a.csv.{kind}"
        path.write_bytes(pack(b"text,label\na,b\n") + pack(b"c,d\n"))
        assert len(list(open_table(path).rows)) == 2


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([("a.csv", CONTENT), ("b.csv", CONTENT)], "2 files: 'a.csv', 'b.csv'"),
        ([], "0 files"),
        ([("../a.csv", CONTENT)], "outside"),
        ([("/etc/a.csv", CONTENT)], "outside"),
        ([("C:\\a.csv", CONTENT)], "outside"),
    ],
)
def test_a_zip_holds_one_file_that_lies_inside(members: list[tuple[str, bytes]], says: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(*members))
    if not members:
        (tmp_path / "a.zip").write_bytes(zipped(("folder/", b"")))
    assert says in refused(tmp_path / "a.zip").what


def test_what_a_mac_puts_into_a_zip_is_overlooked(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(("a.csv", CONTENT), ("__MACOSX/._a.csv", b"x"), (".DS_Store", b"y")))
    assert len(list(open_table(tmp_path / "a.zip").rows)) == 500


def test_an_encrypted_zip_is_refused_as_such(tmp_path: Path) -> None:
    packed = bytearray(zipped(("a.csv", CONTENT)))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(packed)
    assert "encrypted" in refused(tmp_path / "a.zip").what


def test_a_tar_inside_is_told_as_one(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        entry = tarfile.TarInfo("a.csv")
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))
    (tmp_path / "a.tar.gz").write_bytes(stream.getvalue())
    with pytest.raises(DataError, match=r"is really a tar archive\n.*unpack it"):
        open_table(tmp_path / "a.tar.gz")


def test_packed_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(gzip.compress(CONTENT)))
    with pytest.raises(DataError, match="packed file inside a packed file"):
        open_table(tmp_path / "a.csv.gz")
