"""What is a leak worth? The same predictions, scored with and without the rows that training has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from luthier.evaluation.baselines import sample, tfidf
from luthier.evaluation.evaluate import evaluate
from luthier.formats.format import AnyFormat, stratum_text
from luthier.language import t
from luthier.task import AnyTask
from luthier.text.shingling.near import near_rows
from luthier.types import Example
from luthier.whole_text import WholeText

MOST_ROWS = 200_000
"""Beyond, near-duplicates are not looked for here: that would take longer than the answer is worth."""

Examples = Sequence[Example[Any, Any]]


@dataclass(frozen=True)
class Leak:
    """rows: that are judged. exact, near: how many of them stand in training too, or differ from a row there in little
    more than a word. score: its name. everywhere, unseen: its value on all rows, and on those that training has not.

    would: in a plain random split, judged by TF-IDF, instead of the run's own. untaught: then the score on all rows
    when their copies are taken out of training. The same rows are judged both times: to drop them from the test
    compares with other rows, and copies are often of the rarer, harder class (in sms_spam the score then rises).
    """

    rows: int
    exact: int
    near: int
    score: str
    everywhere: float
    unseen: float
    would: bool
    untaught: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "sentence": str(self)}

    def __str__(self) -> str:
        values = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in asdict(self).items()}
        if self.would and self.untaught is not None:
            return t("in a plain random split {exact} of {rows} test rows would stand in training too and {near} more "
                     "nearly so: the TF-IDF baseline would score {score} {everywhere} on all test rows, {untaught} "
                     "with their copies taken out of training, {unseen} on the other rows alone",
                     **values)  # fmt: skip
        if self.would:
            return t("in a plain random split {exact} of {rows} test rows would stand in training too and {near} more "
                     "nearly so: the TF-IDF baseline would score {score} {everywhere}, without them {unseen}",
                     **values)  # fmt: skip
        return t("{exact} of {rows} judged rows stand in training too and {near} more nearly so: {score} {everywhere}, "
                 "without them {unseen}", **values)  # fmt: skip


def leak_worth(task: AnyTask, examples: Examples, seed: int, share: float) -> Leak | None:
    """Of a split at random that tears copies apart, as Luthier's own does not. share: of the test. None where nothing
    would leak, where there are too many rows to tell soon, or where counted words can give no answer."""
    from sklearn.model_selection import train_test_split

    if len(examples) > MOST_ROWS or not isinstance(task, WholeText):
        return None
    numbers = np.arange(len(examples))
    strata = [stratum_text(task.format.stratum(example.answer)) for example in examples]
    try:
        parts = train_test_split(numbers, test_size=share, random_state=seed, stratify=strata)
    except ValueError:  # a class with a single row
        parts = train_test_split(numbers, test_size=share, random_state=seed)
    train, judged = ([examples[int(i)] for i in np.sort(part)] for part in parts)
    learnt = sample(train, seed)
    exact, near = seen_before(task.format, learnt, judged)
    if not exact.any() and not near.any():
        return None
    task = task.learn(learnt)
    predictions = tfidf(task, learnt, (), judged, seed)
    leak = leak_of(task, judged, predictions, exact, near, seed, would=True)
    if leak is None:
        return None
    copies = np.logical_or(*seen_before(task.format, judged, learnt))
    clean = [example for example, copy in zip(learnt, copies, strict=True) if not copy]
    if len({example.answer for example in clean}) < 2:
        return leak
    predictions = tfidf(task, clean, (), judged, seed)
    report = evaluate(task, predictions, [example.answer for example in judged], seed=seed, intervals=False)
    return replace(leak, untaught=report[leak.score])


def given_leak(task: AnyTask, train: Examples, judged: Examples, predictions: Sequence[Any], seed: int) -> Leak | None:
    """Of parts as the user gave them. predictions: the run's own, of the judged rows. None where nothing leaks."""
    exact, near = seen_before(task.format, train, judged)
    return leak_of(task, judged, predictions, exact, near, seed, would=False)


def leak_of(
    task: AnyTask, judged: Examples, predictions: Sequence[Any], exact: np.ndarray, near: np.ndarray, seed: int,
    *, would: bool,
) -> Leak | None:  # fmt: skip
    """exact, near: bool [N]. The score is the accuracy where the task has one, else its main score. None where no row
    leaks, or where all of them do."""
    unseen: list[int] = np.flatnonzero(~exact & ~near).tolist()
    if not 0 < len(unseen) < len(judged):
        return None
    values: list[float] = []
    name = ""
    for rows in (list(range(len(judged))), unseen):
        answers = [judged[i].answer for i in rows]
        report = evaluate(task, [predictions[i] for i in rows], answers, seed=seed, intervals=False)
        chosen = next((score for score in report.scores if score.name == (name or "accuracy")), report.main)
        name = chosen.name
        values.append(chosen.value)
    return Leak(len(judged), int(exact.sum()), int(near.sum()), name, values[0], values[1], would)


def seen_before(layout: AnyFormat, train: Examples, judged: Examples) -> tuple[np.ndarray, np.ndarray]:
    """bool [N] each: judged rows that equal a training row, and others that nearly do and have its class."""
    known = {example.input for example in train}
    exact = np.array([example.input in known for example in judged], bool)
    near = np.zeros(len(judged), bool)
    if layout.texts_are_all and len(train) + len(judged) <= MOST_ROWS:
        rows = [*train, *judged]
        for i, j in near_rows([layout.texts(example.input) for example in rows]).tolist():
            if i < len(train) <= j and layout.stratum(rows[i].answer) == layout.stratum(rows[j].answer):
                near[j - len(train)] = True
    return exact, near & ~exact
