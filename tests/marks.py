"""What the edit loop leaves to `make test`: of many cases of one mechanism it tries some."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import pytest


def some_fast(cases: Iterable[Any], fast: Container[Any]) -> list[Any]:
    """As parameters: those that are not named are slow."""
    return [pytest.param(case, marks=() if case in fast else pytest.mark.slow) for case in cases]


def every_third_fast(cases: Iterable[Any]) -> list[Any]:
    """As parameters; a case that is a tuple is spread over its names."""
    spread = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=() if i % 3 == 0 else pytest.mark.slow) for i, case in enumerate(spread)]
