"""luthier index: a file's rows made ready to be searched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Overrides, Quiet, RunFolder, data_settings
from luthier.errors import RunError
from luthier.language import t


def index(
    run: RunFolder,
    data: Annotated[str, typer.Argument(metavar="FILE", help=t("rows to be found: any table"))],
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help=t("the index's folder, which must not exist"))] = None,
    text: Annotated[str | None, typer.Option("--text", help=t("the column that queries are held against"))] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    where = out or Path(f"{Path(data).stem}.index")
    if where.exists():
        raise RunError.at(str(where), t("exists already"), t("remove it, or name another with -o"), code="exists")
    how = data_settings(overrides, {})
    from luthier.extras import require
    from luthier.models.run import needed
    from luthier.preparing.rows import read_options
    from luthier.reading.open import check_named

    check_named(data, read_options(how))  # before a deep-learning library is imported
    require(*needed(run))
    from luthier.inference.artifact import load_artifact
    from luthier.production.indexing import index_file

    screen = Console(json=json, quiet=quiet)
    texts, bad = index_file(load_artifact(run), run, data, where, how, column=text, screen=screen)
    if bad:
        screen.warn(t("{count} inputs could not be read; the first: {problem}", count=len(bad), problem=bad[0]))
    screen.say(t("{texts:,} texts indexed: luthier serve {run} --index {folder}", texts=texts, run=run, folder=where))
    if json:
        print_json({"index": str(where), "texts": texts, "errors": [problem.as_json() for problem in bad]})
    return 1 if bad else 0
