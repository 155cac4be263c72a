"""The scores of several parts as those of one task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

MAIN, WHOLE = "mean_of_parts", "sentence_accuracy"


def combined(
    scores: Mapping[str, Mapping[str, np.ndarray]],
    weights: Mapping[str, float],
    whole: np.ndarray | None = None,
    *,
    joint: bool = False,
) -> dict[str, np.ndarray]:
    """scores: of each part its own, [R] each, the main one first. weights: of their losses. whole: [R], the share of
    rows with several answers of which all are right. joint: every row has several.

    First the mean of the parts' main scores, or of joint rows the share of those that are right as a whole: it counts
    rows, while a mean of F1s over classes hangs on the rarest class of one part. Then a loss that is the weighted sum
    of theirs, where all have one.
    """
    main = [next(iter(own.values())) for own in scores.values()]
    found = {MAIN: np.mean(main, axis=0)}
    if whole is not None:
        found = {WHOLE: whole, **found} if joint else {**found, WHOLE: whole}
    for part, own in scores.items():
        found |= {f"{part}.{name}": values for name, values in own.items()}
    losses = [own["loss"] * weights[part] for part, own in scores.items() if "loss" in own]
    if len(losses) == len(scores):
        found["loss"] = np.sum(losses, axis=0)
    return found


def share_right(right_N: Sequence[bool], weights_RN: np.ndarray) -> np.ndarray:
    """[R]; NaN where no row counts."""
    total_R = weights_RN.sum(1).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return weights_RN @ np.array(right_N, float) / total_R


def sampling_rates(counts: Sequence[int], temperature: float) -> list[float]:
    """How often an epoch shows each window of each part so that the parts' shares are as size^(1/temperature)
    (Devlin 2019 for multilingual BERT; Raffel et al. 2020), and the epoch is as long as before. 1 changes nothing; the
    larger, the more even."""
    sizes = np.array(counts, float)
    wanted = np.where(sizes > 0, np.maximum(sizes, 1) ** (1 / temperature), 0)
    shown = wanted / wanted.sum() * sizes.sum()
    return [float(s / n) if n else 0.0 for s, n in zip(shown, sizes, strict=True)]
