"""What a training is told, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from luthier.training.averaging import NONE
from luthier.training.checkpoint import Progress


@dataclass(frozen=True)
class Training:
    """How to train. batch_size: windows a step, over all processes. max_tokens: of one forward pass, with padding.

    warmup: share of all steps. save_every: steps between checkpoints, beside one an evaluation. keep: checkpoints,
    the best one included. patience: evaluations without progress before the run stops early; 0 never stops.
    neftune_alpha: of the noise on input embeddings; 0 for none.
    packing: whether each forward pass is of one row, of windows one after another. averaging: which mean of the weights
    is judged and kept: ema, swa or none. cache_bytes: that what frozen layers give may take on disk; 0 lets them run
    at every step. compile: whether the layers run as compiled kernels.
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
    compile: bool = False


@dataclass(frozen=True)
class Fitted:
    """A finished training. The model holds the weights of progress.best_step, or, of one that was only tried, the last.
    stopped_early: why, or "". kept_layers: frozen ones that no step ran; kept_seconds: that they ran once for this
    training; 0 where it was known what they give."""

    progress: Progress
    total_steps: int
    stopped_early: str
    kept_layers: int = 0
    kept_seconds: float = 0.0


Tried = Callable[[float, float], str]
"""Who tries a training out, and wants neither checkpoints nor weights of it: told after each evaluation which share of
the steps is done and the best main score so far (more is better; not a number while there is none), it says why to
stop, or ""."""
