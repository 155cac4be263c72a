"""Whether runs were judged on the same rows: by what is asked and what is right, not by numbers or places."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

from luthier.comparing.answers import Answers
from luthier.errors import DataError, Place, Problem, places_text
from luthier.language import t

_MOST_NAMED = 5


def aligned(runs: Sequence[Answers]) -> list[Answers]:
    """Each run's answers in the order of the first's rows.

    Errors: DataError naming the rows of one that another was not judged on, and how to get the same.
    """
    first = runs[0]
    problems = [problem for other in runs[1:] if (problem := _differing(first, other)) is not None]
    if problems:
        raise DataError(*problems)
    wanted = _keys(first)
    return [first, *(other.reordered(_order(wanted, _keys(other))) for other in runs[1:])]


def _keys(run: Answers) -> list[Hashable]:
    return [(example.input, example.answer) for example in run.examples]


def _order(wanted: Sequence[Hashable], there: Sequence[Hashable]) -> list[int]:
    """Of each wanted row its place in `there`; rows that are wholly alike are taken in order."""
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, key in enumerate(there):
        places[key].append(place)
    following = {key: iter(found) for key, found in places.items()}
    return [next(following[key]) for key in wanted]


def _differing(first: Answers, other: Answers) -> Problem | None:
    ours, theirs = Counter(_keys(first)), Counter(_keys(other))
    if ours == theirs:
        return None
    what = t("is judged on other rows than {first}: {missing} of its {rows} are not among the {others} there "
             "({places})", first=first.run, rows=len(other.examples), others=len(first.examples),
             **_missing(other, theirs - ours))  # fmt: skip
    if not theirs - ours:
        what = t("is judged on fewer rows than {first}: {missing} of the {others} there are missing ({places})",
                 first=first.run, others=len(first.examples), **_missing(first, ours - theirs))  # fmt: skip
    learnt = sum(example.input in first.trained_on for example in other.examples)
    if learnt:
        what += "; " + t("{first} has learnt from {count} of them", first=first.run, count=learnt)
    return Problem(Place(str(other.run)), what, _fix(first), "other-rows")


def _fix(first: Answers) -> str:
    how = first.report.get("split", {})
    if "folds" in first.report:
        return t("train it in the same folds, with data.split.folds={folds} data.split.seed={seed}; or judge all on "
                 "rows that none of them has learnt from: luthier compare … --data FILE", folds=how["folds"],
                 seed=how["seed"])  # fmt: skip
    return t("train it on the same split, with data.split.from={first}; or judge all on rows that none of them has "
             "learnt from: luthier compare … --data FILE", first=first.run)  # fmt: skip


def _missing(run: Answers, keys: Counter[Hashable]) -> dict[str, object]:
    """How many of a run's rows these are, and where the first of them stand."""
    places: list[Place] = []
    left = Counter(keys)
    for example in run.examples:
        key = (example.input, example.answer)
        if left[key] > 0:
            left[key] -= 1
            places.append(example.place)
    return {"missing": len(places), "places": places_text(places, _MOST_NAMED)}
