"""Why a model said so: which words made its answer, which training rows are near, and what would change its mind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.explaining.why import explain

__all__ = ["explain"]


def __getattr__(name: str) -> Any:
    """Imported when they are asked for: a page that only shows explanations needs no model."""
    if name != "explain":
        raise AttributeError(name)
    from luthier.explaining.why import explain

    return explain
