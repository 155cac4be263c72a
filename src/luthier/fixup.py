"""luthier check --fix: a mended copy of the data beside them, and a log of every change."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from luthier.checkup import Checkup
from luthier.config.schema import Settings
from luthier.data.columns import find_columns
from luthier.errors import ConfigError, DataError, did_you_mean, shown
from luthier.extras import has
from luthier.files import disk_trouble, whole_file, whole_folder
from luthier.fixing.copy import Original, Tally, survey, write_copy
from luthier.fixing.mend import CONTROL, REPAIR, Mender
from luthier.fixing.plan import DEDUPLICATE, DROP, LABELS, LEAKS
from luthier.fixing.schema import kept_schema
from luthier.fixing.sinks import ENDINGS, check_ending
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.preparing.rows import read_options
from luthier.progress import SILENT, Progress
from luthier.reading.open import named_parts, open_data
from luthier.text.clean import STEPS, Cleaner

ROW_STEPS = (REPAIR, LABELS, DROP, LEAKS, DEDUPLICATE)
"""Steps that look at more than a text, in the order in which they are done."""


@dataclass(frozen=True)
class Fixed:
    """out: the copy, a file or a folder of files. log: a JSON object a change. parts: what each file is for.

    rows: read. written: of these. changes: how many by step, rows left out among them. left: what was named in the log
    and not decided, by step. untouched: columns that no step looks at.
    """

    out: Path
    log: Path
    parts: dict[str, Path]
    steps: tuple[str, ...]
    rows: int
    written: int
    changes: dict[str, int]
    left: dict[str, int]
    untouched: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "out": str(self.out),
            "log": str(self.log),
            "parts": {part: str(path) for part, path in self.parts.items()},
            "steps": list(self.steps),
            "rows": self.rows,
            "written": self.written,
            "changes": self.changes,
            "left": self.left,
            "untouched": list(self.untouched),
        }


def check_out(settings: Settings, out: Path) -> Path:
    """What the copy will be called: `out`, with the ending of the data where it has none and is to be a file.

    Errors: DataError where nothing can be written there. Told before the data are looked at.
    """
    files = _files(settings)
    if len(files) == 1 and not out.suffix and not out.exists():
        out = out.with_name(out.name + _ending(files["train"]))
    for path in (out, _log(out)):
        if path.exists() or path.is_symlink():
            what = t("exists already") if path != out or not _is_input(settings, out) else t("is the data itself")
            fix = t("name another file; the original is never changed")
            raise DataError.at(str(path), what, fix, code="out-exists")
    if len(files) == 1:
        check_ending(out)
    above = next(path for path in out.absolute().parents if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        what, fix = t("nothing can be written into {folder}", folder=above), t("name another place")
        raise DataError.at(str(out), what, fix, code="no-permission")
    return out


def check_steps(names: Collection[str]) -> None:
    """Errors: ConfigError for a step that does not exist."""
    known = (*STEPS, *ROW_STEPS)
    for name in names:
        if name not in known:
            what = t("there is no step {name}", name=shown(name))
            fix = did_you_mean(name, known) + "; " + t("known: {names}", names=", ".join(known))
            raise ConfigError.at("--steps", what, fix, code="unknown-choice")


def default_steps(settings: Settings, found: Checkup) -> tuple[str, ...]:
    """data.clean where it names any; else what is sure to do no harm, and HTML where the doctor found it. Beside them
    every step that looks at rows."""
    html = any("html" in finding.code for finding in found.findings)
    usual = {"nfc", "control", "whitespace"} | ({"html"} if html else set()) | ({"mojibake"} if has("ftfy") else set())
    texts = set(settings.data.clean) or usual
    return (*(name for name in STEPS if name in texts), *ROW_STEPS)


def fix(
    settings: Settings, found: Checkup, out: Path, *, steps: Collection[str] | None = None, mask: bool = False,
    screen: Progress = SILENT,
) -> Fixed:  # fmt: skip
    """Writes the copy and its log, both whole or not at all. Reads every file twice.

    found: what `check` found in the same data. out: a file, whose ending says of what kind; of several files (training,
    validation, test) a folder, in which each keeps its name. steps: names of text.clean.STEPS and ROW_STEPS; None takes
    default_steps. mask: masks personal data too.
    Errors: DataError, ConfigError for what cannot be read, written or done.
    """
    out = check_out(settings, out)
    check_steps(steps or ())
    chosen = set(default_steps(settings, found) if steps is None else steps) | ({"mask"} if mask else set())
    names = tuple(name for name in (*STEPS, *ROW_STEPS) if name in chosen)
    files = _files(settings)
    targets = _targets(files, out)
    originals = [_original(settings, found.format, own, names, targets[part]) for part, own in files.items()]
    looked = survey(originals, names, screen)
    tally = Tally()
    with _writing(out, len(files)) as (place, log):
        for number, original in enumerate(originals):
            path = place if len(files) == 1 else place / original.out.name
            write_copy(original, number, looked, names, path, log, tally, screen)
    columns = [name for seen in looked.seen for name in seen.own_columns]
    used = {theirs for original in originals for theirs in original.mender.columns.values()}
    return Fixed(
        out, _log(out), targets, names, tally.rows, tally.written,
        {name: tally.changes[name] for name in names if tally.changes[name]}, dict(tally.left),
        tuple(dict.fromkeys(name for name in columns if name not in used)),
    )  # fmt: skip


def _files(settings: Settings) -> dict[str, list[str]]:
    """Of each part the single files and addresses."""
    data = settings.data
    assert data.named is not None
    return named_parts(data.named, data.validation, data.test).names


def _log(out: Path) -> Path:
    return out.with_name(f"{out.name}.log.jsonl")


def _is_input(settings: Settings, out: Path) -> bool:
    paths = [Path(name) for names in _files(settings).values() for name in names]
    return any(path.exists() and out.exists() and path.samefile(out) for path in paths)


def _original(settings: Settings, layout: AnyFormat, names: Sequence[str], steps: Sequence[str], out: Path) -> Original:
    options = replace(read_options(settings.data), controls=CONTROL in steps)
    table = open_data(names, options)
    if len(set(table.columns)) < len(table.columns):
        what, fix = t("several columns have no name, and would become one"), t("give each a name")
        raise DataError.at(table.head, what, fix, code="duplicate-header")
    columns = find_columns(table.columns, layout.columns, settings.data.columns, table.head, first=table.first)
    mender = Mender(layout, columns, Cleaner(step for step in steps if step in STEPS), repairs=REPAIR in steps)
    schema = kept_schema(Path(names[0])) if len(names) == 1 and out.suffix.lower() == ".parquet" else None
    header = settings.data.header or not table.is_table
    return Original(table.name, partial(open_data, names, options), mender, out, header, schema)


def _targets(files: Mapping[str, Sequence[str]], out: Path) -> dict[str, Path]:
    """Where each copy will be. In a folder a file keeps its name, with the part before it where two have the same, and
    its ending if such a file can be written; several files of one part become one, named for the part."""
    if len(files) == 1:
        return dict.fromkeys(files, out)
    names: dict[str, str] = {}
    for part, own in files.items():
        names[part] = (_stem(Path(own[0])) if len(own) == 1 else part) + _ending(own)
    twice = len(set(names.values())) < len(names)
    return {part: out / (f"{part}-{name}" if twice else name) for part, name in names.items()}


def _ending(files: Sequence[str]) -> str:
    """That of the first, if such a file can be written; that of what is packed in it, where it is packed."""
    ending = _unpacked(Path(files[0])).suffix.lower()
    return ending if ending in ENDINGS else ".jsonl"


def _stem(path: Path) -> str:
    """tickets.v2.csv.gz: tickets.v2."""
    return _unpacked(path).with_suffix("").name


def _unpacked(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() in (".gz", ".bz2", ".xz", ".zst", ".zip") else path


@contextmanager
def _writing(out: Path, count: int) -> Iterator[tuple[Path, TextIO]]:
    """A temporary file or folder for the copy, and the open log. The log gets its name first: no copy without one."""
    out.parent.mkdir(parents=True, exist_ok=True)
    copy = whole_file(out) if count == 1 else whole_folder(out)
    with (
        disk_trouble(out.parent),
        copy as place,
        whole_file(_log(out)) as path,
        path.open("w", encoding="utf-8") as log,
    ):
        yield place, log
