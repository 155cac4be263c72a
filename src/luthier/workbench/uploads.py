"""Files that were dropped into the page: where they lie, under which name, and what stands in their first rows."""

from __future__ import annotations

import itertools
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from luthier.demo import write_demo_data
from luthier.errors import DataError
from luthier.files import disk_trouble, sha256
from luthier.language import t
from luthier.preparing.rows import open_parts

FOLDER = "uploads"
SAMPLES = ("tickets_en.csv", "tickets_zh.csv")
SAMPLE_LABEL = "intent"
"""Of several columns of the embedded tickets the one that is learnt."""
_LONGEST_NAME, _MOST_ROWS, _LONGEST_CELL = 100, 5, 200


def safe_name(name: str) -> str:
    """A file's name alone, without what means something to a shell or a path."""
    base = re.sub(r"[^\w. -]+", "-", name.replace("\\", "/").rpartition("/")[2]).strip(" .-")
    stem, dot, ending = base.rpartition(".")
    kept = f"{stem[: _LONGEST_NAME - len(ending) - 1]}.{ending}" if dot and len(ending) < 12 else base[:_LONGEST_NAME]
    return kept or "data"


async def keep(name: str, pieces: AsyncIterator[bytes], runs: Path, most: int) -> Path:
    """Writes what comes in to the folder of uploads; a file that is there already with the same bytes is not doubled.

    most: bytes. Errors: DataError for more, and for nothing; StoppedError for a full disk.
    """
    folder = runs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".tmp-{secrets.token_hex(6)}"
    size = 0
    try:
        with disk_trouble(folder), temporary.open("wb") as file:
            async for piece in pieces:
                size += len(piece)
                if size > most:
                    what, fix = t("is larger than {most:,} bytes", most=most), t("name the file's path instead")
                    raise DataError.at(name, what, fix, code="too-large")
                file.write(piece)
        if not size:
            raise DataError.at(name, t("is empty"), t("was the export finished?"), code="empty")
        return _place(temporary, folder, safe_name(name))
    finally:
        temporary.unlink(missing_ok=True)


def _place(temporary: Path, folder: Path, name: str) -> Path:
    """Moves it to the first free name, or finds it there."""
    stem, dot, ending = name.rpartition(".")
    for number in itertools.count(1):
        numbered = name if number == 1 else f"{stem}-{number}.{ending}" if dot else f"{name}-{number}"
        path = folder / numbered
        if path.is_file() and path.stat().st_size == temporary.stat().st_size and sha256(path) == sha256(temporary):
            return path
        if not path.exists():
            temporary.rename(path)
            return path
    raise AssertionError


def samples(runs: Path) -> list[Path]:
    """The embedded tickets, English and Chinese, as files."""
    folder = runs / FOLDER / "samples"
    return [path for path in write_demo_data(folder) if path.name in SAMPLES]


def listed(runs: Path) -> list[dict[str, Any]]:
    """What was dropped in before, the newest first."""
    folder = runs / FOLDER
    files = [p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")] if folder.is_dir() else []
    files.sort(key=lambda path: -path.stat().st_mtime)
    return [{"data": str(path), "name": path.name, "bytes": path.stat().st_size} for path in files]


def looked_at(data: str) -> dict[str, Any]:
    """The columns and the first rows. Errors: DataError, ConfigError for what cannot be read."""
    from luthier.config.settings import load_settings

    tables, notes = open_parts(load_settings(None, (), {"data.train": data}).data, "check", shared=True)
    table = tables["train"]
    columns = list(dict.fromkeys(column for single in table.singles for column in single.columns))
    rows = [{name: _cell(row.get(name)) for name in columns} for row in table.first[:_MOST_ROWS]]
    size = os.path.getsize(data) if os.path.isfile(data) else None  # noqa: PTH113, PTH202  an address is no path
    return {"data": data, "name": Path(data).name, "columns": columns, "rows": rows, "notes": notes, "bytes": size}


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
