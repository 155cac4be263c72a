"""What clients said is right, as files of rows: some to learn from, some kept back to see whether it was learnt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.codec import Codec
from luthier.errors import DataError, LuthierError, Place
from luthier.files import disk_trouble, write_text
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.recording.corrections import corrected
from luthier.recording.store import Store
from luthier.text.shingling.near import near_duplicates
from luthier.types import Example

_KEPT_BACK = 5
"""One correction in so many is not learnt from,"""
_LEAST = 25
"""where there are as many; with fewer all are."""


@dataclass(frozen=True)
class Corrections:
    """learnt, kept_back: rows under the names of the training file's columns. notes: what was left out, and why."""

    learnt: Sequence[dict[str, Any]]
    kept_back: Sequence[dict[str, Any]]
    notes: Sequence[str]


def read_corrections(store: Store, codec: Codec, prepared: Prepared) -> Corrections:
    """The last label for each input. prepared: the data of the run, of which the rows that are judged are never learnt
    from, nor what differs from one of them in little more than a word. Errors: DataError where nothing is left."""
    task, layout = codec.task, codec.task.format
    given = store.corrections()
    found: dict[Any, tuple[dict[str, Any], Example[Any, Any]]] = {}
    without_text = unusable = 0
    for number, sent, label in given:
        if sent is None:
            without_text += 1
            continue
        try:
            row, example = corrected(task, sent, label, Place(store.name, number))
        except LuthierError:
            unusable += 1
            continue
        found.pop(example.input, None)
        found[example.input] = (row, example)
    usable = len(given) - without_text - unusable
    judged = [*prepared.split.validation, *prepared.split.test]
    texts = [layout.plain_text(e.input) for e in judged], [layout.plain_text(one) for one in found]
    pairs = near_duplicates([*texts[0], *texts[1]])
    leaks = {int(j) - len(judged) for i, j in pairs if i < len(judged) <= j}
    kept = [row for i, (row, _) in enumerate(found.values()) if i not in leaks]
    notes = [
        note
        for count, note in (
            (without_text, t("{count} corrections have no text: neither was it sent nor recorded", count=without_text)),
            (unusable, t("{count} corrections make no row of this model's data", count=unusable)),
            (usable - len(found), t("{count} corrections are followed by a later one of the same input",
                                    count=usable - len(found))),
            (len(leaks), t("{count} corrections are of rows, or nearly of rows, on which the run is judged: they are "
                           "not learnt from", count=len(leaks))),
        ) if count
    ]  # fmt: skip
    if not kept:
        what = t("holds no correction that can be learnt from") + "".join(f"; {note}" for note in notes)
        fix = t("send some: POST /feedback to luthier serve --record … --feedback")
        raise DataError.at(store.name, what, fix, code="no-rows")
    rows = [{codec.columns.get(name, name): value for name, value in row.items()} for row in kept]
    back = [len(rows) >= _LEAST and _is_kept_back(row) for row in rows]
    sides = [[row for row, is_back in zip(rows, back, strict=True) if is_back is side] for side in (False, True)]
    return Corrections(sides[0], sides[1], notes)


def _is_kept_back(row: dict[str, Any]) -> bool:
    """By the row alone, so that it is kept back the next time too, when there are more."""
    written = json.dumps(row, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(written).digest()[:4], "big") % _KEPT_BACK == 0


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """As JSON Lines."""
    with disk_trouble(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
