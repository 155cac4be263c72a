"""What a file really is: told by its first bytes, never by its name."""

from __future__ import annotations

import re

from luthier.language import t

TEXT, PARQUET, XLSX, ARROW, ARROW_STREAM = "text", "parquet", "xlsx", "arrow", "arrow stream"
READABLE = "CSV, TSV, JSONL, JSON, Parquet, Arrow, Excel (.xlsx)"
ZIP = b"PK\x03\x04"

_MAGIC = (
    (b"PAR1", PARQUET),
    (b"ARROW1", ARROW),
    (b"\xff\xff\xff\xff", ARROW_STREAM),
    (b"FEA1", "Feather file of version 1"),
    (b"%PDF", "PDF document"),
    (b"%!PS", "PostScript document"),
    (b"{\\rtf", "RTF document"),
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"II*\0", "TIFF image"),
    (b"MM\0*", "TIFF image"),
    (b"RIFF", "WebP image or WAV sound"),
    (b"OggS", "Ogg sound"),
    (b"ID3", "MP3 sound"),
    (b"fLaC", "FLAC sound"),
    (b"\xd0\xcf\x11\xe0", "old Excel workbook (.xls)"),
    (b"SQLite format 3", "SQLite database"),
    (b"\x93NUMPY", "NumPy array"),
    (b"\x89HDF", "HDF5 file"),
    (b"ORC", "ORC file"),
    (b"Obj\x01", "Avro file"),
    (b"\x7fELF", "program"),
    (b"7z\xbc\xaf", "7z archive"),
    (b"Rar!", "rar archive"),
    (b"version https://git-lfs", "Git LFS pointer"),
)
_PACKED = (
    (re.compile(rb"\x1f\x8b"), "gzip"),
    (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P)"), "bzip2"),
    (re.compile(rb"\xfd7zXZ\0"), "xz"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "zstd"),
    (re.compile(re.escape(ZIP)), "zip"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05](\x95|[\]}(cK])")
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\v\f\r\x1a\x1b") + b"\x7f"


def packer(head: bytes) -> str | None:
    """gzip, bzip2, xz, zstd or zip, if it is packed."""
    return next((name for magic, name in _PACKED if magic.match(head)), None)


def kind(head: bytes) -> str:
    """TEXT, PARQUET, ARROW, ARROW_STREAM, or in words what no rows can be read from. head: the first kilobytes."""
    found = next((name for magic, name in _MAGIC if head.startswith(magic) and not _is_letters(magic, head)), None)
    if found is not None:
        return found
    if packer(head):
        return "packed file inside a packed file"
    if head[257:262] == b"ustar":
        return "tar archive"
    if _PICKLE.match(head):
        return "Python pickle"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower().startswith((b"<!doctype html", b"<html", b"<?xml")):
        return "HTML or XML page"
    return TEXT


def zip_kind(names: list[str]) -> str | None:
    """A document that is a zip file inside, told by what it holds. names: of its files."""
    inside = set(names)
    if "xl/workbook.xml" in inside:
        return XLSX
    if "word/document.xml" in inside:
        return "Word document"
    if "ppt/presentation.xml" in inside:
        return "PowerPoint document"
    return "OpenDocument file" if "META-INF/manifest.xml" in inside and "content.xml" in inside else None


def is_binary(head: bytes) -> bool:
    """Whether bytes that are no UTF-16 are no text either: more than one in ten is a control character."""
    return len(head) - len(head.translate(None, _CONTROL)) > len(head) // 10


def how_to_export(found: str, path: str) -> str:
    """What a person can do with a file of a kind that holds no rows."""
    if found == "Git LFS pointer":
        return t("the data themselves were not fetched: git lfs pull")
    if found == "SQLite database":
        return t("read it with a query: data.train=sqlite:///{path} 'data.query=select … from …'", path=path)
    if found.endswith("archive") or found.startswith("packed"):
        return t("unpack it and name one of its files")
    return t("export it as one of {kinds}", kinds=READABLE)


def _is_letters(magic: bytes, head: bytes) -> bool:
    """A magic number of plain letters, in front of what goes on as plain text: then it is text."""
    if not magic.isalnum() or magic == b"PAR1":
        return False
    return not head[len(magic) :].translate(None, bytes(range(32, 127)) + b"\t\r\n")
