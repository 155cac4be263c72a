"""What a remedy against imbalance changes: which rows an epoch shows, what the loss is, where the decision lies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Remedy:
    """Of C classes, in the order of the task's logits; what is empty, 0 or False is left alone.

    rates: [C], how often an epoch shows a row of the class on average; 1 is once. weights: [C], of a row's loss.
    margins: [C], added to the logits in the loss, and not when the model answers. focus: the exponent of the focal
    factor. moves_decisions: whether each class's logit is shifted, after training, as the validation rows say.
    """

    rates: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    margins: tuple[float, ...] = ()
    focus: float = 0.0
    moves_decisions: bool = False

    @property
    def row_weights(self) -> tuple[float, ...]:
        """[C], how much a row of the class counts in an epoch, by its repeats and its loss; empty where all alike."""
        if not self.rates or not self.weights:
            return self.rates or self.weights
        return tuple(rate * weight for rate, weight in zip(self.rates, self.weights, strict=True))
