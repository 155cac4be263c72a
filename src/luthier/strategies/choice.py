"""Which strategy to take: the cheapest of those that are not surely worse than the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from luthier.evaluation.intervals import Evaluated
from luthier.language import t
from luthier.strategies.measured import Measured, against

_MUCH = 1.25
"""Times as fast, from which a difference of time is worth a word."""


@dataclass(frozen=True)
class Chosen:
    """best: of the rows that choose. recommended: its name, or the best's own. front_seconds, front_latency: names of
    those that no other beats in quality and in time of training, or of an answer."""

    best: str
    recommended: str
    sentence: str
    front_seconds: Sequence[str]
    front_latency: Sequence[str]


def choose(measured: Sequence[Measured], metric: str, *, higher_is_better: bool, chooses: str) -> Chosen:
    """metric: the task's main score. chooses: the part of the rows that chooses, "validation" or, where there is none,
    the judged part."""

    def rows(one: Measured) -> Evaluated:
        return one.said.checked or one.said.judged

    def quality(one: Measured) -> float:
        return rows(one).values[metric] * (1 if higher_is_better else -1)

    best = max(measured, key=quality)
    apart = {one.name: against(rows(one), rows(best), metric, higher_is_better=higher_is_better) for one in measured}
    as_good = [one for one in measured if (d := apart[one.name]) is not None and d.high >= 0]
    taken = min(as_good or [best], key=lambda one: (one.seconds, one.saved_bytes))
    difference = apart[taken.name]
    if taken is best or difference is None:
        others = t("no cheaper one is as good") if len(as_good) <= 1 else t("none of those as good is cheaper")
        sentence = t("Take {name}: the best {metric} on the {part} rows, {value:.3f}; {others}.", name=best.name,
                     metric=metric, part=t(chooses), value=rows(best).values[metric], others=others)  # fmt: skip
    else:
        sentence = t(
            "Take {name}: on the {part} rows it is not surely worse than {best} ({metric} {difference:+.3f}, 95 % "
            "interval {low:+.3f} to {high:+.3f}) and {gain}.",
            name=taken.name, part=t(chooses), best=best.name, metric=metric, difference=difference.value,
            low=difference.low, high=difference.high, gain=_gain(taken, best),
        )  # fmt: skip
    return Chosen(
        best.name, taken.name, sentence,
        front(measured, quality, lambda one: one.seconds), front(measured, quality, lambda one: one.latency),
    )  # fmt: skip


def _gain(taken: Measured, best: Measured) -> str:
    times = best.seconds / max(taken.seconds, 1e-9)
    smaller = best.saved_bytes / max(taken.saved_bytes, 1)
    if times >= _MUCH and smaller >= 2:
        return t("trains {times:.1f} times as fast, with {smaller:.0f} times less to save", times=times,
                 smaller=smaller)  # fmt: skip
    if times >= _MUCH:
        return t("trains {times:.1f} times as fast", times=times)
    return t("takes less time: {seconds:.0f} s against {other:.0f} s", seconds=taken.seconds, other=best.seconds)


def front(
    measured: Sequence[Measured], quality: Callable[[Measured], float], cost: Callable[[Measured], float]
) -> list[str]:
    """Names of those that no other beats in both, the cheapest first (Pareto)."""
    kept: list[Measured] = []
    for one in sorted(measured, key=lambda each: (cost(each), -quality(each))):
        if not kept or quality(one) > quality(kept[-1]):
            kept.append(one)
    return [one.name for one in kept]
