"""A path to bytes that can be trusted: that it is a file, what kind of file, unpacked, in which encoding.

The file's content decides what it is; its ending only breaks ties.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TextIO

from luthier.errors import DataError, did_you_mean
from luthier.language import t
from luthier.reading.raw import kinds
from luthier.reading.raw.encodings import UTF8, Encoding, find_encoding
from luthier.reading.raw.lines import Lines
from luthier.reading.raw.packed import check_workbook, refuse_bomb, unpacked, zip_member, zip_names

_HEAD = 8192
MOST_BYTES = 20 * 2**30
"""An unpacked file larger than this is taken for a bomb or a mistake (data.max_bytes)."""
_PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".zstd", ".zip")
_TEXT_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".md", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Source:
    """A regular, non-empty file.

    path: where it lies. name: what it is called in messages. kind: one of raw.kinds. head: its first bytes, unpacked.
    packer: what it is packed with. inner: its name without that. encoding: of a text. size: of the file, in bytes.
    controls: control characters are no fault.
    """

    path: Path
    name: str
    kind: str
    head: bytes
    packer: str | None
    inner: str
    encoding: Encoding
    max_bytes: int
    size: int
    controls: bool = False

    @property
    def ending(self) -> str:
        """The ending in lower case, without .gz and the like."""
        return Path(self.inner).suffix.lower()

    @property
    def text_head(self) -> str:
        """The first kilobytes as text, to look at."""
        return self.head[self.encoding.mark :].decode(self.encoding.codec, errors="replace")

    @contextmanager
    def open_bytes(self) -> Iterator[BinaryIO]:
        """Errors: DataError for a packed file that is cut or grows beyond max_bytes."""
        if self.packer is None:
            with self.path.open("rb") as raw:
                yield raw
        else:
            with unpacked(self.path, self.packer, self.name, self.max_bytes) as raw:
                yield raw

    @contextmanager
    def open_lines(self) -> Iterator[Lines]:
        """Behind the byte-order mark."""
        with self.open_bytes() as raw:
            raw.read(self.encoding.mark)
            yield Lines(raw, self.encoding, self.name, controls=self.controls)

    @contextmanager
    def open_text(self) -> Iterator[TextIO]:
        """Strictly decoded. Line ends are kept as they are. Errors: UnicodeError."""
        with self.open_bytes() as raw:
            raw.read(self.encoding.mark)
            yield io.TextIOWrapper(raw, encoding=self.encoding.codec, newline="")

    def first_lines(self, most: int) -> list[str]:
        """The first lines that are not blank, without their ends."""
        found: list[str] = []
        with self.open_lines() as lines:
            for line in lines:
                if line.strip():
                    found.append(line.rstrip("\r\n"))
                if len(found) == most:
                    break
        return found

    def check_unchanged(self) -> None:
        """Errors: DataError where the file is not there any more, or has another size than when it was opened."""
        try:
            size = self.path.stat().st_size
        except OSError:
            what = t("vanished while it was read")
            raise DataError.at(self.name, what, t("read it again once nothing moves it"), code="changed-file") from None
        if size != self.size:
            what = t("was {before} bytes and is {after}: it changed while it was read", before=self.size, after=size)
            raise DataError.at(self.name, what, t("read it again once nothing writes to it"), code="changed-file")

    def undecodable(self, error: UnicodeError) -> DataError:
        """Where strict decoding failed."""
        found, offset = "", 0
        if isinstance(error, UnicodeDecodeError):
            found, offset = error.object[error.start : error.start + 4].hex(" "), error.start
        what = t("is not {encoding}: bytes {found} at offset {offset}",
                 encoding=self.encoding.codec, found=found or str(error), offset=offset)  # fmt: skip
        return DataError.at(self.name, what, t("save the file as UTF-8"), code="encoding")


def find_source(
    path: Path, *, encoding: str | None = None, max_bytes: int = MOST_BYTES, name: str | None = None
) -> Source:
    """name: what it is called in messages, where that is not the path.

    Errors: DataError where there is no such file, it is empty, not a file, or of a kind that holds no rows.
    """
    name = str(path) if name is None else name
    size = _size_of_file(path, name)
    if size == 0:  # also says a file of the kernel's, reading from which may never end
        raise DataError.at(
            name, t("is empty ({size})", size="0 bytes"), t("was the export finished?"), code="empty-file"
        )
    try:
        return _looked_at(
            Source(path, name, kinds.TEXT, b"", None, path.name, Encoding(UTF8), max_bytes, size), encoding
        )
    except OSError as error:
        raise unreadable(name, error) from None


def unreadable(name: str, error: OSError) -> DataError:
    """The refusal for a file that the disk does not give."""
    what = t("could not be read: {error}", error=_reason(error))
    return DataError.at(name, what, t("copy it to another disk and try again"), code="unreadable")


def _looked_at(source: Source, encoding: str | None) -> Source:
    """With all that its bytes say."""
    source = _unpacking(source)
    if source.packer is not None:
        refuse_bomb(source.path, source.packer, source.name, source.max_bytes)
    with source.open_bytes() as raw:
        head = raw.read(_HEAD)
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf\xfe\xff"):
        what = t("is empty: nothing but blanks or zeros at its beginning")
        raise DataError.at(source.name, what, t("was the export finished?"), code="empty-file")
    source = replace(source, head=head, kind=source.kind if source.kind != kinds.TEXT else kinds.kind(head))
    _check_kind(source)
    if source.kind != kinds.TEXT:
        return source
    found = find_encoding(source.open_bytes, source.name, encoding)
    if not found.is_wide and kinds.is_binary(head):
        raise _wrong_kind(source, t("a binary file"))
    return replace(source, encoding=found)


def _unpacking(source: Source) -> Source:
    """With what packs it, if anything does."""
    with source.path.open("rb") as raw:
        packer = kinds.packer(raw.read(_HEAD))
    if packer is None:
        return source
    if packer == "zip":
        kind = kinds.zip_kind(zip_names(source.path))
        if kind is not None:
            return replace(source, kind=kind)
        return replace(source, packer=packer, inner=zip_member(source.path, source.name).filename)
    inner = source.path
    return replace(source, packer=packer, inner=inner.stem if inner.suffix.lower() in _PACKED_ENDINGS else inner.name)


def _check_kind(source: Source) -> None:
    """Errors: DataError where no rows can be read from it, or its name promises something else."""
    if source.kind == kinds.XLSX:
        if source.ending in _TEXT_ENDINGS:
            fix = t("name it .xlsx, or export the sheet as CSV (UTF-8)")
            what = t("is really a {kind}", kind="Excel workbook (.xlsx)")
            raise DataError.at(source.name, what, fix, code="wrong-kind")
        check_workbook(source.path, source.name, source.max_bytes)
    elif source.kind in (kinds.PARQUET, kinds.ARROW, kinds.ARROW_STREAM):
        if source.packer is not None:
            what = t("holds a {kind} file, packed", kind=source.kind)
            raise DataError.at(source.name, what, t("unpack it first"), code="wrong-kind")
    elif source.kind != kinds.TEXT:
        raise _wrong_kind(source, source.kind)
    elif source.ending in (".parquet", ".xlsx", ".arrow", ".feather", ".xls"):
        what = t("is no {ending} file: it begins with {found}", ending=source.ending, found=source.head[:4].hex(" "))
        raise DataError.at(source.name, what, t("export it again"), code="wrong-kind")


def _wrong_kind(source: Source, kind: str) -> DataError:
    what = t("is really a {kind}", kind=kind)
    return DataError.at(source.name, what, kinds.how_to_export(kind, source.name), code="wrong-kind")


def _size_of_file(path: Path, name: str) -> int:
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            what = t("is a link to {target}, which does not exist", target=path.readlink())
            raise DataError.at(name, what, t("mend the link"), code="no-such-file") from None
        raise no_such_file(path) from None
    except PermissionError:
        raise _not_permitted(path, name) from None
    except (OSError, ValueError, RuntimeError) as error:
        is_loop = isinstance(error, (OSError, RuntimeError)) and path.is_symlink()
        what = t("is a link that leads back to itself") if is_loop else _reason(error)
        raise DataError.at(name, what, t("check the path"), code="no-such-file") from None
    if stat.S_ISDIR(found.st_mode):
        raise is_folder(path)
    if not stat.S_ISREG(found.st_mode):
        raise DataError.at(name, t("is not a regular file"), t("copy the data to a file"), code="not-a-file")
    if not os.access(path, os.R_OK):
        raise _not_permitted(path, name)
    return found.st_size


def is_folder(path: Path) -> DataError:
    """The refusal for a folder where one file is wanted."""
    files = sorted(p.name for p in path.iterdir() if p.is_file())[:5] if os.access(path, os.R_OK) else []
    fix = t("name one of its files, such as {files}", files=", ".join(files)) if files else t("name a file")
    return DataError.at(str(path), t("is a folder"), fix, code="not-a-file")


def no_such_file(path: Path) -> DataError:
    """The refusal for a path that does not exist, with the nearest name beside it."""
    folder = path.parent
    beside = [p.name for p in folder.iterdir()] if folder.is_dir() and os.access(folder, os.R_OK) else []
    if not folder.is_dir():
        fix = t("the folder {folder} does not exist either", folder=folder)
    elif beside:
        fix = did_you_mean(path.name, beside[:200])
    else:
        fix = t("check the path; it is relative to where the command runs")
    return DataError.at(str(path), t("no such file"), fix, code="no-such-file")


def _not_permitted(path: Path, name: str) -> DataError:
    folder = next((p for p in reversed(path.absolute().parents) if p.is_dir() and not os.access(p, os.X_OK)), None)
    if folder is not None:
        fix = t("chmod u+x {folder}, or ask its owner", folder=folder)
    else:
        fix = t("chmod u+r the file, or ask its owner")
    return DataError.at(name, t("may not be read"), fix, code="no-permission")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).splitlines()[0]
