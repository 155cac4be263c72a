"""Luthier tunes a pretrained model to your labelled data. Names are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.api import (
        check,
        compare,
        curve,
        evaluate,
        export,
        fix,
        load,
        plan,
        search,
        suggest,
        train,
        train_strategies,
    )

__all__ = [
    "check",
    "compare",
    "curve",
    "evaluate",
    "export",
    "fix",
    "load",
    "plan",
    "search",
    "suggest",
    "train",
    "train_strategies",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'luthier' has no attribute '{name}'")
    return getattr(import_module("luthier.api"), name)
