"""luthier train: from labelled text to a tuned, tested model."""

from __future__ import annotations

from typing import Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import (
    Json,
    Label,
    Model,
    Out,
    Quiet,
    Seed,
    Task,
    Text,
    settings_values,
    split_source,
)
from luthier.language import t


def train(
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
    out: Out = None,
    seed: Seed = None,
    resume: Annotated[bool, typer.Option("--resume", help=t("go on exactly where the run stopped"))] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=t("remove the run that --out holds"))] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.config.settings import check_settings, flat, opened, read_settings
    from luthier.folds import train as run

    file, overrides = split_source(source)
    config, values = settings_values(file, task=task, model=model, text=text, label=label, out=out, seed=seed)
    tree = opened(read_settings(config, overrides, values))
    screen = Console(json=json, quiet=quiet)
    explicit = flat(tree.plain())
    done = run(check_settings(tree), explicit=explicit, resume=resume, overwrite=overwrite, screen=screen)
    if json:
        print_json(dict(done.report))
