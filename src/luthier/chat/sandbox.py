"""A Jinja template to text, in a sandbox: a template comes with a model, from a stranger.

It has no loader, so that it includes no file; it reaches no attribute by which Python's inside is reached, and changes
nothing that it is given. Run as a program it renders what standard input asks for, which is how a template is tried
(templates/trial.py): for that it imports nothing of Luthier.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any, NoReturn

from jinja2 import Environment, Template, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment


class _Generation(Extension):
    """{% generation %} … {% endgeneration %}, by which some templates say what the assistant speaks: rendered as if
    the two were not there."""

    tags = {"generation"}  # noqa: RUF012  jinja2's own declaration

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _as_json(value: Any, **how: Any) -> str:
    """As in transformers: characters beyond ASCII stay, and nothing is escaped for HTML."""
    return json.dumps(value, **{"ensure_ascii": False, **how})


@cache
def compiled(source: str, day: str) -> Template:
    """day: what the template is told when it asks for the date, as 2026-11-26. Errors: jinja2's TemplateError."""
    environment: Environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _as_json
    strftime: Callable[[str], str] = date.fromisoformat(day or "2026-01-01").strftime
    environment.globals.update(raise_exception=_refuse, strftime_now=strftime)
    return environment.from_string(source)


def render(source: str, day: str, variables: Mapping[str, Any]) -> str:
    """Errors: TemplateError where the template refuses or is none; whatever its expressions raise."""
    return compiled(source, day).render(variables)


if __name__ == "__main__":
    import resource

    asked = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (asked["seconds"], asked["seconds"]))
    resource.setrlimit(resource.RLIMIT_AS, (asked["bytes"], asked["bytes"]))
    try:
        texts = (render(asked["source"], asked["day"], variables) for variables in asked["variables"])
        said = {"characters": sum(map(len, texts))}
    except Exception as error:  # whatever a stranger's template raises is told, not raised
        said = {"error": f"{type(error).__name__}: {error}"[:500]}
    json.dump(said, sys.stdout)
