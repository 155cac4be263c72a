"""Do the words that are named carry the answer? They are taken out, the first named first, and the answer is asked for
again; then the same in random order, on the same texts (Petsiuk et al. 2018; ERASER, DeYoung et al. 2020).

Deletion: the sooner the answer falls, the better. Insertion: from the text without words, put back the first named
first; the sooner the answer comes back, the better. Each curve is told by its mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.claims import LOG_ODDS, Claim
from luthier.errors import DataError
from luthier.evaluation.intervals import Difference, bootstrap, paired_difference
from luthier.explaining.asking import blank_id, numbers, taken
from luthier.explaining.explanation import Reason
from luthier.explaining.why import checked_way, reason_of
from luthier.explaining.words import Word
from luthier.inference.artifact import Predictor
from luthier.language import t

SHARES = np.linspace(0, 1, 11)
"""Of the words that are taken out, or put back."""
_ORDERS = 3
"""Random ones, of which the mean is taken."""
DELETION, INSERTION = "deletion", "insertion"


@dataclass(frozen=True)
class Faithfulness:
    """rows: inputs that were asked. how: by which the words were ordered. unit: of the curves: the probability of the
    answer, or what the claim's number counts. curves: by deletion and insertion, by the explanation's order (named) and
    by chance (random), the means at SHARES. gains: by how much the named order is better, with the paired 95 %
    interval. error: mean of what the values of a text miss of what they should add up to, without its sign; None where
    they are not meant to add up."""

    rows: int
    how: str
    unit: str
    curves: dict[str, dict[str, list[float]]]
    gains: dict[str, Difference]
    error: float | None

    @property
    def holds(self) -> bool:
        """Whether both are better than chance by more than their interval."""
        return all(gain.low > 0 for gain in self.gains.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows, "method": self.how, "unit": self.unit, "shares": SHARES.tolist(),
            **{name: {**curves, "mean": {order: float(np.mean(c)) for order, c in curves.items()},
                      "gain": vars(self.gains[name])} for name, curves in self.curves.items()},
            "completeness_error": self.error, "better_than_random": self.holds,
        }  # fmt: skip


def faithfulness(
    predictor: Predictor, inputs: Sequence[Any], how: str | None = None, *, seed: int = 42,
    done: Callable[[int], None] = lambda count: None,
) -> Faithfulness:  # fmt: skip
    """Over the first thing said of each input; one with fewer than two words is passed over. done: is told of inputs.
    Errors: as of `explain`; DataError where no input is left."""
    method = checked_way(predictor, how)
    task, codec = predictor.codec.task, predictor.codec
    asked = [task.as_input(value) for value in inputs]
    rng = np.random.default_rng(seed)
    rows: list[np.ndarray] = []
    errors: list[float] = []
    unit = ""
    for input in asked:
        read = codec.cleaned(input)
        claims = task.claims(read, predictor.raw([read])[0], codec.text)
        if claims:
            reason = reason_of(predictor, claims[0], input, method)
            unit = claims[0].unit
            if sum(word.is_read for word in reason.words) > 1:
                rows.append(_curves(predictor, claims[0], input, reason, rng))
                errors += [] if reason.error is None else [abs(reason.error)]
        done(1)
    if not rows:
        fix = t("give inputs of two words or more, of which the model says something")
        raise DataError.at("input", t("there is no input whose words could be taken out"), fix, code="no-words")
    return _told(np.stack(rows), method, "probability" if unit == LOG_ODDS else unit, errors, seed)


def _curves(
    predictor: Predictor, claim: Claim, input: Any, reason: Reason, rng: np.random.Generator
) -> np.ndarray:  # fmt: skip
    """[2, 2, S]: deletion and insertion, by the explanation's order and by chance."""
    words = [word for word in reason.words if word.is_read]
    values = np.array([v for w, v in zip(reason.words, reason.values, strict=True) if w.is_read])
    orders = [np.argsort(-values, kind="stable"), *(rng.permutation(len(words)) for _ in range(_ORDERS))]
    counts = np.round(SHARES * len(words)).astype(int)
    blank = blank_id(predictor.codec)
    gone: dict[frozenset[int], int] = {}
    for order in orders:
        for count in counts:
            for some in (order[:count], order[count:]):
                gone.setdefault(frozenset(some.tolist()), len(gone))
    variants = [taken(predictor, claim, input, _some(words, numbers_), blank) for numbers_ in gone]
    found = numbers(predictor, claim, variants)
    if claim.unit == LOG_ODDS:
        found = 1 / (1 + np.exp(-found))
    at = [[found[[gone[frozenset(o[part].tolist())] for part in parts]] for o in orders]
          for parts in ([slice(None, c) for c in counts], [slice(c, None) for c in counts])]  # fmt: skip
    return np.array([[own[0], np.mean(own[1:], axis=0)] for own in at])


def _some(words: Sequence[Word], chosen: frozenset[int]) -> list[Word]:
    return [words[i] for i in sorted(chosen)]


def _told(rows_N22S: np.ndarray, how: str, unit: str, errors: Sequence[float], seed: int) -> Faithfulness:
    means_22S = rows_N22S.mean(0)
    areas_N22 = rows_N22S.mean(-1)
    curves: dict[str, dict[str, list[float]]] = {}
    gains: dict[str, Difference] = {}
    for number, name in enumerate((DELETION, INSERTION)):
        curves[name] = {"named": means_22S[number, 0].tolist(), "random": means_22S[number, 1].tolist()}
        named, random = (
            bootstrap(lambda weights, o=o, n=number: {name: weights @ areas_N22[:, n, o] / weights.sum(1)},  # noqa: B023
                      len(areas_N22), seed=seed)
            for o in (0, 1)
        )  # fmt: skip
        gains[name] = paired_difference(named, random, name, higher_is_better=name == INSERTION)
    return Faithfulness(len(rows_N22S), how, unit, curves, gains, float(np.mean(errors)) if errors else None)
