"""The trial of a run: the baselines on the same split, the tuned model's test, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from luthier.data.split import Split
from luthier.evaluation.baselines import Baseline, embeddings, majority, tfidf
from luthier.evaluation.evaluate import evaluate, scorer
from luthier.evaluation.intervals import paired_difference
from luthier.evaluation.verdict import Verdict, baseline_title, best_baseline, judge
from luthier.language import t
from luthier.progress import Progress
from luthier.task import AnyTask
from luthier.types import Example, Report


@dataclass(frozen=True)
class Trial:
    """part: of the split that was judged on, "test" wherever there is one. baselines: a report each, by name."""

    part: str
    test: Report
    baselines: Mapping[str, Report]
    verdict: Verdict


def judged_part(split: Split[Any, Any]) -> str:
    """Where a run is judged: on the test split; on the validation split where the user wanted no test."""
    return "test" if split.test else "validation"


def run_baselines(
    task: AnyTask,
    split: Split[Any, Any],
    embed: Callable[[Sequence[Any]], np.ndarray],
    *,
    seed: int,
    screen: Progress,
) -> list[Baseline]:
    """What the tuned model must beat, on the part that it will be judged on. embed: inputs to vectors [N, D]."""
    if judged_part(split) != "test":
        split = replace(split, test=split.validation)
    makers: list[tuple[str, Callable[[], Baseline]]] = [
        ("majority", lambda: majority(task, split)),
        ("tfidf", lambda: tfidf(task, split, seed)),
        ("embeddings", lambda: embeddings(task, split, embed, seed)),
    ]
    made: list[Baseline] = []
    with screen.track(t("baselines"), len(makers)) as tracker:
        for name, make in makers:
            made.append(make())
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
    test = evaluate(task, predictions, answers, seed=seed)
    reports = {b.name: evaluate(task, b.predictions, answers, seed=seed) for b in baselines}
    best = best_baseline(reports)
    difference = paired_difference(
        scorer(task, predictions, answers),
        scorer(task, reports[best].predictions, answers),
        test.main.name,
        len(answers),
        higher_is_better=test.main.higher_is_better,
        seed=seed,
    )
    return Trial(part, test, reports, judge(test, reports[best], best, difference))
