"""split.json: the rows of each part by number, so that another run can take the very same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.data.split import Split
from luthier.errors import DataError, Place
from luthier.language import t
from luthier.types import PARTS, Example

NAME = "split.json"
_MOST_NAMED = 10


@dataclass(frozen=True)
class SavedSplit:
    """files: of each data file its SHA-256. file_of: of each part that has rows its file. rows: of each part the row
    numbers in that file, from 0. reading: the settings that decide which row has which number."""

    files: Mapping[str, str]
    file_of: Mapping[str, str]
    rows: Mapping[str, Sequence[int]]
    reading: Mapping[str, Any]

    @classmethod
    def of(
        cls, split: Split[Any, Any], files: Mapping[str, str], file_of: Mapping[str, str], reading: Mapping[str, Any]
    ) -> SavedSplit:
        rows = {name: [example.row for example in split.part(name)] for name in PARTS}
        return cls(files, {name: file_of[name] for name in PARTS if rows[name]}, rows, reading)

    def text(self) -> str:
        return json.dumps(vars(self), ensure_ascii=False)


def read_saved(path: Path) -> tuple[SavedSplit, Place]:
    """path: a run's folder or a split.json. Errors: DataError where there is none or it is damaged."""
    file = path / NAME if path.is_dir() else path
    place = Place(str(file))
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        rows = {name: [int(row) for row in content["rows"].get(name, ())] for name in PARTS}
        saved = SavedSplit(dict(content["files"]), dict(content["file_of"]), rows, dict(content["reading"]))
    except FileNotFoundError:
        fix = t("name the folder of a run, or its split.json")
        raise DataError.at(place, t("there is no such file"), fix, code="no-file") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = t("is no split of a run ({error})", error=type(error).__name__)
        fix = t("name the folder of a run, or its split.json")
        raise DataError.at(place, what, fix, code="bad-split") from None
    if not all(saved.file_of.get(name) in saved.files for name in PARTS if rows[name]):
        fix = t("name the folder of a run, or its split.json")
        raise DataError.at(place, t("is no split of a run ({error})", error="file_of"), fix, code="bad-split")
    return saved, place


def apply_saved(
    saved: SavedSplit, place: Place, read: Mapping[str, Sequence[Example[Any, Any]]], paths: Mapping[str, str],
    files: Mapping[str, str], reading: Mapping[str, Any],
) -> Split[Any, Any]:  # fmt: skip
    """The same rows again.

    place: of the split.json. read: the examples of each part that is a file of its own, "train" among them. paths:
    of these their files; files: of each file its SHA-256. Errors: DataError for other files or missing rows.
    """
    _same_reading(saved, place, reading)
    parts: dict[str, list[Example[Any, Any]]] = {}
    left_out = 0
    for name in PARTS:
        source = name if name in read else "train"
        if saved.rows[name]:
            _same_file(saved, place, name, paths[source], files)
        wanted = set(saved.rows[name])
        parts[name] = [example for example in read[source] if example.row in wanted]
        missing = sorted(wanted - {example.row for example in parts[name]})
        if missing:
            rows = ", ".join(map(str, missing[:_MOST_NAMED])) + (" …" if len(missing) > _MOST_NAMED else "")
            what = t("{count} rows of its {part} part are not among the rows that can be used (numbers {rows})",
                     count=len(missing), part=t(name), rows=rows)  # fmt: skip
            fix = t("read the file as that run did, or make a split anew: leave out data.split.from")
            raise DataError.at(place, what, fix, code="split-rows")
    used = sum(map(len, parts.values()))
    left_out = sum(map(len, read.values())) - used
    notes = [t("the rows of {file}", file=place.file)]
    if left_out:
        notes.append(t("{count} rows are in no part of that split and left out", count=left_out))
    return Split(parts["train"], parts["validation"], parts["test"], tuple(notes))


def _same_reading(saved: SavedSplit, place: Place, reading: Mapping[str, Any]) -> None:
    for key in sorted(saved.reading.keys() | reading.keys()):
        if saved.reading.get(key) != reading.get(key):
            what = t("{key} was {before}, is {after}", key=f"data.{key}", before=saved.reading.get(key),
                     after=reading.get(key))  # fmt: skip
            fix = t("rows would have other numbers: read the file as that run did, or leave out data.split.from")
            raise DataError.at(place, what, fix, code="split-file")


def _same_file(saved: SavedSplit, place: Place, part: str, path: str, files: Mapping[str, str]) -> None:
    theirs = saved.file_of[part]
    if saved.files[theirs] != files[path]:
        what = t("its {part} rows are of {theirs} as it was then; {ours} has other bytes",
                 part=t(part), theirs=theirs, ours=path)  # fmt: skip
        fix = t("name the same file, or make a split anew: leave out data.split.from")
        raise DataError.at(place, what, fix, code="split-file")
