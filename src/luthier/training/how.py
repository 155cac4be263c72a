"""What a training is told."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.training.averaging import NONE


@dataclass(frozen=True)
class Training:
    """How to train. batch_size: windows a step, over all processes. max_tokens: of one forward pass, with padding.

    warmup: share of all steps. save_every: steps between checkpoints, beside one an evaluation. keep: checkpoints,
    the best one included. patience: evaluations without progress before the run stops early; 0 never stops.
    neftune_alpha: of the noise on input embeddings; 0 for none.
    packing: whether each forward pass is of one row, of windows one after another. averaging: which mean of the weights
    is judged and kept: ema, swa or none. cache_bytes: that what frozen layers give may take on disk; 0 lets them run
    at every step.
    """

    epochs: int
    batch_size: int
    max_tokens: int
    learning_rate: float
    warmup: float
    weight_decay: float
    max_grad_norm: float
    optimiser: str
    schedule: str
    save_every: int
    keep: int
    patience: int
    seed: int
    neftune_alpha: float = 0.0
    packing: bool = False
    averaging: str = NONE
    cache_bytes: int = 0
