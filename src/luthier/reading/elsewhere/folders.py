"""Folders of data: which of their files hold rows, and which part each is."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from luthier.errors import DataError, shown
from luthier.language import t
from luthier.reading.source import is_folder

_ENDINGS = {
    ".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".feather", ".xlsx", ".txt", ".conll",
    ".bio", ".bmes", ".iob",
}  # fmt: skip
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_ABOUT = re.compile(r"readme|licen[cs]e|source|changelog|citation|dataset_infos?|dataset_dict|state|_success", re.I)
_PARTS = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip
_LARGEST_JSON = 16 * 2**20


def parts_inside(folder: Path) -> dict[str, list[Path]]:
    """Of each part (train, validation, test) its files, in the order of their names; all under "train" where the
    names do not say.

    A folder of the `datasets` library (save_to_disk), a folder with a folder a part, or files of one kind.
    Errors: DataError where it holds none, or files of several kinds.
    """
    try:
        if (folder / "dataset_dict.json").is_file():
            splits = _json(folder / "dataset_dict.json").get("splits", [])
            return _complete(folder, {part: _saved(folder / split) for split in splits if (part := _part(str(split)))})
        if (folder / "state.json").is_file():
            return {"train": _saved(folder)}
        inside = sorted(folder.iterdir())
    except PermissionError:
        raise DataError.at(
            str(folder), t("may not be read"), t("chmod u+rx the folder"), code="no-permission"
        ) from None
    folders = {part: path for path in inside if path.is_dir() and (part := _PARTS.get(path.name.lower()))}
    files = [path for path in inside if _holds_rows(path)]
    if not files and "train" in folders:
        return {part: parts_inside(path)["train"] for part, path in folders.items()}
    if not files and (folder / "data").is_dir():
        return parts_inside(folder / "data")
    return _by_name(folder, files)


def _by_name(folder: Path, files: list[Path]) -> dict[str, list[Path]]:
    kinds = Counter(_ending(path) for path in files)
    if not kinds.keys() & _ENDINGS:
        raise is_folder(folder)
    if len(kinds) > 1:
        listed = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common(6))
        what = t("is a folder with files of several kinds: {kinds}", kinds=listed)
        fix = t("name those that belong together: 'data.train={pattern}'", pattern=folder / f"*{_ending(files[0])}")
        raise DataError.at(str(folder), what, fix, code="not-a-file")
    parts: dict[str, list[Path]] = {}
    for path in files:
        parts.setdefault(_part(path.name.partition(".")[0]), []).append(path)
    if set(parts) == {""} or "train" not in parts:
        return {"train": files}
    if "" in parts:
        names = ", ".join(shown(path.name) for path in parts[""][:3])
        what = t("is a folder where some files are named for a part and others ({names}) are not", names=names)
        fix = t("name the files: data.train={file} …", file=parts["train"][0])
        raise DataError.at(str(folder), what, fix, code="not-a-file")
    return parts


def _part(name: str) -> str:
    """train, validation or test, where a word of the name says so; else ""."""
    found = {_PARTS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in _PARTS}
    return found.pop() if len(found) == 1 else ""


def _complete(folder: Path, parts: dict[str, list[Path]]) -> dict[str, list[Path]]:
    if "train" in parts:
        return parts
    what = t("is a folder of the datasets library without a part named train")
    raise DataError.at(str(folder), what, t("name one of its folders"), code="not-a-file")


def _saved(folder: Path) -> list[Path]:
    """The files of a data set that save_to_disk wrote. Errors: DataError where one is missing."""
    listed = _json(folder / "state.json").get("_data_files", [])
    names = [str(entry.get("filename")) for entry in listed if isinstance(entry, dict)]
    files = [folder / Path(name).name for name in names]
    missing = next((path for path in files if not path.is_file()), None)
    if missing is not None or not files:
        what = t("lists {file}, which is not there", file=shown(missing.name if missing else "data-*.arrow"))
        raise DataError.at(str(folder / "state.json"), what, t("copy the whole folder again"), code="damaged-file")
    return files


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ValueError(t("too large"))
        value = json.loads(path.read_bytes())
        if isinstance(value, dict):
            return value
        raise ValueError(t("no object"))
    except (OSError, ValueError, RecursionError) as error:
        what = t("is damaged: {error}", error=shown(str(error) or type(error).__name__))
        raise DataError.at(str(path), what, t("copy the whole folder again"), code="damaged-file") from None


def _holds_rows(path: Path) -> bool:
    return not path.name.startswith((".", "_")) and not _ABOUT.fullmatch(path.name.partition(".")[0]) and path.is_file()


def _ending(path: Path) -> str:
    """Without .gz and the like."""
    inner = path.with_suffix("") if path.suffix.lower() in _PACKED else path
    return inner.suffix.lower()
