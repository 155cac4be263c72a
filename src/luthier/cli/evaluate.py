"""luthier evaluate: how good is it on other data?"""

from __future__ import annotations

from typing import Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Overrides, Quiet, RunFolder, Text, data_settings
from luthier.language import t


def evaluate(
    run: RunFolder,
    data: Annotated[str, typer.Argument(metavar="DATA", help=t("a file of labelled text"))],
    overrides: Overrides = None,
    text: Text = None,
    label: Label = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    how = data_settings(overrides, {"data.columns.text": text, "data.columns.label": label})
    from luthier.preparing.rows import read_options
    from luthier.reading.open import check_named

    check_named(data, read_options(how))  # before a deep-learning library is imported
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
    name = "accuracy" if any(s.name == "accuracy" for s in found.report.scores) else found.report.main.name
    parts = [
        (f"{part.by}: {part.value}", str(score.n), f"{score.value:.4f}")
        for part in found.slices
        for score in part.scores
        if score.name == name
    ]
    if parts:
        screen.table(t("by part"), (t("part"), t("rows"), name), parts)
