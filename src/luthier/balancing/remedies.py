"""The remedies. A public function here is a remedy: its name is the method's name, its keyword arguments are the
section `balance` of the YAML, and their defaults are the remedy's defaults. counts: training rows of each class."""

from __future__ import annotations

import math
from collections.abc import Sequence

from luthier.balancing.remedy import Remedy
from luthier.errors import ConfigError
from luthier.language import t


def none(counts: Sequence[int]) -> Remedy:
    """Every row counts alike."""
    return Remedy()


def oversample(counts: Sequence[int], *, ratio: float = 3.0) -> Remedy:
    """An epoch repeats rows of rare classes until the largest class has no more than `ratio` times theirs.

    ratio: 1 makes all classes equal. On GoEmotions (28 classes, 280:1, frozen features) 3 was better than 1, macro-F1
    0.234 against 0.214, with epochs of a third of the length.
    """
    _from("ratio", ratio, 1.0)
    least = max(counts) / ratio
    return Remedy(rates=tuple(max(1.0, least / count) for count in counts))


def undersample(counts: Sequence[int], *, ratio: float = 10.0) -> Remedy:
    """An epoch leaves out rows of common classes, others each time, until none has more than `ratio` times the rows
    of the smallest.

    ratio: 1 makes all classes equal, and where the smallest has a handful of rows leaves next to nothing. As above, 10
    gave 0.212, 3 0.179, 1 0.137, no remedy 0.196.
    """
    _from("ratio", ratio, 1.0)
    most = min(counts) * ratio
    return Remedy(rates=tuple(min(1.0, most / count) for count in counts))


def weighted_loss(counts: Sequence[int]) -> Remedy:
    """Every class counts alike in the loss: a row weighs N / (C · count), 1 on average over the rows."""
    return Remedy(weights=_mean_one(counts, [1 / count for count in counts]))


def effective_number(counts: Sequence[int], *, beta: float = 0.999) -> Remedy:
    """As weighted_loss, with a class's rows counted by what each adds beyond the others, (1 - βⁿ) / (1 - β) (Cui et
    al. 2019).

    beta: 0 leaves all rows alike; near 1 it is weighted_loss.
    """
    if not 0 <= beta < 1:
        _refuse("beta", beta, t("use a number from 0 to below 1"))
    return Remedy(weights=_mean_one(counts, [(1 - beta) / (1 - beta**count) for count in counts]))


def focal(counts: Sequence[int], *, gamma: float = 2.0) -> Remedy:
    """Rows that the model has right count less: their loss is multiplied by (1 - p)^γ, p being the probability of the
    right class (Lin et al. 2017). Of softened targets the whole row's loss is multiplied."""
    _from("gamma", gamma, 0.0)
    return Remedy(focus=gamma)


def logit_adjustment(counts: Sequence[int], *, tau: float = 0.5) -> Remedy:
    """The loss sees logits + τ · log(share of the class), so that the logits themselves learn to answer as if the
    classes were less unequal (Menon et al. 2021, their loss).

    tau: 1 is best for the mean recall of the classes. Macro-F1 also counts what rare classes wrongly take from common
    ones: as above, 0.5 gave 0.228, 0.25 0.220, 1 0.183.
    """
    _from("tau", tau, 0.0)
    return Remedy(margins=tuple(tau * math.log(count / sum(counts)) for count in counts))


def threshold(counts: Sequence[int]) -> Remedy:
    """Training is left alone; then each class's logit is shifted by what the validation rows ask for, and the shift
    becomes part of the head's bias."""
    return Remedy(moves_decisions=True)


def _mean_one(counts: Sequence[int], weights: Sequence[float]) -> tuple[float, ...]:
    """Scaled so that the mean over the rows is 1: the learning rate keeps its meaning."""
    total = sum(count * weight for count, weight in zip(counts, weights, strict=True))
    return tuple(weight * sum(counts) / total for weight in weights)


def _from(name: str, value: float, least: float) -> None:
    if not (value >= least and math.isfinite(value)):
        _refuse(name, value, t("use a number from {least:g}", least=least))


def _refuse(name: str, value: float, fix: str) -> None:
    raise ConfigError.at(f"balance.{name}", t("is {value}", value=value), fix, code="out-of-range")
