"""A template tried where it can do no harm: in a process of its own, with two seconds and 512 MB."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from luthier.chat import sandbox
from luthier.errors import ModelError
from luthier.language import t

SECONDS = 2
_BYTES = 512 * 2**20
_MOST_TEXT = 2**22
"""Characters that a template may make of a sample of four turns."""


def try_template(name: str, source: str, day: str, variables: Sequence[Mapping[str, Any]]) -> None:
    """Renders it once with each. name: for messages.

    Errors: ModelError for one that cannot be read, does not end, or eats the memory. That it refuses such a
    conversation is no error here.
    """
    limits = {"seconds": SECONDS, "bytes": _BYTES}
    reason = _tried(json.dumps({"source": source, "day": day, "variables": list(variables), **limits}))
    if reason:
        fix = t("take a model with a sound one, or give your own: task.template=FILE.jinja, or task.template=chatml")
        raise ModelError.at(name, t("the chat template cannot be used: {reason}", reason=reason), fix, code="template")


@cache
def _tried(asked: str) -> str:
    """What is wrong with it, "" for nothing."""
    program = [sys.executable, "-P", "-S", str(Path(sandbox.__file__))]
    environment = {"PYTHONPATH": ":".join(_libraries()), "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    try:
        done = subprocess.run(program, input=asked, capture_output=True, text=True, encoding="utf-8", env=environment,
                              timeout=2 * SECONDS + 2, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return t("it does not end within {seconds} seconds", seconds=SECONDS)
    if done.returncode:
        if "MemoryError" in done.stderr:
            return t("it needs more than {size} MB", size=_BYTES // 2**20)
        return t("it does not end within {seconds} seconds", seconds=SECONDS)
    said = json.loads(done.stdout)
    error = said.get("error", "")
    if error.startswith(("MemoryError", "OverflowError")):
        return t("it needs more than {size} MB", size=_BYTES // 2**20)
    if said.get("characters", 0) > _MOST_TEXT:
        return t("it makes more than {most:,} characters of four turns", most=_MOST_TEXT)
    return error if error.startswith(("TemplateSyntaxError", "SecurityError", "TemplateAssertionError")) else ""


def _libraries() -> list[str]:
    """Where jinja2 and what it needs lie, so that the process need not look for them."""
    import jinja2
    import markupsafe

    return sorted({str(Path(module.__file__).parents[1]) for module in (jinja2, markupsafe) if module.__file__})
