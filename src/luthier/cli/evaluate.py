"""luthier evaluate: how good is it on other data?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Overrides, Quiet, RunFolder, Text, data_settings
from luthier.language import t

if TYPE_CHECKING:
    from luthier.assess import Assessment

_PAGES = (".html", ".htm")


def evaluate(
    run: RunFolder,
    data: Annotated[str, typer.Argument(metavar="DATA", help=t("a file of labelled text"))],
    overrides: Overrides = None,
    text: Text = None,
    label: Label = None,
    columns: Annotated[
        list[str] | None, typer.Option("--slice", metavar="COLUMN", help=t("scores for each value of this column, too"))
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help=t("asks again with typing errors, other case, other wordings …"))
    ] = False,
    accuracy: Annotated[
        list[float] | None,
        typer.Option("--accuracy", metavar="SHARE", help=t("names the score from which answers are right so often")),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help=t("a page of it all, PAGE.html"))] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    how = data_settings(overrides, {"data.columns.text": text, "data.columns.label": label})
    from luthier.files import check_target, write_text
    from luthier.preparing.rows import read_options
    from luthier.reading.open import check_named

    _check_shares(accuracy or [])
    if out is not None:
        check_target(out, _PAGES)
    check_named(data, read_options(how))  # before a deep-learning library is imported
    from luthier.assess import assess

    screen = Console(json=json, quiet=quiet)
    more: dict[str, Any] = {"wanted": tuple(accuracy)} if accuracy else {}
    found = assess(run, data, how, columns=columns or (), perturbed=robustness, screen=screen, **more)
    told = found.as_json()
    if out is not None:
        write_text(out, _page(found, told, run, data))
    if json:
        print_json(told)
        return
    _tell(found, told, data, screen)
    if out is not None:
        screen.say(t("report  {path}", path=out))


def _page(found: Assessment, told: dict[str, Any], run: Path, data: str) -> str:
    from luthier.report.elsewhere.page import evaluation_page

    names = run.resolve().name, data.rpartition("/")[2] or data
    return evaluation_page(told, *names, found.task, found.examples, found.report.predictions)


def _check_shares(accuracies: list[float]) -> None:
    """Errors: ConfigError for what is no share."""
    from luthier.errors import ConfigError

    for value in accuracies:
        if not 0 < value < 1:
            fix = t("use a share above 0 and below 1")
            raise ConfigError.at("--accuracy", t("is {value}", value=value), fix, code="out-of-range")


def _tell(found: Assessment, told: dict[str, Any], data: str, screen: Console) -> None:
    from luthier.report.elsewhere.page import perturbed_rows, slice_rows
    from luthier.report.elsewhere.sure import threshold_told

    rows = [
        (s.name, f"{s.value:.4f}", "" if s.low is None else f"[{s.low:.4f}, {s.high:.4f}]") for s in found.report.scores
    ]
    n = found.report.main.n
    screen.table(t("{data}, {n} rows", data=data, n=n), (t("score"), t("value"), t("95 % interval")), rows)
    if told["slices"]:
        headers = (t("part"), t("rows"), t("score"), t("against the rest"), t("more than chance"))
        screen.table(t("by part"), headers, slice_rows(told["slices"]))
    if told["robustness"]:
        headers = (t("how"), t("rows"), t("before"), t("then"), t("difference"), t("answers that change"))
        screen.table(t("written otherwise"), headers, perturbed_rows(told["robustness"]))
    for note in found.notes:
        screen.say(note)
    if told["shift"]:
        screen.say(told["shift"]["sentence"])
        for measure in told["shift"]["measures"]:
            if not measure["differs"]:
                screen.say("  " + measure["sentence"])
    if told["selective"]:
        screen.say(told["selective"]["sentence"])
        for one in told["selective"]["thresholds"]:
            screen.say("  " + threshold_told(one))
