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
    strategies: Annotated[
        str | None,
        typer.Option("--strategies", help=t("compare tuning methods, such as head,last_layers:n=4,lora,full,scratch")),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help=t("with --strategies: of training in all, the same for each"))
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.config.settings import check_settings, flat, opened
    from luthier.folds import train as run
    from luthier.run import run_path
    from luthier.strategies.names import begun_in, split_names

    tree = opened(read_words(source, task=task, model=model, text=text, label=label, out=out, seed=seed))
    screen = Console(json=json, quiet=quiet)
    begun = begun_in(run_path(check_settings(tree), resume=True)) if resume else None
    if strategies is not None or minutes is not None or begun is not None:
        from luthier.strategies.runs import train_strategies

        names = split_names(strategies) if strategies is not None else list(begun["names"]) if begun else []
        minutes = begun["minutes"] if begun is not None and minutes is None else minutes
        compared = train_strategies(tree, names, minutes=minutes, resume=resume, overwrite=overwrite, screen=screen)
        if json:
            print_json(dict(compared.report))
        return
    explicit = flat(tree.plain())
    done = run(check_settings(tree), explicit=explicit, resume=resume, overwrite=overwrite, screen=screen)
    if json:
        print_json(dict(done.report))
