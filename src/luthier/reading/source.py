"""A path to text or bytes that can be trusted: what kind of file it really is, unpacked, decoded.

The file's content decides what it is; its ending only breaks ties.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from luthier.errors import DataError, Place, did_you_mean
from luthier.files import size_text
from luthier.language import t

_HEAD = 8192
MOST_BYTES = 20 * 2**30
"""An unpacked file larger than this is taken for a bomb or a mistake (data.max_bytes)."""

_MAGIC = (
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "zip"),
    (b"%PDF", "PDF document"),
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"\xd0\xcf\x11\xe0", "old Excel workbook (.xls)"),
    (b"SQLite format 3", "SQLite database"),
    (b"\x28\xb5\x2f\xfd", "zstd archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ", "xz archive"),
    (b"version https://git-lfs", "Git LFS pointer"),
)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_READABLE = "CSV, TSV, JSONL, JSON, Parquet, Excel (.xlsx)"


@dataclass(frozen=True)
class Source:
    """A regular, non-empty file. kind: "text", "parquet" or "xlsx". head: its first bytes, unpacked."""

    path: Path
    kind: str
    head: bytes
    packed: bool
    encoding: str
    max_bytes: int

    @property
    def ending(self) -> str:
        """The ending in lower case, without .gz."""
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        if suffixes and suffixes[-1] == ".gz":
            suffixes.pop()
        return suffixes[-1] if suffixes else ""

    @contextmanager
    def open_bytes(self) -> Iterator[BinaryIO]:
        """Errors: DataError for a packed file that is cut or grows beyond max_bytes."""
        with self.path.open("rb") as raw:
            if not self.packed:
                yield raw
                return
            try:
                yield cast(BinaryIO, io.BufferedReader(_Bounded(raw, self.path, self.max_bytes), 2**18))
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                what = t("the gzip data are damaged or cut off ({error})", error=error)
                fix = t("unpack it with gunzip to see how far it goes, or fetch it again")
                raise DataError.at(str(self.path), what, fix, code="packed-file") from None

    @contextmanager
    def open_text(self) -> Iterator[TextIO]:
        """Line ends are kept as they are (a reader of cells with line breaks needs them)."""
        with self.open_bytes() as raw:
            yield io.TextIOWrapper(raw, encoding=self.encoding, newline="")

    def undecodable(self, error: UnicodeError) -> DataError:
        """Where decoding failed: found again by line, because the codec only knows its own buffer."""
        fix = t("save the file as UTF-8, or name its encoding: data.encoding=gb18030 (or cp1252, utf-16 …)")
        line, offset, found = 0, 0, b""
        with self.open_bytes() as raw:
            for line, piece in enumerate(raw, 1):  # noqa: B007
                try:
                    piece.decode("utf-8" if self.encoding == "utf-8-sig" else self.encoding)
                except UnicodeError as here:
                    start = here.start if isinstance(here, UnicodeDecodeError) else 0
                    offset, found = offset + start, piece[start : start + 4]
                    break
                offset += len(piece)
        what = t(
            "is not {encoding}: bytes {found} at offset {offset}",
            encoding=self.encoding, found=found.hex(" ") or str(error), offset=offset,
        )  # fmt: skip
        return DataError.at(Place(str(self.path), line or None), what, fix, code="encoding")


def find_source(path: Path, *, encoding: str | None = None, max_bytes: int = MOST_BYTES) -> Source:
    """Errors: DataError where there is no such file, it is empty, not a file, or of a kind that holds no rows."""
    _check_is_file(path)
    packed = _first(path, 2) == b"\x1f\x8b"
    source = Source(path, "text", b"", packed, encoding or "utf-8", max_bytes)
    with source.open_bytes() as raw:
        head = raw.read(_HEAD)
    if not head.strip():
        what = t("is empty ({size})", size=f"{path.stat().st_size} bytes")
        raise DataError.at(str(path), what, t("was the export finished?"), code="empty-file")
    kind = _kind(path, head, packed)
    found = encoding or next((name for bom, name in _BOMS if head.startswith(bom)), "utf-8")
    return Source(path, kind, head, packed, _known_encoding(path, found), max_bytes)


def _check_is_file(path: Path) -> None:
    place = str(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            what = t("is a link to {target}, which does not exist", target=path.readlink())
            raise DataError.at(place, what, t("mend the link"), code="no-such-file") from None
        raise no_such_file(path) from None
    except (OSError, ValueError) as error:
        raise DataError.at(place, str(error), t("check the path"), code="no-such-file") from None
    if stat.S_ISDIR(mode):
        files = sorted(p.name for p in path.iterdir() if p.is_file())[:5]
        fix = t("name one of its files, such as {files}", files=", ".join(files)) if files else t("name a file")
        raise DataError.at(place, t("is a folder"), fix, code="not-a-file")
    if not stat.S_ISREG(mode):
        raise DataError.at(place, t("is not a regular file"), t("copy the data to a file"), code="not-a-file")
    if not os.access(path, os.R_OK):
        raise DataError.at(place, t("may not be read"), t("chmod u+r the file"), code="no-permission")


def no_such_file(path: Path) -> DataError:
    """The refusal for a path that does not exist, with the nearest name beside it."""
    if "://" in str(path) or ":/" in str(path)[:8]:
        fix = t("download it first; Luthier reads local files")
        return DataError.at(str(path), t("is an address, not a file"), fix, code="no-such-file")
    folder = path.parent
    beside = [p.name for p in folder.iterdir()] if folder.is_dir() and os.access(folder, os.R_OK) else []
    if not folder.is_dir():
        fix = t("the folder {folder} does not exist either", folder=folder)
    elif beside:
        fix = did_you_mean(path.name, beside[:200])
    else:
        fix = t("check the path; it is relative to where the command runs")
    return DataError.at(str(path), t("no such file"), fix, code="no-such-file")


def _kind(path: Path, head: bytes, packed: bool) -> str:
    found = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
    if found == "parquet":
        return found
    if found == "zip":
        if b"xl/" in head or path.suffix.lower() == ".xlsx":
            return "xlsx"
        found = "zip archive"
    if found is None and head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        found = "HTML page"
    if found is not None:
        fix = t("export it as one of {kinds}", kinds=_READABLE)
        raise DataError.at(str(path), t("is really a {kind}", kind=found), fix, code="wrong-kind")
    if path.suffix.lower() in (".parquet", ".xlsx") and not packed:
        what = t("is no {ending} file: it begins with {found}", ending=path.suffix, found=head[:4].hex(" "))
        raise DataError.at(str(path), what, t("export it again"), code="wrong-kind")
    return "text"


def _known_encoding(path: Path, name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        known = ["utf-8", "utf-16", "utf-32", "gb18030", "big5", "shift_jis", "cp1252", "latin-1", "euc_kr"]
        what = t("'{name}' is no encoding", name=name)
        raise DataError.at(str(path), what, did_you_mean(name, known), code="encoding") from None
    return name


def _first(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


class _Bounded(io.RawIOBase):
    """A gzip stream that refuses to unpack without end: over max_bytes, or over 2 GiB at a ratio above 100."""

    def __init__(self, raw: BinaryIO, path: Path, most: int) -> None:
        super().__init__()
        self._stream = gzip.GzipFile(fileobj=raw)
        self._path, self._most, self._size = path, most, 0
        self._suspect = min(most, max(2 * 2**30, 100 * path.stat().st_size))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        self._size += len(piece)
        if self._size > self._suspect:
            what = t("unpacks to more than {size}", size=size_text(self._suspect))
            fix = t("unpack it yourself if that is right, or raise data.max_bytes")
            raise DataError.at(str(self._path), what, fix, code="packed-file")
        return len(piece)
