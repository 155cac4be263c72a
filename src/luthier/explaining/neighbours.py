"""The training rows that a model takes for most like an input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from luthier.caching import Cache, open_cache
from luthier.config.settings import load_settings
from luthier.errors import LuthierError, Place
from luthier.evaluation.baselines import spread, word_counter
from luthier.exporting.original import prepared_again
from luthier.graphed import Graphed
from luthier.inference.artifact import Predictor
from luthier.inference.frozen import frozen_features
from luthier.language import t
from luthier.progress import SILENT, Progress
from luthier.runfolder import CONFIG
from luthier.runtime import Runtime
from luthier.types import Example

_MOST = 5000
"""Training rows that are looked at: of more, as many spread evenly."""
EMBEDDING, WORDS = "embedding", "words"


@dataclass(frozen=True)
class Neighbour:
    """place: of the training row in its file. likeness: cosine, 1 for the same."""

    place: Place
    text: str
    answer: Any
    likeness: float

    def as_json(self) -> dict[str, Any]:
        return {**self.place.as_json(), "text": self.text, "answer": self.answer, "likeness": round(self.likeness, 4)}


class Neighbourhood:
    """The training rows of a run. by: what rows are alike in: embedding, as what the tuned model gives its last layer;
    words, for models whose answers are no reading of one vector. looked_at, of: rows that are compared, of how many.
    cache: where what the model makes of them is kept for another time."""

    def __init__(
        self, predictor: Predictor, examples: Sequence[Example[Any, Any]], screen: Progress = SILENT,
        cache: Cache | None = None,
    ) -> None:  # fmt: skip
        self._known = spread(examples, _MOST)
        self._predictor, self._screen, self._cache = predictor, screen, cache
        self.looked_at, self.of = len(self._known), len(examples)
        self.by = EMBEDDING if _has_vectors(predictor) else WORDS

    def nearest(self, inputs: Sequence[Any], count: int) -> list[list[Neighbour]]:
        """Of each input the rows that are most like it, the likest first. inputs: in the task's own form."""
        asked_ND = self._vectors(inputs)
        likeness_NK = asked_ND @ self._table_KD.T
        likeness_NK = likeness_NK.toarray() if hasattr(likeness_NK, "toarray") else np.asarray(likeness_NK)
        return [[self._told(int(k), row[k]) for k in np.argsort(-row, kind="stable")[:count]] for row in likeness_NK]

    def _told(self, k: int, likeness: float) -> Neighbour:
        task, example = self._predictor.codec.task, self._known[k]
        text, answer = task.format.plain_text(example.input), task.show_answer(example.answer)
        return Neighbour(example.place, text, answer, float(likeness))

    @cached_property
    def _table_KD(self) -> Any:
        return self._vectors([example.input for example in self._known], self._cache)

    @cached_property
    def _counter(self) -> Any:
        plain = self._predictor.codec.task.format.plain_text
        texts = [plain(example.input) for example in self._known]
        return word_counter(texts).fit(texts)

    def _vectors(self, inputs: Sequence[Any], cache: Cache | None = None) -> Any:
        """[N, D], each of length 1; sparse by words."""
        if self.by == WORDS:
            return self._counter.transform([self._predictor.codec.task.format.plain_text(input) for input in inputs])
        with self._screen.track(t("reading the training rows"), len(inputs)) as tracker:
            features = frozen_features(
                self._predictor.weights, self._predictor.codec, inputs, Runtime(self._predictor.device),
                max_tokens=self._predictor.max_tokens, keep_states=False, done=tracker.advance, cache=cache,
            )  # fmt: skip
        read = features.vectors if features.head_inputs is None else features.head_inputs
        vectors_ND = read.astype(np.float32)
        return vectors_ND / np.maximum(np.linalg.norm(vectors_ND, axis=1, keepdims=True), 1e-9)


def neighbourhood(run: Path, predictor: Predictor, screen: Progress = SILENT) -> tuple[Neighbourhood | None, str]:
    """The training rows of a run; or None, and why they cannot be had."""
    if not (run / CONFIG).is_file():
        return None, t("{run} is no run's folder: which rows it has learnt from is not known", run=run)
    try:
        rows = prepared_again(run).split.train
        cache = open_cache(load_settings(run / CONFIG).train.cache_bytes)
    except LuthierError as error:
        what = error.problems[0].what
        return None, t("the training rows cannot be read again ({what}): no nearest examples", what=what)
    return Neighbourhood(predictor, rows, screen, cache), ""


def _has_vectors(predictor: Predictor) -> bool:
    """Whether a text is one vector to the model before its last layer. A graph does not show its inside."""
    task = predictor.codec.task
    return isinstance(task, Graphed) and not predictor.is_graph and task.one_vector
