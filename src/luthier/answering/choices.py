"""A written answer that can only be one of a few: each is asked for its likelihood, and the likeliest is the answer.

What a model would write under that constraint, drawn from its own distribution over the allowed texts: the
probability of a choice is that of its tokens, the end included, over the sum for all choices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.errors import ConfigError, shown
from luthier.language import t
from luthier.metrics.classes import Outcome, classification_scores, confusion, per_class
from luthier.metrics.sureness import reliability
from luthier.types import Choice, Window

AUTO = "auto"
MOST_AUTO = 20
"""Different answers that are taken for choices where the training rows decide."""
SCORES = ("accuracy", "macro_f1", "ece")

Asked = Sequence[str | int] | str | None


@dataclass(frozen=True, slots=True, eq=False)
class Supposed(Window):
    """A window that asks how likely one of the choices is. choice: its number."""

    choice: int = 0


def checked_choices(asked: Asked) -> Asked:
    """Errors: ConfigError for something else than a list of different texts, or auto."""
    if asked is None or asked == AUTO:
        return asked
    names = () if isinstance(asked, str) else tuple(str(name).strip() for name in asked)
    if len(set(names)) < 2 or len(set(names)) < len(names) or not all(names):
        fix = t("write two or more different texts, such as [yes, no], or auto")
        raise ConfigError.at("task.choices", t("is {value}", value=shown(asked)), fix, code="out-of-range")
    return names


def settled_choices(asked: Asked, answers: Sequence[str]) -> tuple[tuple[str, ...] | None, list[Choice]]:
    """answers: of the training rows. Errors: ConfigError for an answer that is none of the choices."""
    if asked is None:
        return None, []
    counts = Counter(answer.strip() for answer in answers)
    if asked == AUTO:
        few = 2 <= len(counts) <= MOST_AUTO and 2 * len(counts) <= len(answers)
        reason = t("{count} different answers in {rows} training rows", count=len(counts), rows=len(answers))
        names = tuple(sorted(counts)) if few else None
        return names, [Choice("choices", ", ".join(names) if names else "none", reason)]
    names = tuple(map(str, asked))
    if other := [(name, count) for name, count in counts.most_common() if name not in names]:
        (name, count), *_ = other
        what = t("training answers are none of the choices: {name} ({count} rows) and {more} more",
                 name=shown(name), count=count, more=len(other) - 1)  # fmt: skip
        raise ConfigError.at("task.choices", what, t("add them, or mend the rows"), code="conflict")
    return names, []


def chances_of(windows: Sequence[Supposed], nlls: Sequence[float], count: int) -> np.ndarray:
    """[count], from the negative log-likelihoods of windows; what one choice has in several of them is added up."""
    nll_C = np.zeros(count)
    for window, nll in zip(windows, nlls, strict=True):
        nll_C[window.choice] += nll
    likely_C = np.exp(nll_C.min() - nll_C)
    return likely_C / likely_C.sum()


def choice_outcome(
    names: Sequence[str], said: Sequence[str], chances: Sequence[Sequence[float]], right: Sequence[str]
) -> Outcome:
    """chances: of each text the probabilities of all choices, () where nobody knows them. Where a text is no choice, as
    some baselines say, there is a class more for such texts."""
    number = {name: c for c, name in enumerate(names)}
    sure = np.eye(len(names) + any(text.strip() not in number for text in said))
    rows = [
        [*chance, *[0.0] * (len(sure) - len(names))] if chance else sure[number.get(text.strip(), -1)]
        for text, chance in zip(said, chances, strict=True)
    ]
    return Outcome(np.array(rows, float), np.array([number.get(answer.strip(), -1) for answer in right], np.int64))


def choice_scores(outcome: Outcome, weights_RN: np.ndarray) -> dict[str, np.ndarray]:
    found = classification_scores(outcome, weights_RN)
    return {name: found[name] for name in SCORES}


def choice_details(names: Sequence[str], outcome: Outcome) -> dict[str, Any]:
    """As of a task that chooses classes."""
    bins = reliability(outcome.sureness)
    return {
        "per_class": [{"label": name, **row} for name, row in zip(names, per_class(outcome), strict=True)],
        "confusion": {"labels": list(names), "counts": confusion(outcome).tolist()},
        "reliability": [{"confidence": sure, "accuracy": right, "n": n} for sure, right, n in bins],
    }
