"""What there is to choose from on the page, as the catalog and this machine have it."""

from __future__ import annotations

from typing import Any

from luthier import catalog
from luthier.candidates.places import candidates
from luthier.errors import ConfigError
from luthier.extras import has
from luthier.formats.known import format_of_task

_USUAL = ("full", "head", "last_layers", "lora")
"""Ways of tuning that are shown first; the others stand behind them."""
_LATER = {"qlora": "bitsandbytes"}
"""Methods that want a further library."""


def choices() -> dict[str, Any]:
    """tasks: with the columns that their rows have. models: that lie on this machine. strategies, forms: names."""
    return {
        "tasks": [{"name": name, "columns": _columns(name)} for name in catalog.task_names()],
        "models": [candidate.name for candidate in candidates(())],
        "strategies": _strategies(),
        "usual": len(_USUAL),
        "forms": catalog.exporter_names(),
    }


def _strategies() -> list[str]:
    known = [name for name in catalog.tuning_names() if name not in _LATER or has(_LATER[name])]
    return [*_USUAL, *(name for name in known if name not in _USUAL)]


def _columns(task: str) -> list[dict[str, Any]]:
    """Those of a task whose rows have one form; none of one that is made of others."""
    try:
        columns = format_of_task(task).columns
    except ConfigError:
        return []
    return [{"name": column.name, "required": column.required} for column in columns]
