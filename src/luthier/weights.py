"""Weights as bytes, by which what was computed with them is known again."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

OF_THE_ANSWERS = frozenset((
    "_name_or_path", "name_or_path", "id2label", "label2id", "num_labels", "problem_type", "architectures",
    "_attn_implementation", "_attn_implementation_internal", "transformers_version",
))  # fmt: skip
"""Keys of a configuration that say nothing of what the body computes."""


def bits(value: Tensor) -> np.ndarray:
    """uint8, flat, whatever the type."""
    flat = value.detach().cpu().contiguous().flatten()
    return flat.view(torch.uint8).numpy() if flat.numel() else np.zeros(0, np.uint8)
