"""Which unlabelled rows should be labelled next? Every row is answered; those on which the run is undecided are kept,
and of these a batch is drawn whose rows differ from each other and from what is labelled already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from luthier.choosing.batch import choose_batch, margins
from luthier.choosing.likeness import Known, Likeness
from luthier.config.schema import DataSettings
from luthier.config.settings import load_settings
from luthier.errors import ConfigError, LuthierError, Place, Problem, shown
from luthier.extras import require
from luthier.inference.artifact import Predictor, load_artifact
from luthier.inference.frozen import frozen_features
from luthier.inference.stream import answer
from luthier.language import t
from luthier.preparing.again import read_inputs, read_placed
from luthier.progress import SILENT, Progress, Tracker
from luthier.reading.open import Named, named_parts
from luthier.runfolder import CONFIG
from luthier.runtime import Runtime
from luthier.types import PARTS

_LEAST_POOL, _POOL_FACTOR = 2000, 20
_MOST_CHARACTERS = 50_000_000
"""In the texts of the pool: of long documents fewer are kept."""
_SURE = 0.5
"""A larger lead of the first class over the second is no indecision: such a row is named for being different."""


def pool_size(count: int) -> int:
    """How many of the most undecided rows a batch is drawn from."""
    return max(_LEAST_POOL, _POOL_FACTOR * count)


@dataclass(frozen=True)
class Suggestion:
    """A row to label. answer: what the run would say, in the shape of `predict`. lead: of its likeliest class over the
    second, 0 to 1. reason: why it is named."""

    place: Place
    input: Any
    text: str
    answer: Any
    lead: float
    reason: str

    def as_json(self) -> dict[str, Any]:
        said = self.answer if isinstance(self.answer, dict) else {"prediction": self.answer}
        return {**self.place.as_json(), "text": self.text, **said, "lead": self.lead, "reason": self.reason}


@dataclass(frozen=True)
class Suggestions:
    """rows: in the order in which they should be labelled. columns: the run's names of its columns to the file's.

    seen: rows that were answered. known: of them those whose text is labelled already. repeated: those whose text
    stood there before. bad: those that could not be read.
    """

    rows: Sequence[Suggestion]
    columns: dict[str, str]
    seen: int
    known: int
    repeated: int
    bad: Sequence[Problem]
    notes: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": [row.as_json() for row in self.rows],
            "seen": self.seen,
            "known": self.known,
            "repeated": self.repeated,
            "unreadable": len(self.bad),
            "notes": list(self.notes),
        }


def suggest(
    run: Path, unlabelled: Named, *, count: int = 100, seed: int = 42, how: DataSettings | None = None,
    screen: Progress = SILENT,
) -> Suggestions:  # fmt: skip
    """run: a run's folder or a model folder. unlabelled: files of texts; read row by row, of any length. how: to read
    it. Errors: ModelError, DataError, ConfigError for a task whose answers are no classes."""
    require("torch", "transformers")
    predictor = load_artifact(run)
    _ = predictor.weights  # before any row is read
    known, notes = _labelled(run, predictor, screen)
    pool = _Pool(pool_size(count), known)
    rows = read_placed(unlabelled, predictor.codec, how or DataSettings())
    with screen.track(t("predicting"), float("inf")) as tracker:
        pool.fill(predictor, rows, tracker)
    chosen = _choose(predictor, pool, known, count, seed) if pool.rows else []
    found = [_suggestion(predictor, *pool.rows[i]) for i in chosen]
    return Suggestions(
        found, dict(predictor.codec.columns), pool.seen, pool.known, pool.repeated, tuple(pool.bad), notes
    )


def _labelled(run: Path, predictor: Predictor, screen: Progress) -> tuple[Known, list[str]]:
    """The texts that the run was trained, validated and tested on, as far as its files are still there."""
    known, codec = Known(), predictor.codec
    notes: list[str] = []
    if (run / CONFIG).is_file():
        data = load_settings(run / CONFIG).data
    else:
        data = DataSettings()
        notes.append(t("{run} is no run's folder: what it was trained on is not known, and not left out", run=run))
    for named in filter(None, (*(getattr(data, name) for name in PARTS), [*data.mix])):
        try:
            for files in named_parts(named).names.values():
                for item in read_inputs(files, codec, data):
                    if not isinstance(item, Problem):
                        known.add(codec.task.format.plain_text(item))
        except LuthierError as error:
            what, file = error.problems[0].what, named if isinstance(named, str) else ", ".join(named)
            notes.append(t("{file} cannot be read ({what}): its rows are not left out", file=file, what=what))
    for note in notes:
        screen.warn(note)
    return known, notes


class _Pool:
    """The most undecided rows so far, with what the run says of them. rows: (place, input, prediction, lead)."""

    def __init__(self, size: int, known: Known) -> None:
        self.rows: list[tuple[Place, Any, Any, float]] = []
        self.seen = self.known = self.repeated = 0
        self.bad: list[Problem] = []
        self._size, self._labelled, self._met = size, known, Known(keep_texts=False)

    def fill(self, predictor: Predictor, rows: Iterator[Any], tracker: Tracker) -> None:
        task, places = predictor.codec.task, []
        inputs = self._inputs(predictor, rows, places)
        for number, (item, prediction) in enumerate(answer(predictor, inputs, tracker.advance)):
            probabilities_C = task.probabilities(prediction)
            if probabilities_C is None:
                what = t("{task} has no classes to be undecided between", task=task.name)
                fix = t("suggest works for runs that choose one of several classes")
                raise ConfigError.at("task", what, fix, code="conflict")
            lead = float(margins(probabilities_C[None])[0])
            self.rows.append((places[number], item, prediction, lead))
            places[number] = None  # a million places would be held otherwise
            if len(self.rows) >= 2 * self._size:
                self._prune(predictor)
        self._prune(predictor)

    def _inputs(self, predictor: Predictor, rows: Iterator[Any], places: list[Any]) -> Iterator[Any]:
        """The inputs that may be named, each text once."""
        plain = predictor.codec.task.format.plain_text
        for row in rows:
            if isinstance(row, Problem):
                self.bad.append(row)
                continue
            place, item = row
            text = plain(item)
            self.seen += 1
            if text in self._labelled:
                self.known += 1
            elif text in self._met:
                self.repeated += 1
            else:
                self._met.add(text)
                places.append(place)
                yield item

    def _prune(self, predictor: Predictor) -> None:
        plain = predictor.codec.task.format.plain_text
        self.rows.sort(key=lambda row: row[3])  # stable: of equals the earlier rows stay
        del self.rows[self._size :]
        characters = np.cumsum([len(plain(row[1])) for row in self.rows])
        del self.rows[max(1, int(np.searchsorted(characters, _MOST_CHARACTERS))) :]


def _choose(predictor: Predictor, pool: _Pool, known: Known, count: int, seed: int) -> list[int]:
    task = predictor.codec.task
    inputs = [row[1] for row in pool.rows]
    features = frozen_features(
        predictor.weights, predictor.codec, inputs, Runtime(predictor.device), max_tokens=predictor.max_tokens,
        keep_states=False,
    )  # fmt: skip
    read = features.vectors if features.head_inputs is None else features.head_inputs
    probabilities_NC = np.stack([np.asarray(task.probabilities(row[2])) for row in pool.rows])
    likeness = Likeness([task.format.plain_text(item) for item in inputs], known.texts)
    return choose_batch(probabilities_NC, read, count, seed, likeness.is_near)


def _suggestion(predictor: Predictor, place: Place, item: Any, prediction: Any, lead: float) -> Suggestion:
    task = predictor.codec.task
    first, second = task.show(prediction, 2)
    names = {"first": shown(first["label"]), "p": first["score"], "second": shown(second["label"]),
             "q": second["score"]}  # fmt: skip
    if lead > _SURE:
        reason = t("rather sure of {first} ({p:.2f}), but unlike the other rows", **names)
    else:
        reason = t("undecided between {first} ({p:.2f}) and {second} ({q:.2f})", **names)
    return Suggestion(place, item, task.format.plain_text(item), task.show(prediction), lead, reason)
