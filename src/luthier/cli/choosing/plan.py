"""luthier plan: will it fit, how long will it take?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import (
    CONFIG_ENDINGS,
    Json,
    Label,
    Model,
    Out,
    Quiet,
    Seed,
    Source,
    Task,
    Text,
    read_words,
    split_source,
)
from luthier.language import t

if TYPE_CHECKING:
    from luthier.planning.will_it_fit import Plan


def plan(
    source: Source = None,
    task: Task = None,
    model: Model = None,
    text: Text = None,
    label: Label = None,
    out: Out = None,
    seed: Seed = None,
    memory: Annotated[
        str | None, typer.Option("--memory", help=t("what it may take at most, such as 8GiB; else what is free"))
    ] = None,
    time: Annotated[str | None, typer.Option("--time", help=t("how long it may take at most, such as 1h30m"))] = None,
    apply: Annotated[
        bool,
        typer.Option("--apply", help=t("where it does not fit, write the first change that does into the config file; "
                                       "without a file, print its key=value words")),
    ] = False,
    no_probe: Annotated[
        bool, typer.Option("--no-probe", help=t("only reckon; make no real steps"))
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    from luthier.config.settings import check_settings
    from luthier.planning.will_it_fit import limits_of
    from luthier.planning.will_it_fit import plan as reckon

    limits = limits_of(memory, time)
    settings = check_settings(read_words(source, task=task, model=model, text=text, label=label, out=out, seed=seed))
    screen = Console(json=json, quiet=quiet)
    found = reckon(settings, limits=limits, probe=not no_probe, screen=screen)
    _show(found, screen)
    applied = _apply(found, source, screen) if apply else False
    if json:
        print_json({**found.as_json(), "applied": applied})
    if not found.fits and not applied:
        raise typer.Exit(1)


def _apply(found: Plan, source: list[str] | None, screen: Console) -> bool:
    """Whether there is now a way that fits: in the file, or as words that were printed."""
    if found.chosen is None:
        return False
    named, words = split_source(source)
    if named is None or not named.lower().endswith(CONFIG_ENDINGS):
        screen.say(t("add: {words}", words=" ".join(found.chosen.words)))
        return True
    from luthier.planning.fitting.apply import apply

    apply(Path(named), found.chosen.values)
    screen.say(t("written to {path}: {words}", path=named, words=", ".join(found.chosen.words)))
    kept = [word for word in words if word.partition("=")[0] in found.chosen.values]
    if kept:
        screen.warn(t("leave these out, they would win over the file: {words}", words=" ".join(kept)))
    return True


def _show(found: Plan, screen: Console) -> None:
    from luthier.planning.shown import sentences, tables

    for title, headers, rows in tables(found):
        screen.table(title, headers, rows)
    for sentence in sentences(found):
        screen.say(sentence)
