"""luthier suggest: which rows should be labelled next?"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Overrides, Quiet, RunFolder, Text, data_settings
from luthier.errors import printable
from luthier.language import t

if TYPE_CHECKING:
    from luthier.choosing.suggest import Suggestions

_SHOWN = 20
_LONGEST = 80


def suggest(
    run: RunFolder,
    unlabelled: Annotated[str, typer.Argument(metavar="UNLABELLED", help=t("a file of texts without labels"))],
    overrides: Overrides = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help=t("how many rows to name"))] = 100,
    out: Annotated[Path | None, typer.Option("--out", "-o", help=t("write a .csv with an empty label column"))] = None,
    text: Text = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help=t("of the draw among undecided rows"))] = 42,
    safe_csv: Annotated[
        bool,
        typer.Option("--safe-csv/--raw-csv", help=t("texts that a spreadsheet takes for formulas get a leading '")),
    ] = True,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    from luthier.extras import require
    from luthier.files import check_target, disk_trouble
    from luthier.models.run import model_folder
    from luthier.preparing.rows import read_options
    from luthier.reading.open import check_named

    if out is not None:
        check_target(out, (".csv",))
    how = data_settings(overrides, {"data.columns.text": text})
    check_named(unlabelled, read_options(how))  # before torch is imported
    require("torch", "transformers")
    model_folder(run)
    from luthier.choosing.suggest import suggest as name_rows

    screen = Console(json=json, quiet=quiet)
    found = name_rows(run, unlabelled, count=count, seed=seed, how=how, screen=screen)
    if out is not None:
        from luthier.report.files.predictions import safe_cell

        with disk_trouble(out.parent):
            _write(out, found, safe_cell if safe_csv else str)
    if json:
        print_json(found.as_json())
    _show(found, screen)
    if out is not None:
        screen.say(t("written to {path}; fill in the label column, then train on it with the other rows", path=out))
    if found.bad:
        screen.warn(t("{count} inputs could not be read; the first: {problem}", count=len(found.bad),
                      problem=found.bad[0]))  # fmt: skip
    return 1 if found.bad else 0


def _show(found: Suggestions, screen: Console) -> None:
    screen.say(
        t("{seen:,} rows answered; left out: {known:,} labelled already, {repeated:,} repeated",
          seen=found.seen, known=found.known, repeated=found.repeated)
    )  # fmt: skip
    rows = [(str(row.place), _short(row.text), row.reason) for row in found.rows[:_SHOWN]]
    screen.table(t("label these next"), (t("where"), t("text"), t("why")), rows)
    if len(found.rows) > _SHOWN:
        screen.say(t("… and {count} more; -o FILE.csv writes them all", count=len(found.rows) - _SHOWN))


def _short(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _write(out: Path, found: Suggestions, cell: Callable[[str], str]) -> None:
    """The training data's own columns first, the label empty, so that the labelled file can be added to them."""
    from luthier.files import whole_file

    pair = any(isinstance(row.input, tuple) for row in found.rows)
    names = ["text", "text_pair"] if pair else ["text"]
    columns = [found.columns.get(name, name) for name in names]
    with whole_file(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        label = found.columns.get("label", "label")
        writer.writerow([*columns, label, *_beside((*columns, label), ("guess", "score", "reason", "file", "line"))])
        for row in found.rows:
            texts = row.input if pair else (row.text,)
            guess, score = row.answer["label"], f"{row.answer['score']:.4f}"
            place = row.place
            writer.writerow([*map(cell, texts), "", guess, score, row.reason, place.file, place.line or ""])


def _beside(taken: tuple[str, ...], names: tuple[str, ...]) -> list[str]:
    """Names of further columns, changed where the data have one of that name."""
    return [f"suggested_{name}" if name in taken else name for name in names]
