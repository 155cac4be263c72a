"""luthier schema: what a configuration may hold, for editors."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from luthier.cli.console import print_json, write
from luthier.language import t


def schema(
    one_line: Annotated[
        bool, typer.Option("--json", help=t("on one line, as all commands print for programs"))
    ] = False,
) -> None:
    from luthier.config.describe import config_schema

    found = config_schema()
    if one_line:
        print_json(found)
    else:
        write(sys.stdout, json.dumps(found, ensure_ascii=False, indent=2))
