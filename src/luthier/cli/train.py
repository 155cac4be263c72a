"""luthier train: from labelled text to a tuned, tested model."""

from __future__ import annotations

from typing import Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Model, Out, Quiet, Seed, Source, Task, Text, read_words
from luthier.language import t


def train(
    source: Source = None,
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
    from luthier.config.settings import check_settings, flat, opened
    from luthier.folds import train as run

    tree = opened(read_words(source, task=task, model=model, text=text, label=label, out=out, seed=seed))
    screen = Console(json=json, quiet=quiet)
    explicit = flat(tree.plain())
    done = run(check_settings(tree), explicit=explicit, resume=resume, overwrite=overwrite, screen=screen)
    if json:
        print_json(dict(done.report))
