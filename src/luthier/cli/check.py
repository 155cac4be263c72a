"""luthier check: what is wrong with my data?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.fixed import tell_fixed
from luthier.cli.options import Json, Label, Model, Quiet, Seed, Source, Task, Text, read_words
from luthier.errors import ConfigError, RunError, places_text, printable
from luthier.language import t

if TYPE_CHECKING:
    from luthier.checkup import Checkup
    from luthier.config.schema import Settings
    from luthier.fixup import Fixed
    from luthier.types import Finding

_MOST_PLACES = 5
_MOST_LABELS = 50


def check(
    source: Source = None,
    task: Task = None,
    model: Model = None,
    text: Text = None,
    label: Label = None,
    seed: Seed = None,
    deep: Annotated[bool, typer.Option("--deep", help=t("costly checks on every row, with every means"))] = False,
    out: Annotated[
        Path | None,
        typer.Option("--fix", metavar="OUT", help=t("write a mended copy of the data and a log of all changes")),
    ] = None,
    mask: Annotated[bool, typer.Option("--mask", help=t("with --fix: mask personal data too"))] = False,
    steps: Annotated[
        str | None, typer.Option("--steps", metavar="NAMES", help=t("with --fix: only these steps, with commas"))
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help=t("write a page with pictures to this file"))] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.checkup import check as run
    from luthier.config.settings import check_settings
    from luthier.files import disk_trouble, write_text
    from luthier.preparing.parts import own_settings
    from luthier.report.checkup import checkup_page, summary

    screen = Console(json=json, quiet=quiet)
    if html is not None and html.exists():
        fix = t("name another file with --html, or remove it")
        raise RunError.at(str(html), t("exists already"), fix, code="out-exists")
    settings = check_settings(read_words(source, task=task, model=model, text=text, label=label, seed=seed))
    parts = own_settings(settings)
    if parts:
        _check_parts(parts, deep, [("--fix", out), ("--html", html)], json, screen)
        return
    mend = _mending(settings, out, mask, steps, screen)
    found = run(settings, deep=deep, screen=screen)
    _tell(found, screen)
    fixed = mend(found) if mend is not None else None
    if json:
        print_json({**found.as_json(), **({"fixed": fixed.as_json()} if fixed is not None else {})})
    if html is not None:
        with disk_trouble(html.parent):
            write_text(html, checkup_page(found.name, found.findings, found.notes, found.data, found.facts))
        screen.say(t("page: {path}", path=html))
    screen.say(summary(found.findings))
    if fixed is not None:
        tell_fixed(fixed, screen)
    elif found.findings:
        raise typer.Exit(1)


def _check_parts(
    parts: Mapping[str, Settings], deep: bool, alone: Sequence[tuple[str, Path | None]], json: bool, screen: Console
) -> None:
    """Tasks with data of their own, each checked as it would be by itself. alone: options that are for one file."""
    from luthier.checkup import check as run
    from luthier.report.checkup import summary

    for option, value in alone:
        if value is not None:
            what = t("{option} is for one file, and the tasks have several", option=option)
            raise ConfigError.at("command line", what, t("check each file by itself"), code="usage")
    found = {name: run(settings, deep=deep, screen=screen) for name, settings in parts.items()}
    for name, own in found.items():
        screen.say(f"{name}: {own.name}")
        _tell(own, screen)
    if json:
        print_json({name: own.as_json() for name, own in found.items()})
    findings = [finding for own in found.values() for finding in own.findings]
    screen.say(summary(findings))
    if findings:
        raise typer.Exit(1)


def _mending(
    settings: Settings, out: Path | None, mask: bool, steps: str | None, screen: Console
) -> Callable[[Checkup], Fixed] | None:
    """What is to be done after the check. Errors: DataError, ConfigError for what cannot be done, told before it."""
    from luthier.fixup import check_out, check_steps, fix

    if out is None:
        if mask or steps is not None:
            what = t("{option} changes nothing without --fix", option="--mask" if mask else "--steps")
            raise ConfigError.at("command line", what, t("add --fix OUT"), code="usage")
        return None
    names = None if steps is None else [name.strip() for name in steps.split(",") if name.strip()]
    copy = check_out(settings, out)
    check_steps(names or ())
    return lambda found: fix(settings, found, copy, steps=names, mask=mask, screen=screen)


def _tell(found: Checkup, screen: Console) -> None:
    columns = ", ".join(f"{ours} = {theirs}" for ours, theirs in found.columns.items())
    screen.say(t("{rows:,} rows of the format {format}; columns: {columns}",
                 rows=len(found.data), format=found.format.name, columns=columns))  # fmt: skip
    for note in found.notes:
        screen.say(note)
    counts = found.label_counts()
    if counts:
        listed = ", ".join(f"{printable(name)} {count:,}" for name, count in counts[:_MOST_LABELS])
        more = " " + t("… and {more} more", more=len(counts) - _MOST_LABELS) if len(counts) > _MOST_LABELS else ""
        screen.say(t("labels: {labels}", labels=listed + more))
    if found.findings:
        headers = (t("severity"), t("rows"), t("finding, first rows, remedy"))
        screen.table(t("findings"), headers, [_row(finding) for finding in found.findings])


def _row(finding: Finding) -> tuple[str, str, str]:
    where = places_text(finding.rows, _MOST_PLACES)
    lines = [f"{finding.code}: {finding.message}", where, t("fix: {fix}", fix=finding.fix)]
    return t(finding.severity), f"{finding.count:,}", "\n".join(line for line in lines if line)
