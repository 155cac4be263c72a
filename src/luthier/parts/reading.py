"""What all heads say of a batch, and what each part makes of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.graphed import Graphed
from luthier.parts.windows import model_inputs
from luthier.task import AnyTask

if TYPE_CHECKING:  # torch takes a second to import
    from torch import Tensor


def outputs_of(parts: Mapping[str, AnyTask], model: Any, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of each part its own outputs, for all windows, as part.name."""
    said = model(**model_inputs(tensors))
    return {
        f"{name}.{output}": values
        for name, part in parts.items()
        for output, values in _graphed(part).outputs(lambda name=name, **_: said.parts[name], tensors).items()
    }


def read_parts(
    parts: Mapping[str, AnyTask], outputs: Mapping[str, np.ndarray], lengths: Sequence[int]
) -> list[dict[str, Any]]:
    """Of each window what every part makes of it, whosever it is: by name its item."""
    found: list[dict[str, Any]] = [{} for _ in lengths]
    for name, part in parts.items():
        own = {output.removeprefix(f"{name}."): v for output, v in outputs.items() if output.startswith(f"{name}.")}
        for items, item in zip(found, _graphed(part).read(own, lengths), strict=True):
            items[name] = item
    return found


def _graphed(part: AnyTask) -> Graphed:
    assert isinstance(part, Graphed), f"{part.name} shares no encoder with others"
    return part
