"""luthier init: a commented configuration from a look at the data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Model, Overrides, Quiet, Seed, Task, Text, settings_values
from luthier.errors import RunError
from luthier.language import t


def init(
    data: Annotated[str, typer.Argument(metavar="DATA", help=t("a file of labelled text"))],
    overrides: Overrides = None,
    task: Task = None,
    model: Model = None,
    text: Text = None,
    label: Label = None,
    out: Annotated[Path, typer.Option("--out", "-o", help=t("where to write it"))] = Path("luthier.yaml"),
    seed: Seed = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.config.settings import load_settings
    from luthier.draft import draft_config
    from luthier.files import disk_trouble, write_text
    from luthier.preparing.prepare import prepare

    if out.exists():
        fix = t("name another file with --out, or remove it")
        raise RunError.at(str(out), t("exists already"), fix, code="out-exists")
    _, values = settings_values(data, task=task, model=model, text=text, label=label, seed=seed)
    settings = load_settings(None, overrides or (), values)
    prepared = prepare(settings)
    with disk_trouble(out.parent):
        write_text(out, draft_config(settings, prepared))
    screen = Console(json=json, quiet=quiet)
    for finding in prepared.findings:
        screen.warn(f"{finding.code}: {finding.message}; {finding.fix}")
    if json:
        print_json({"config": str(out), "findings": [finding.as_json() for finding in prepared.findings]})
    screen.say(t("written to {path}; next: luthier train {path}", path=out))
