"""Which of the measured models to take, and whether to take one at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from luthier.candidates.measure import Measured
from luthier.evaluation.evaluate import report_of
from luthier.evaluation.intervals import Difference, Evaluated, paired_difference
from luthier.language import t
from luthier.types import Score


@dataclass(frozen=True)
class Advice:
    """name: of the model to take. worth_it: whether its untuned features beat counted words: "yes", "no", "unclear", or
    "unknown" where that cannot be compared."""

    name: str
    worth_it: str
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def ranked(measured: Sequence[Measured]) -> list[Measured]:
    """Those with a score first, by it; then those that cut fewer rows, know more of the tokens and are tuned sooner."""

    def order(one: Measured) -> tuple[float, ...]:
        score = one.score
        return (score is None, -score.goodness if score else 0.0, one.fit.cut, one.fit.unknown, one.seconds_to_tune)

    return sorted(measured, key=order)


def advise(measured: Sequence[Measured], words: Evaluated | None) -> Advice:
    """measured: in any order, at least one. words: what counted words reach on the same rows."""
    pretrained = [one for one in measured if one.pretrained] or list(measured)
    judged = [one for one in pretrained if one.known.score is not None]
    if not judged:
        first = ranked(pretrained)[0]
        return Advice(first.name, "unknown", t(
            "No cheap score exists here ({why}). {name} comes first by rows that are not cut, known tokens and the "
            "time of tuning alone; train two or three and compare the runs.", why=first.known.unscored, name=first.name,
        ))  # fmt: skip
    best, *others = ranked(judged)
    near = [one for one in others if _apart(best, one).low <= 0]
    chosen = min([best, *near], key=lambda one: one.seconds_to_tune)
    return _worth(chosen, words, _why(chosen, best, alone=not others), _untrained(chosen, measured))


def _why(chosen: Measured, best: Measured, *, alone: bool) -> str:
    score, first = _main(chosen), _main(best)
    if alone:
        return t("{name} is the only pretrained model that was judged: {score} untuned.",
                 name=chosen.name, score=_said(score))  # fmt: skip
    if chosen is best:
        return t("Take {name}: {score} untuned, the best of those measured, and nothing cheaper comes near it.",
                 name=chosen.name, score=_said(score))  # fmt: skip
    apart = _apart(best, chosen)
    return t(
        "Take {name}: {score} untuned; {best} has {other}, which is not surely better (difference {difference:+.3f}, "
        "95 % interval {low:+.3f} to {high:+.3f}) and takes {times:.1f} times as long to tune.",
        name=chosen.name, score=_said(score), best=best.name, other=_said(first), difference=apart.value,
        low=apart.low, high=apart.high, times=best.seconds_to_tune / chosen.seconds_to_tune,
    )  # fmt: skip


def _worth(chosen: Measured, words: Evaluated | None, why: str, doubt: str) -> Advice:
    if words is None:
        return Advice(chosen.name, "unknown", why + doubt)
    assert chosen.known.score is not None
    score, other = _main(chosen), report_of(words, [None] * chosen.known.rows).main
    apart = paired_difference(chosen.known.score, words, score.name, higher_is_better=score.higher_is_better)
    facts = t("{metric} {value:.3f} against {other:.3f} of counted words (TF-IDF), difference {difference:+.3f} (95 % "
              "interval {low:+.3f} to {high:+.3f})", metric=score.name, value=score.value, other=other.value,
              difference=apart.value, low=apart.low, high=apart.high)  # fmt: skip
    if apart.low > 0:
        return Advice(chosen.name, "yes", f"{why} {t('Before any tuning: {facts}.', facts=facts)}{doubt}")
    worth_it = "no" if apart.value <= 0 else "unclear"
    lead = t("Not worth a pretrained model, as far as untuned features tell: {name} has {facts}. Tuning may still "
             "bring it ahead, which `luthier train` would tell; of the models measured it is the one to try.",
             name=chosen.name, facts=facts)  # fmt: skip
    return Advice(chosen.name, worth_it, lead + doubt)


def _untrained(chosen: Measured, measured: Sequence[Measured]) -> str:
    """A doubt, where a model that nobody trained does as well."""
    random = [one for one in ranked(measured) if not one.pretrained and one.known.score is not None]
    if not random or random[0] is chosen or _apart(chosen, random[0]).low > 0:
        return ""
    return " " + t("{name}, which is at random, is not surely worse: what was learnt in pretraining does not show "
                   "on these rows.", name=random[0].name)  # fmt: skip


def _apart(first: Measured, second: Measured) -> Difference:
    assert first.known.score is not None and second.known.score is not None
    score = _main(first)
    return paired_difference(first.known.score, second.known.score, score.name, higher_is_better=score.higher_is_better)


def _main(one: Measured) -> Score:
    assert one.score is not None
    return one.score


def _said(score: Score) -> str:
    if score.low is None or score.high is None:
        return f"{score.name} {score.value:.3f}"
    return f"{score.name} {score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"
