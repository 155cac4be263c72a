"""One forward pass: the model, where it runs, and where its dropout draws from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn

from luthier.runtime import Runtime


@dataclass(frozen=True)
class Pass:
    """begin: is told the numbers of the windows before each forward pass. factor: of the gradient."""

    model: nn.Module
    runtime: Runtime
    begin: Callable[[Sequence[int]], None]
    factor: float
