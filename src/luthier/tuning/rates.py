"""At which learning rate each tuning method begins, where the user leaves it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from luthier.language import t


@dataclass(frozen=True)
class Rate:
    """factor: in rates of full tuning of the same model. fixed: instead of that, whatever the model. why: English.
    head: the task's head, in rates of all else: what the method adds may take steps that would throw a head out of
    the place where the untuned model has put it."""

    factor: float = 1.0
    fixed: float | None = None
    why: str = ""
    head: float = 1.0

    @property
    def reason(self) -> str:
        return t(self.why) if self.why else ""


_ADAPTER = Rate(10, why="adapters take ten times the rate", head=0.1)
_RATES: Mapping[str, Rate] = {
    "full": Rate(),
    "last_layers": Rate(),
    "head": Rate(fixed=1e-3, why="only the head learns"),
    "pattern": Rate(10, why="few weights move: ten times the rate of full tuning", head=0.1),
    "ln_tuning": Rate(10, why="few weights move: ten times the rate of full tuning", head=0.1),
    "loraplus": Rate(5, why="LoRA+: A at half of LoRA's rate, B at a multiple of that", head=0.2),
    "ia3": Rate(fixed=3e-3, why="scales of activations, which begin at 1, take large steps", head=0.1),
    "vera": Rate(fixed=4e-3, why="scales of fixed random matrices take large steps", head=0.1),
    "pvera": Rate(fixed=4e-3, why="scales of fixed random matrices take large steps", head=0.1),
    "prompt_tuning": Rate(fixed=3e-3, why="virtual tokens have far to go", head=0.1),
    "prefix_tuning": Rate(fixed=3e-3, why="virtual tokens have far to go", head=0.1),
    "p_tuning": Rate(fixed=1e-3, why="a network makes the virtual tokens", head=0.3),
}
"""A head that begins with what the untuned model knows is best left near it: on 427 tickets LoRA's validation loss
after an epoch was 1.61 with the head at a tenth of the adapter's rate, 3.68 at the same.

IA³: Liu et al. 2022. VeRA: Kopiczko et al. 2024. BitFit: Ben Zaken et al. 2022. LoRA+: half of LoRA's for A, as PEFT
advises."""


def usual_rate(method: str) -> Rate:
    """Methods that are not listed are adapters."""
    return _RATES.get(method, _ADAPTER)
