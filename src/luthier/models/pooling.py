"""The mean of a text's states, which speaks for the text as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes a second to import
    from torch import Tensor


def masked_mean(states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """[B, D]. mask: 1 at what counts, in every row once at least."""
    return (states_BTD * mask_BT[..., None]).sum(1) / mask_BT.sum(1, keepdim=True)
