"""Packed files, unpacked as they are read, and never without end."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from luthier.errors import DataError, shown
from luthier.files import size_text
from luthier.language import t

_MOST_RATIO, _SUSPICIOUS = 100, 2 * 2**30
_XZ_MEMORY = 512 * 2**20
"""Bytes of dictionary that an xz file may ask for; xz -9 needs 64 MiB."""
_BUFFER = 2**18
_LOOKED_AT, _SECONDS = 16 * 2**20, 2.5
"""Unpacked bytes after which the ratio is judged, and the time for looking on."""


@contextmanager
def unpacked(path: Path, packer: str, name: str, most: int) -> Iterator[BinaryIO]:
    """name: for messages. most: bytes. Errors: DataError where it is cut, grows beyond `most`, or, above 2 GiB, beyond
    a hundred times its size."""
    with _damage_told(name, packer), path.open("rb") as raw:
        bounded = _Bounded(_OPEN[packer](raw), name, _limit(path, most))
        yield cast(BinaryIO, io.BufferedReader(bounded, _BUFFER))


def refuse_bomb(path: Path, packer: str, name: str, most: int) -> None:
    """Looks ahead where the beginning unpacks to a hundred times its size, so that a bomb is refused within seconds
    and not after its rows were read. Errors: DataError."""
    limit, size, begin = _limit(path, most), 0, time.monotonic()
    with _damage_told(name, packer), path.open("rb") as raw:
        stream = _OPEN[packer](raw)
        while piece := stream.read(_BUFFER):
            size += len(piece)
            if size > limit:
                raise _too_large(name, size, limit)
            if size < _LOOKED_AT:
                continue
            ratio = size / raw.tell()
            if ratio <= _MOST_RATIO:
                return
            late = time.monotonic() - begin > _SECONDS
            if late and ratio * path.stat().st_size > limit:
                raise _too_large(name, size, limit, ratio)


@contextmanager
def _damage_told(name: str, packer: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, OSError) as error:
        if isinstance(error, (FileNotFoundError, PermissionError)):
            raise
        what = t("the {packer} data are damaged or cut off ({error})", packer=packer, error=shown(str(error), 80))
        fix = t("unpack it with its own program to see how far it goes, or fetch it again")
        raise DataError.at(name, what, fix, code="packed-file") from None


def _limit(path: Path, most: int) -> int:
    return min(most, max(_SUSPICIOUS, _MOST_RATIO * path.stat().st_size))


def zip_member(path: Path, name: str) -> zipfile.ZipInfo:
    """The one file in a zip archive. Errors: DataError where there are several, or it is encrypted or lies outside."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not _is_clutter(m.filename)]
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        what = t("the {packer} data are damaged or cut off ({error})", packer="zip", error=shown(str(error), 80))
        raise DataError.at(name, what, t("fetch it again"), code="packed-file") from None
    if len(members) != 1:
        names = ", ".join(shown(m.filename) for m in members[:5]) + (" …" if len(members) > 5 else "")
        what = t("holds {count} files: {names}", count=len(members), names=names or t("none"))
        fix = t("unpack it and name one of its files, or pack one file alone")
        raise DataError.at(name, what, fix, code="packed-file")
    (member,) = members
    inside = PurePosixPath(member.filename.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
        what = t("holds {file}, which points outside of the archive", file=shown(member.filename))
        raise DataError.at(name, what, t("do not trust it; ask where it comes from"), code="packed-file")
    if member.flag_bits & 1:
        fix = t("unpack it with its password, and name what comes out")
        raise DataError.at(name, t("is encrypted"), fix, code="packed-file")
    return member


def zip_names(path: Path) -> list[str]:
    """Of the files in it; none where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return []


def check_workbook(path: Path, name: str, most: int) -> None:
    """A workbook is a zip file too. Errors: DataError where it would unpack to more than it may."""
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > _limit(path, most):
        raise _too_large(name, size, _limit(path, most))


def _is_clutter(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] in (".DS_Store", "Thumbs.db")


def _too_large(name: str, size: int, limit: int, ratio: float | None = None) -> DataError:
    """ratio: of what was unpacked to what it was packed in, where the limit is not reached but will be."""
    numbers = {"size": size_text(size), "limit": size_text(limit)}
    if ratio is None:
        what = t("unpacks to more than {limit} ({size} so far)", **numbers)
    else:
        what = t("grows {ratio:.0f} times and so beyond {limit} ({size} so far)", ratio=ratio, **numbers)
    fix = t("unpack it yourself if that is right, or allow more: data.max_bytes=…")
    return DataError.at(name, what, fix, code="packed-file")


class _Bounded(io.RawIOBase):
    """A stream that refuses to unpack without end."""

    def __init__(self, stream: Any, name: str, most: int) -> None:
        super().__init__()
        self._stream, self._name, self._size, self._most = stream, name, 0, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        self._size += len(piece)
        if self._size > self._most:
            raise _too_large(self._name, self._size, self._most)
        return len(piece)


class _Unpacking:
    """Reads through a decompressor of the standard library, one stream behind the other."""

    def __init__(self, raw: BinaryIO, make: Callable[[], Any]) -> None:
        self._raw, self._make = raw, make
        self._engine, self._left = make(), b""

    def read(self, count: int) -> bytes:
        while True:
            if self._engine.eof:
                self._left = (self._engine.unused_data or self._raw.read(_BUFFER)).lstrip(b"\0")
                if not self._left:
                    return b""
                self._engine = self._make()
            if self._engine.needs_input and not self._left:
                self._left = self._raw.read(_BUFFER)
                if not self._left:
                    raise EOFError(t("it ends in the middle"))
            piece, self._left = self._engine.decompress(self._left, count), b""
            if piece:
                return piece


def _open_zip(raw: BinaryIO) -> Any:
    archive = zipfile.ZipFile(raw)
    (member,) = [m for m in archive.infolist() if not m.is_dir() and not _is_clutter(m.filename)]
    return archive.open(member)


def _open_zstd(raw: BinaryIO) -> Any:
    import pyarrow

    return pyarrow.CompressedInputStream(raw, "zstd")


_OPEN: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": lambda raw: gzip.GzipFile(fileobj=raw),
    "bzip2": lambda raw: _Unpacking(raw, bz2.BZ2Decompressor),
    "xz": lambda raw: _Unpacking(raw, lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)),
    "zstd": _open_zstd,
    "zip": _open_zip,
}
