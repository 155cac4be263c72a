"""luthier drift: is what the model is asked still like what it learnt from?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Overrides, Quiet, RunFolder, Text, data_settings
from luthier.language import t

if TYPE_CHECKING:
    from luthier.drifting.drift import Drift


def drift(
    run: RunFolder,
    log: Annotated[
        str, typer.Argument(metavar="LOG", help=t("the database of luthier serve --record, or a file of texts"))
    ],
    overrides: Overrides = None,
    text: Text = None,
    since: Annotated[str | None, typer.Option("--since", help=t("of a database: 30m, 12h, 7d, 2w, or a date"))] = None,
    model: Annotated[
        str | None, typer.Option("--model", help=t("of a database: answers of this model, by its name or id"))
    ] = None,
    alpha: Annotated[
        float, typer.Option("--alpha", help=t("how often drift may be found where there is none, in all"))
    ] = 0.05,
    out: Annotated[Path | None, typer.Option("--out", "-o", help=t("a page of it all, PAGE.html"))] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    from luthier.drifting.since import since_when
    from luthier.errors import ConfigError
    from luthier.files import check_target, disk_trouble, write_text

    how = data_settings(overrides, {"data.columns.text": text})
    if out is not None:
        check_target(out, (".html",))
    if not 0 < alpha < 1:
        fix = t("use a share above 0 and below 1")
        raise ConfigError.at("--alpha", t("is {value}", value=alpha), fix, code="out-of-range")
    from luthier.drifting.log import drift_of

    screen = Console(json=json, quiet=quiet)
    when = since_when(since, time.time()) if since is not None else None
    found = drift_of(run, log, how, since=when, alpha=alpha, model=model, screen=screen)
    if out is not None:
        from luthier.report.drifting.page import drift_page

        with disk_trouble(out.parent):
            write_text(out, drift_page(found.as_json(), run.resolve().name))
    if json:
        print_json(found.as_json())
    _tell(found, screen)
    if out is not None:
        screen.say(t("written to {path}", path=out))
    return 1 if found.found else 0


def _tell(found: Drift, screen: Console) -> None:
    from luthier.report.drifting.page import measure_rows

    rows = measure_rows(found.as_json())
    if rows:
        headers = (t("measure"), t("statistic"), t("effect"), t("matters from"), t("p (Holm)"), t("drift"))
        screen.table(t("{rows} rows against {held} held-out ones", rows=found.rows, held=found.held), headers, rows)
    for change in found.changes:
        if not change.drifts(found.alpha):
            screen.say("  " + change.sentence)
    for note in found.notes:
        screen.say(note)
    screen.say(found.sentence)
