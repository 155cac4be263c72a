"""luthier export: a finished run in another form, held against the original before it is handed over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Quiet, RunFolder
from luthier.errors import ConfigError
from luthier.language import t

if TYPE_CHECKING:
    from luthier.exporting.result import Exported


def export(
    run: RunFolder,
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", help=t("onnx, onnx-int8, merged, gguf or gguf-q8"), show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help=t("the folder to write; exports/FORMAT in the run's where not given")),
    ] = None,
    max_loss: Annotated[
        float, typer.Option("--max-loss", help=t("of the main score, as much as a form that rounds may lose"))
    ] = 0.01,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    from luthier import catalog

    if form is None:
        fix = t("luthier export {run} --format {name}", run=run, name=catalog.exporter_names()[0])
        what = t("which form? known: {names}", names=", ".join(catalog.exporter_names()))
        raise ConfigError.at("--format", what, fix, code="usage")
    from luthier.exporting.export import export as export_run
    from luthier.models.run import refuse_rejected

    refuse_rejected(run)
    screen = Console(json=json, quiet=quiet)
    found = export_run(run, form, out, max_loss=max_loss, screen=screen)
    _tell(found, screen)
    if json:
        print_json(found.as_json())
    return 0 if found.gate.passed else 1


def _tell(found: Exported, screen: Console) -> None:
    from luthier.files import size_text

    title = t("{form} on {rows} {part} rows", form=found.form, rows=found.rows, part=t(found.part))
    rows = [
        (t("one text, median"), *(f"{1000 * seconds:.1f} ms" for seconds in found.seconds)),
        (t("weights"), *map(size_text, found.size)),
    ]
    screen.table(title, ("", t("original"), t("exported")), rows)
    if not found.gate.passed:
        screen.warn(t("not exported: {sentence}", sentence=found.gate.sentence))
        return
    screen.say(found.gate.sentence)
    screen.say(t("written to {path}", path=found.folder))
    screen.say(f"  luthier predict {found.folder} FILE")
