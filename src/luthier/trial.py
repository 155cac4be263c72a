"""The trial of a run: what the tuned model must beat on the same split, its own test, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.evaluation.baselines import Baseline, cheap_ways
from luthier.evaluation.evaluate import report_of, resampled
from luthier.evaluation.intervals import paired_difference
from luthier.evaluation.verdict import Verdict, baseline_title, best_baseline, doubted, judge
from luthier.language import t
from luthier.progress import Progress
from luthier.seen import Frozen
from luthier.task import AnyTask
from luthier.types import Example, Report

_OF_THE_UNTUNED = ("untuned", "embeddings")
"""How the names of baselines begin that stand on what the model knew before."""


@dataclass(frozen=True)
class Trial:
    """part: of the split that was judged on, "test" wherever there is one. baselines: a report each, by name."""

    part: str
    test: Report
    baselines: Mapping[str, Report]
    verdict: Verdict


@dataclass
class Looked:
    """What runs that differ in their seed alone find out once, from the first of them: what the untuned model made of
    the rows, and the baselines on it."""

    frozen: Frozen[Any, Any] | None = None
    baselines: Sequence[Baseline] = ()


def run_baselines(
    task: AnyTask, frozen: Frozen[Any, Any], *, seed: int, screen: Progress, pretrained: bool = True
) -> list[Baseline]:
    """What the tuned model must beat, on the part that it will be judged on. pretrained: whether the model was, so that
    it can be one of them untuned."""
    ways = dict(cheap_ways(task, frozen, seed))
    if not pretrained:
        left = [name for name in ways if name.startswith(_OF_THE_UNTUNED)]
        ways = {name: way for name, way in ways.items() if name not in left}
        if left:
            names = ", ".join(map(baseline_title, left))
            screen.say(t("nothing is pretrained, so there are no baselines of that kind: {names}", names=names))
    made: list[Baseline] = []
    with screen.track(t("baselines"), len(ways)) as tracker:
        for name, predictions in ways.items():
            made.append(Baseline(name, predictions()))
            tracker.advance(1, baseline_title(name))
    return made


def hold_trial(
    task: AnyTask,
    part: str,
    examples: Sequence[Example[Any, Any]],
    predictions: Sequence[Any],
    baselines: Sequence[Baseline],
    *,
    seed: int,
) -> Trial:
    """Scores with intervals for the tuned model and each baseline, and the paired comparison with the best one."""
    answers = [example.answer for example in examples]
    systems = {"": predictions, **{baseline.name: baseline.predictions for baseline in baselines}}
    found = {name: resampled(task, said, answers, seed=seed) for name, said in systems.items()}
    reports = {name: report_of(found[name], said) for name, said in systems.items()}
    test = reports.pop("")
    best, metric = best_baseline(test, reports)
    higher = next(score.higher_is_better for score in test.scores if score.name == metric)
    difference = paired_difference(found[""], found[best], metric, higher_is_better=higher)
    verdict = judge(test, reports[best], best, metric, difference)
    for name, report in reports.items():  # one that the first score cannot judge, as a copied answer has no likelihood
        other = next((s for s in test.scores if s.name in {r.name for r in report.scores}), None)
        if other is not None and other.name != metric:
            apart = paired_difference(found[""], found[name], other.name, higher_is_better=other.higher_is_better)
            verdict = doubted(verdict, test, report, name, other.name, apart)
    return Trial(part, test, reports, verdict)
