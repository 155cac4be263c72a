"""Every command with its arguments and options, as the command line itself tells them."""

from __future__ import annotations

from typing import Any

import typer

from luthier.cli.main import build
from luthier.language import language
from reference.tables import code, plain, table


def page() -> str:
    group: Any = typer.main.get_command(build())
    context = group.context_class(group, info_name="luthier")
    parts = [_one(command, command.context_class(command, info_name=name, parent=context), name)
             for name, command in group.commands.items()]  # fmt: skip
    return "\n".join(parts)


def _one(command: Any, context: Any, name: str) -> str:
    usage = " ".join(command.get_usage(context).partition(":")[2].split())
    records = [(param, param.get_help_record(context)) for param in command.get_params(context)]
    rows = [(code(words), plain(told)) for _, (words, told) in filter(lambda pair: pair[1], records)]
    headers = ("参数与选项", "含义") if language() == "zh" else ("arguments and options", "what they do")
    return f"## luthier {name}\n\n{plain(command.help or '')}\n\n```text\n{usage}\n```\n\n{table(headers, rows)}"
