"""What each part of an input adds: the same model asked again with a part taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier.evaluation.evaluate import report_of, resampled
from luthier.evaluation.intervals import Difference, paired_difference
from luthier.language import t
from luthier.task import AnyTask
from luthier.types import Example, Score

Examples = Sequence[Example[Any, Any]]


@dataclass(frozen=True)
class Alone:
    """part: what was left of the inputs. gain: of the whole over it, on the main score, positive where more is
    better."""

    part: str
    scores: tuple[Score, ...]
    gain: Difference


@dataclass(frozen=True)
class Parts:
    """rows: those that have all parts. together: scores of the whole inputs on these."""

    rows: int
    together: tuple[Score, ...]
    alone: Sequence[Alone]

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "together": [score.as_json() for score in self.together],
            "alone": [
                {
                    "part": one.part,
                    "scores": [score.as_json() for score in one.scores],
                    "gain": {"value": one.gain.value, "low": one.gain.low, "high": one.gain.high},
                }
                for one in self.alone
            ],
        }


def parts_of(
    task: AnyTask, examples: Examples, predictions: Sequence[Any],
    answer: Callable[[Examples], Sequence[Any]], seed: int,
) -> Parts | None:  # fmt: skip
    """predictions: of the whole inputs. answer: asks the model. None for a task whose inputs have no parts, and where
    no row has all of them."""
    less = [task.without(example.input) for example in examples]
    rows = [i for i, example in enumerate(examples) if less[i] and all(v != example.input for v in less[i].values())]
    if not rows:
        return None
    answers = [examples[i].answer for i in rows]
    whole = resampled(task, [predictions[i] for i in rows], answers, seed=seed)
    together = report_of(whole, answers)
    alone: list[Alone] = []
    for part in less[rows[0]]:
        said = answer([replace(examples[i], input=less[i][part]) for i in rows])
        found = resampled(task, said, answers, seed=seed)
        main = together.main
        gain = paired_difference(whole, found, main.name, higher_is_better=main.higher_is_better)
        alone.append(Alone(part, report_of(found, said).scores, gain))
    return Parts(len(rows), together.scores, alone)


def part_title(part: str) -> str:
    """A part's name for people."""
    titles = {"text": t("text alone"), "image": t("image alone"), "audio": t("sound alone")}
    return titles.get(part, part)
