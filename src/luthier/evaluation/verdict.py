"""Is the tuned model worth it? One plain sentence, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from luthier.evaluation.intervals import Difference
from luthier.language import t
from luthier.types import Report


@dataclass(frozen=True)
class Verdict:
    """worth_it: "yes" where the whole 95 % interval of the difference lies above 0, "no" where the tuned model is not
    ahead at all, "unclear" between. difference, low, high: tuned minus baseline on the main metric, positive where
    the tuned model is better."""

    worth_it: str
    sentence: str
    baseline: str
    metric: str
    difference: float
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def best_baseline(tuned: Report, baselines: Mapping[str, Report]) -> tuple[str, str]:
    """The strongest on the test split itself: the hardest to beat, so that the comparison never flatters; and the score
    by which it is: the first of the tuned model's that any of them has. A copied answer, say, has no likelihood."""
    for score in tuned.scores:
        goodness = {
            name: s.goodness for name, report in baselines.items() for s in report.scores if s.name == score.name
        }
        if goodness:
            return max(goodness, key=lambda name: goodness[name]), score.name
    raise ValueError("no baseline has a score of the tuned model's")


def judge(tuned: Report, baseline: Report, name: str, metric: str, difference: Difference) -> Verdict:
    """name: the baseline's. metric: the score that was compared."""
    worth_it = "yes" if difference.low > 0 else "no" if difference.value <= 0 else "unclear"
    facts = t(
        "{metric} {tuned:.3f} against {other:.3f} of {baseline} on {n} test rows, "
        "difference {difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f})",
        metric=metric, tuned=tuned[metric], other=baseline[metric], baseline=baseline_title(name),
        n=next(score.n for score in tuned.scores if score.name == metric),
        difference=difference.value, low=difference.low, high=difference.high,
    )  # fmt: skip
    if worth_it == "yes":
        sentence = t("Worth it: {facts}.", facts=facts)
    elif difference.high < 0:
        sentence = t("No improvement shown: {facts}. The cheaper baseline is better.", facts=facts)
    elif worth_it == "no":
        sentence = t("No improvement shown: {facts}. The cheaper baseline does as well.", facts=facts)
    else:
        sentence = t("No improvement shown: {facts}. It may be chance; more test rows would tell.", facts=facts)
    return Verdict(worth_it, sentence, name, metric, difference.value, difference.low, difference.high)


def doubted(
    verdict: Verdict, tuned: Report, baseline: Report, name: str, metric: str, difference: Difference
) -> Verdict:
    """The verdict where a baseline that its score cannot judge is ahead by another: then it is not clear that tuning
    is worth it, if that lead is sure."""
    if difference.value >= 0:
        return verdict
    said = t(
        "By {metric} {baseline} is ahead, {other:.3f} against {tuned:.3f} (95 % interval {low:+.3f} to {high:+.3f}).",
        metric=metric, baseline=baseline_title(name), other=baseline[metric], tuned=tuned[metric],
        low=difference.low, high=difference.high,
    )  # fmt: skip
    sure = verdict.worth_it == "yes" and difference.high < 0
    return replace(verdict, sentence=f"{verdict.sentence} {said}", worth_it="unclear" if sure else verdict.worth_it)


def baseline_title(name: str) -> str:
    """A baseline's name for people."""
    titles = {
        "majority": t("always the same answer"),
        "tfidf": t("counted words (TF-IDF)"),
        "embeddings": t("frozen embeddings"),
        "embeddings_text": t("frozen embeddings of the text alone"),
        "embeddings_image": t("frozen embeddings of the image alone"),
        "embeddings_audio": t("frozen embeddings of the sound alone"),
        "lead": t("the beginning of the input"),
        "untuned": t("the untuned model"),
        "bigram": t("how often each token follows another"),
        "nearest": t("the answer to the most similar training input"),
    }
    return titles.get(name, name)
