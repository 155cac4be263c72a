"""luthier check: what is wrong with my data?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Model, Quiet, Seed, Task, Text, settings_values, split_source
from luthier.language import t

if TYPE_CHECKING:
    from luthier.types import Finding

_MOST_PLACES = 3


def check(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA|CONFIG] [key=value]…",
            help=t("a file of labelled text or a YAML configuration, then settings such as train.epochs=5"),
            show_default=False,
        ),
    ] = None,
    task: Task = None,
    model: Model = None,
    text: Text = None,
    label: Label = None,
    seed: Seed = None,
    deep: Annotated[bool, typer.Option("--deep", help=t("costly checks on every row, with every means"))] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.checkup import check as run
    from luthier.config.settings import load_settings

    file, overrides = split_source(source)
    config, values = settings_values(file, task=task, model=model, text=text, label=label, seed=seed)
    screen = Console(json=json, quiet=quiet)
    found = run(load_settings(config, overrides, values), deep=deep, screen=screen)
    if json:
        print_json(found.as_json())
    for note in found.notes:
        screen.say(note)
    headers = (t("severity"), t("finding"), t("rows"), t("where"), t("remedy"))
    screen.table(t("findings"), headers, [_row(finding) for finding in found.findings])
    if found.findings:
        raise typer.Exit(1)
    screen.say(t("nothing found"))


def _row(finding: Finding) -> tuple[str, str, str, str, str]:
    places = "\n".join(str(place) for place in finding.rows[:_MOST_PLACES])
    more = "\n…" if finding.count > _MOST_PLACES else ""
    return finding.severity, f"{finding.code}: {finding.message}", f"{finding.count:,}", places + more, finding.fix
