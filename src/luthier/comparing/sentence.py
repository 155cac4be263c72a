"""A comparison in plain words: who is ahead, how sure that is, and what it does not tell."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.comparing.answers import Answers
from luthier.comparing.pairs import Apart, Pair
from luthier.language import t

SURE = 0.05
"""A p-value below it, after the correction, counts as a difference that is more than chance."""


def verdict_on(
    metric: str, values: Sequence[float], pairs: Sequence[Pair], best: int, runs: Sequence[str], rows: int
) -> tuple[str, bool]:
    """The sentence, and whether the best is surely ahead of all others. values: of each run the main score."""
    if len(runs) == 2:
        return _of_two(metric, values, pairs[0], best, runs, rows)
    lead = [(other, _lead(pairs, best, other)) for other in range(len(runs)) if other != best]
    behind = [runs[other] for other, gap in lead if gap.holm < SURE]
    close = [runs[other] for other, gap in lead if gap.holm >= SURE]
    said = [t("The best of {count} is {best}, {metric} {value:.3f} on {rows} rows.", count=len(runs), best=runs[best],
              metric=metric, value=values[best], rows=rows)]  # fmt: skip
    if behind:
        said.append(t("It is surely ahead of {runs} (p below 0.05 after Holm's correction over all pairs).",
                      runs=", ".join(behind)))  # fmt: skip
    if close:
        said.append(t("Its lead over {runs} may be chance.", runs=", ".join(close)))
    return " ".join(said), not close


def _of_two(
    metric: str, values: Sequence[float], pair: Pair, best: int, runs: Sequence[str], rows: int
) -> tuple[str, bool]:
    gap, other = _lead([pair], best, 1 - best), 1 - best
    facts = t(
        "{metric} {better:.3f} of {best} against {worse:.3f} of {other} on {rows} rows, difference {difference:+.3f} "
        "(95 % interval {low:+.3f} to {high:+.3f}, p = {p:.2g})",
        metric=metric, better=values[best], best=runs[best], worse=values[other], other=runs[other], rows=rows,
        difference=gap.difference, low=gap.low, high=gap.high, p=gap.p,
    )  # fmt: skip
    if gap.holm < SURE:
        return t("{best} is better: {facts}.", best=runs[best], facts=facts), True
    if gap.difference == 0 and gap.low == gap.high == 0:
        return t("No difference: {metric} is {value:.3f} for both on {rows} rows, whichever of them are drawn.",
                 metric=metric, value=values[best], rows=rows), False  # fmt: skip
    half = (gap.high - gap.low) / 2
    return t("No difference shown: {facts}. It may be chance: on these rows a difference below about {half:.3f} cannot "
             "be told from it.", facts=facts, half=half), False  # fmt: skip


def _lead(pairs: Sequence[Pair], best: int, other: int) -> Apart:
    """Of the best over another: positive where the best is better."""
    pair = next(p for p in pairs if {p.first, p.second} == {best, other})
    gap = pair.main
    if pair.second == best:
        return gap
    return Apart(gap.name, -gap.difference, -gap.high, -gap.low, gap.p, gap.holm)


def notes_on(told: Sequence[Answers], metric: str, pairs: Sequence[Pair]) -> list[str]:
    """What the reader must know of how these rows and these runs came about."""
    notes: list[str] = []
    if told[0].part == "validation":
        notes.append(t("These are validation rows, which chose each run's checkpoint: both are flattered by them."))
    spread = [(run, row) for run in told for row in run.report.get("seeds", {}).get("over_seeds", ())
              if row["name"] == metric]  # fmt: skip
    for run, row in spread:
        count = len(run.report["seeds"]["runs"])
        notes.append(t("{run}: {metric} over its {count} seeds {mean:.3f} ± {sd:.3f}; the kept one is compared.",
                       run=run.run, metric=metric, count=count, mean=row["mean"], sd=row["sd"]))  # fmt: skip
    widest = max((row["sd"] for _, row in spread), default=0.0)
    if widest and any(abs(pair.main.difference) < 2 * widest for pair in pairs):
        notes.append(t("A difference below about {two:.3f}, twice that standard deviation, another seed may turn "
                       "round.", two=2 * widest))  # fmt: skip
    elif not spread:
        notes.append(t("The interval is about the rows alone, for one training each: another seed may turn a small "
                       "difference round. train.seeds=5 tells how much hangs on it."))  # fmt: skip
    return notes
