"""What is left of a score when the same rows are written otherwise."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from luthier.augmenting.method import Change
from luthier.evaluation.evaluate import LOWER_IS_BETTER, resampled
from luthier.evaluation.intervals import Difference, interval, paired_difference
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.task import AnyTask
from luthier.types import Example, Mistake, Score

MOST_ROWS = 1000
_FEWEST = 5
_EXAMPLES = 3
_LONGEST = 300
_ALIKE = 0.5
"""Of an entity and of what it became: less is another piece of the text."""

Examples = Sequence[Example[Any, Any]]


@dataclass(frozen=True)
class Flip:
    """An answer that changed. answer: the right one."""

    line: int | None
    before: str
    after: str
    answer: str
    said: str
    now: str


@dataclass(frozen=True)
class Perturbed:
    """rows: those that a perturbation changes; on them both scores are. drop: of the goodness, positive where it got
    worse. changed: share of the answers that became another; broken, mended: share that became wrong, and right; None
    where the task does not tell right from wrong. left_out: why nothing was measured, or ""."""

    name: str
    rows: int
    before: Score | None = None
    after: Score | None = None
    drop: Difference | None = None
    changed: float | None = None
    broken: float | None = None
    mended: float | None = None
    flips: Sequence[Flip] = ()
    left_out: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            **vars(self),
            "before": self.before.as_json() if self.before else None,
            "after": self.after.as_json() if self.after else None,
            "drop": dict(vars(self.drop)) if self.drop else None,
            "flips": [dict(vars(flip)) for flip in self.flips],
        }


def robustness(
    task: AnyTask, examples: Examples, predictions: Sequence[Any], answer: Callable[[Examples], Sequence[Any]],
    changes: Mapping[str, Change], *, seed: int, done: Callable[[int], None] = lambda count: None,
) -> list[Perturbed]:  # fmt: skip
    """answer: asks the model. changes: perturbations by name. done: is told after each of them."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(examples))[:MOST_ROWS]).tolist()
    some, said = [examples[i] for i in rows], [predictions[i] for i in rows]
    found: list[Perturbed] = []
    for name, change in changes.items():
        found.append(_perturbed(task, some, said, answer, name, change, seed))
        done(1)
    return found


def changed_example(
    layout: AnyFormat, example: Example[Any, Any], change: Callable[[str], str]
) -> Example[Any, Any] | None:
    """With its input's texts changed, and with what points into them moved. An answer that is a text of its own stays
    as it is. None where an entity, or a place, did not follow."""
    input = layout.map_texts(example.input, change)
    if not layout.answers_are_places:
        return replace(example, input=input)
    answer = layout.map_answer(example.answer, change, example.input, input)
    old, new = (_pieces(layout, *pair) for pair in ((example.input, example.answer), (input, answer)))
    follows = len(old) == len(new) and all(map(_is_same, old, new))
    return replace(example, input=input, answer=answer) if follows else None


def _pieces(layout: AnyFormat, input: Any, answer: Any) -> list[str]:
    text = layout.whole_text(input, answer)
    return [text[start:end] for start, end in layout.answer_spans(input, answer)]


def _is_same(old: str, new: str) -> bool:
    one, other = (unicodedata.normalize("NFKC", piece).casefold() for piece in (old, new))
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE


def _perturbed(
    task: AnyTask, examples: Examples, said: Sequence[Any], answer: Callable[[Examples], Sequence[Any]], name: str,
    change: Change, seed: int,
) -> Perturbed:  # fmt: skip
    layout = task.format
    touched: list[tuple[int, Example[Any, Any]]] = []
    lost = 0
    for i, example in enumerate(examples):
        made = changed_example(layout, example, _drawn(change, (seed, zlib.crc32(name.encode()), example.row, i)))
        if made is None:
            lost += 1
        elif made.input != example.input:
            touched.append((i, made))
    if lost > len(touched):
        why = t("left out: in {lost} rows what the answer points to could not be followed", lost=lost)
        return Perturbed(name, len(touched), left_out=why)
    if len(touched) < _FEWEST:
        why = t("left out: it changes {rows} of {all} rows", rows=len(touched), all=len(examples))
        return Perturbed(name, len(touched), left_out=why)
    before = [said[i] for i, _ in touched]
    after = list(answer([made for _, made in touched]))
    return _measured(task, [examples[i] for i, _ in touched], [made for _, made in touched], before, after, name, seed)


def _drawn(change: Change, draw: tuple[int, ...]) -> Callable[[str], str]:
    """A text becomes the same wherever it stands in a row."""

    def changed(text: str) -> str:
        return change(text, np.random.default_rng((*draw, zlib.crc32(text.encode("utf-8", "surrogatepass")))))

    return changed


def _measured(
    task: AnyTask, old: Examples, new: Examples, before: Sequence[Any], after: Sequence[Any], name: str, seed: int
) -> Perturbed:
    first = resampled(task, before, [example.answer for example in old], seed=seed)
    second = resampled(task, after, [example.answer for example in new], seed=seed)
    metric = "accuracy" if "accuracy" in first.values else next(iter(first.values))
    higher = metric not in LOWER_IS_BETTER
    drop = paired_difference(first, second, metric, higher_is_better=higher)
    scores = [
        Score(metric, found.values[metric], len(old), *interval(found.resampled[metric]), higher_is_better=higher)
        for found in (first, second)
    ]
    plain = Perturbed(name, len(old), scores[0], scores[1], drop)
    was = [task.mistake(said, example.answer) for said, example in zip(before, old, strict=True)]
    now = [task.mistake(said, example.answer) for said, example in zip(after, new, strict=True)]
    if not task.class_names() and not any(was) and not any(now):
        return plain  # a task that does not tell right from wrong
    return _with_flips(plain, task, old, new, was, now)


def _with_flips(
    measured: Perturbed, task: AnyTask, old: Examples, new: Examples, was: Sequence[Mistake | None],
    now: Sequence[Mistake | None],
) -> Perturbed:  # fmt: skip
    """was, now: what is wrong with each answer. Where answers are places, another one in another text is no change."""
    pairs = list(zip(was, now, strict=True))
    broken = [one is None and other is not None for one, other in pairs]
    mended = [one is not None and other is None for one, other in pairs]
    said = [tuple("" if mistake is None else mistake.said for mistake in pair) for pair in pairs]
    places = task.format.answers_are_places
    differs = [
        worse or better or (not places and first != then)
        for worse, better, (first, then) in zip(broken, mended, said, strict=True)
    ]
    flips: list[Flip] = []
    for i in sorted(np.flatnonzero(differs).tolist(), key=lambda i: (not broken[i], i))[:_EXAMPLES]:
        right = str(task.show_answer(old[i].answer))
        text, changed_text = (_cut(task.format.plain_text(example.input)) for example in (old[i], new[i]))
        first, then = (each or right for each in said[i])
        flips.append(Flip(old[i].place.line, text, changed_text, right, first, then))
    changed, worse, better = (float(np.mean(part)) for part in (differs, broken, mended))
    return replace(measured, changed=changed, broken=worse, mended=better, flips=flips)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
