"""What each of several parts said of an input, asked again of the windows that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from luthier.claims import Claim, Outputs
from luthier.parts.windows import owned
from luthier.task import AnyTask
from luthier.text.tokenizer import TextRule
from luthier.types import IDS, Window

Encode = Callable[[Any], Sequence[Window]]


def claims_of(
    parts: Mapping[str, AnyTask], input: Sequence[tuple[str, Any]], prediction: Mapping[str, Any], text: TextRule,
    encode: Encode, outputs: Callable[[Any, Mapping[str, Any]], Outputs],
) -> list[Claim]:  # fmt: skip
    """Each part's own, under its name. encode: an input to the windows that the parts share. outputs: of all parts."""
    found: list[Claim] = []
    for number, (name, part) in enumerate(parts.items()):
        value = dict(input).get(name)
        if value is None:
            continue
        for claim in part.claims(value, prediction[name], text):
            found.append(_shared(claim, name, number, input, encode, outputs))
    return found


def _shared(
    claim: Claim, name: str, number: int, input: Any, encode: Encode,
    outputs: Callable[[Any, Mapping[str, Any]], Outputs],
) -> Claim:  # fmt: skip
    def own(changed: Any) -> list[Window]:
        windows = encode(changed)
        return [windows[i] for i in owned(windows, number)]

    def read(said: Outputs) -> Any:
        before = f"{name}."
        return claim.read({key.removeprefix(before): values for key, values in said.items() if key.startswith(before)})

    windows = [window for window in own(input) if any(_same(window, other) for other in claim.windows)]
    return replace(
        claim, name=f"{name}: {claim.name}", windows=windows, outputs=outputs, read=read,
        again=None if claim.again is None else own,
    )  # fmt: skip


def _same(one: Window, other: Window) -> bool:
    return all(np.array_equal(one.arrays[key], array) for key, array in other.arrays.items() if key.endswith(IDS))
