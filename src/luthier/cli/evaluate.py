"""luthier evaluate: how good is it on other data?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Overrides, Quiet, RunFolder, Text, data_settings
from luthier.language import t


def evaluate(
    run: RunFolder,
    data: Annotated[Path, typer.Argument(metavar="DATA", help=t("a file of labelled text"))],
    overrides: Overrides = None,
    text: Text = None,
    label: Label = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    how = data_settings(overrides, {"data.columns.text": text, "data.columns.label": label})
    from luthier.data.source import find_source

    find_source(data)  # before a deep-learning library is imported
    from luthier.assess import assess

    screen = Console(json=json, quiet=quiet)
    found = assess(run, data, how, screen=screen)
    if json:
        print_json(found.as_json())
        return
    rows = [
        (s.name, f"{s.value:.4f}", "" if s.low is None else f"[{s.low:.4f}, {s.high:.4f}]") for s in found.report.scores
    ]
    n = found.report.main.n
    screen.table(t("{data}, {n} rows", data=data, n=n), (t("score"), t("value"), t("95 % interval")), rows)
    parts = [(f"{p.by}: {p.value}", str(p.scores[0].n), f"{p.scores[1].value:.4f}") for p in found.slices]
    if parts:
        name = found.slices[0].scores[1].name
        screen.table(t("by part"), (t("part"), t("rows"), name), parts)
