"""luthier search: which settings?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Model, Quiet, Seed, Source, Task, Text, read_words
from luthier.language import t

if TYPE_CHECKING:
    from luthier.studies.search import Found

_SHORT: Mapping[str, str] = {
    "tuning.method": "tuning",
    "balance.method": "balance",
    "train.learning_rate": "rate",
    "train.batch_size": "batch",
}
"""Headings in a terminal, which is narrow; the page has the whole keys."""
_SHOWN = 8
"""Trials in the table, the best ones."""


def search(
    source: Source = None,
    task: Task = None,
    model: Model = None,
    text: Text = None,
    label: Label = None,
    trials: Annotated[int | None, typer.Option("--trials", help=t("trainings that are tried; 20"))] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help=t("no further trial starts after them; 30"))
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", help=t("trainings at a time, in processes; 1"))] = None,
    ray: Annotated[
        str | None, typer.Option("--ray", help=t("on a Ray cluster: its address, or auto"), metavar="ADDRESS")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", "-o", help=t("the search's folder; searches/<name>-<number> where not given"))
    ] = None,
    seed: Seed = None,
    resume: Annotated[
        bool, typer.Option("--resume", help=t("go on with the search in --out; no finished trial is lost"))
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=t("remove the search that --out holds"))] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.config.located import located, replaced
    from luthier.errors import Place
    from luthier.studies.search import search as find

    tree = read_words(source, task=task, model=model, text=text, label=label, out=out, seed=seed)
    flags = {"trials": trials, "minutes": minutes, "workers": workers, "ray": ray}
    for name, value in flags.items():
        if value is not None:
            tree = replaced(tree, ["search", name], located(value, Place(f"--{name}")))
    screen = Console(json=json, quiet=quiet)
    found = find(tree, resume=resume, overwrite=overwrite, screen=screen)
    _show(found, screen)
    if json:
        print_json(dict(found.report))


def _show(found: Found, screen: Console) -> None:
    from luthier.report.studied.page import best_rows, setting_values

    report = found.report
    rows: list[tuple[str, ...]] = []
    for trial in best_rows(report, _SHOWN):
        values = setting_values(report, trial)
        cells = [_cell(values.get(key)) for key in report["space"]]
        rows.append((str(trial["number"]), f"{trial['value']:.4f}", *cells, f"{trial['seconds']:.0f}"))
    names = [_SHORT.get(key, key.rpartition(".")[2]) for key in report["space"]]
    screen.table(t("the best of {count} trials (0 is the default)", count=len(report["trials"])),
                 (t("trial"), report["metric"], *names, t("seconds")), rows)  # fmt: skip
    screen.say()
    screen.say(report["verdict"]["sentence"])
    screen.say()
    screen.say(t("settings {path}", path=found.folder / "config.yaml"))
    screen.say(t("page     {path}", path=found.folder / "search.html"))
    screen.say(t("next     luthier serve {path}   |   luthier train {config}", path=found.run.folder,
                 config=found.folder / "config.yaml"))  # fmt: skip


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
