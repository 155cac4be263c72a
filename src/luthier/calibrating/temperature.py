"""One number by which logits are divided, so that what the model says of its own sureness holds (Guo et al. 2017).

It is chosen by the likelihood of rows that training did not see. Dividing moves no decision of a softmax, and none of a
sigmoid at 0.5: whatever shifts decisions is chosen afterwards, on the logits as they then are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Nats = Callable[[float, np.ndarray], np.ndarray]
"""From a temperature and the numbers of n rows to their losses, [n]."""

_LEAST, _MOST = 0.1, 100.0
_FOLDS = 10
_TINY = 1e-30


@dataclass(frozen=True)
class Fitted:
    """temperature: of all rows. before, after: nats a row as they are, and with the temperature that the other rows of
    a cross-validation ask for."""

    temperature: float
    before: float
    after: float

    @property
    def helps(self) -> bool:
        return self.after < self.before


def softmax_nats(probabilities_NC: np.ndarray, classes_N: np.ndarray) -> Nats:
    """Of rows with one class each."""
    logs_NC = log_of(probabilities_NC)
    rows, classes = logs_NC.shape
    wrong = _doubt(rows) / max(1, classes - 1)
    targets_NC = np.full((rows, classes), wrong)
    targets_NC[np.arange(rows), classes_N] = 1 - wrong * (classes - 1)

    def nats(temperature: float, numbers: np.ndarray) -> np.ndarray:
        scaled_NC = logs_NC[numbers] / temperature
        highest_N1 = scaled_NC.max(1, keepdims=True)
        total_N1 = highest_N1 + np.log(np.exp(scaled_NC - highest_N1).sum(1, keepdims=True))
        return -(targets_NC[numbers] * (scaled_NC - total_N1)).sum(1)

    return nats


def sigmoid_nats(logits_NC: np.ndarray, holds_NC: np.ndarray) -> Nats:
    """Of rows with any number of labels; nats a label. holds: bool, which rows have which."""
    doubt = _doubt(len(holds_NC))
    targets_NC = np.where(holds_NC, 1 - doubt, doubt)

    def nats(temperature: float, numbers: np.ndarray) -> np.ndarray:
        scaled_NC = logits_NC[numbers] / temperature
        return (np.logaddexp(0, scaled_NC) - targets_NC[numbers] * scaled_NC).mean(1)

    return nats


def fit_temperature(nats: Nats, rows: int, seed: int) -> Fitted:
    """By all rows, and how much it would have brought on rows that it was not chosen by."""
    everything = np.arange(rows)
    fold_N = np.random.default_rng(seed).permutation(rows) % min(_FOLDS, rows)
    after_N = np.zeros(rows)
    for fold in range(fold_N.max() + 1):
        held = np.flatnonzero(fold_N == fold)
        others = np.flatnonzero(fold_N != fold)
        after_N[held] = nats(_best(nats, others) if len(others) else 1.0, held)
    return Fitted(_best(nats, everything), float(nats(1.0, everything).mean()), float(after_N.mean()))


def log_of(probabilities: np.ndarray) -> np.ndarray:
    """Logits up to a constant of each row."""
    return np.log(np.maximum(probabilities.astype(float), _TINY))


def softened(probabilities_NC: np.ndarray, temperature: float) -> np.ndarray:
    """Of a softmax, with its logits divided by the temperature. float32."""
    scaled_NC = log_of(probabilities_NC) / temperature
    raised_NC = np.exp(scaled_NC - scaled_NC.max(1, keepdims=True))
    return (raised_NC / raised_NC.sum(1, keepdims=True)).astype(np.float32)


def _best(nats: Nats, numbers: np.ndarray) -> float:
    """The loss is convex in 1 / temperature, so that one minimum is all there is."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda inverse: float(nats(1 / inverse, numbers).mean()), bounds=(1 / _MOST, 1 / _LEAST), method="bounded"
    )
    return float(1 / found.x)


def _doubt(rows: int) -> float:
    """What a target leaves to chance, as Platt 1999 has it: rows that are all answered right would else ask for a model
    that is never in doubt."""
    return 1 / (rows + 2)
