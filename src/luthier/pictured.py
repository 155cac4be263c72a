"""What a run keeps of its training data, made at its end; and the same of other data, to be held against it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from luthier.evaluation.elsewhere.noted import traits_of
from luthier.evaluation.elsewhere.portrait import FILE, portray, vectors_kept
from luthier.inference.artifact import Predictor
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress
from luthier.types import Example

Examples = Sequence[Example[Any, Any]]
_MOST_ASKED = 1000
"""Rows of which it is kept what the model says."""


def keep_portrait(
    folder: Path, predictor: Predictor, prepared: Prepared, judged: Examples, predictions: Sequence[Any], seed: int,
    screen: Progress,
) -> None:  # fmt: skip
    """Writes it into the run's folder. The vectors are of rows that moved no weight: those of training rows lie apart
    from all others for no better reason than that the model has learnt them. predictions: for the rows on which the run
    was judged, so that nothing is asked twice."""
    held = held_rows(prepared)
    vectors = sample_vectors(predictor, held, seed, screen)
    key = secrets.token_bytes(16)
    portrait = portray(predictor.codec, prepared.split.train, held, vectors, seed, key)
    known = {id(example): said for example, said in zip(judged, predictions, strict=True)}
    asked = [example for example in held if id(example) in known]
    if not asked:  # judged on rows of another file
        asked = [held[i] for i in _drawn(len(held), _MOST_ASKED, seed)]
        writes = predictor.codec.task.speaks_untuned  # of what is written nothing is kept
        known = {} if writes else {id(e): said for e, said in zip(asked, predictor.answers(asked), strict=True)}
    asked = [asked[i] for i in _drawn(len(asked), _MOST_ASKED, seed)]
    inputs, said = [example.input for example in asked], [known[id(example)] for example in asked] if known else ()
    replace(portrait, held=traits_of(predictor.codec, inputs, said, portrait, key)).save(folder / FILE)


def _drawn(rows: int, most: int, seed: int) -> list[int]:
    """Numbers of some rows, drawn at random, in their order."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most]).tolist()


def held_rows(prepared: Prepared) -> Examples:
    """Rows like those of training that were not trained on: those of validation, and of the test where it was drawn
    from the same rows by chance. Training rows where there are none."""
    split, how = prepared.split, prepared.how
    drawn = how.by in ("random", "group") and bool(how.test or how.folds)
    return [*split.validation, *(split.test if drawn else ())] or split.train


def sample_vectors(predictor: Predictor, examples: Examples, seed: int, screen: Progress) -> np.ndarray | None:
    """float32 [S, D]: what the model's body makes of a sample of the rows, before the head; None where it makes
    none."""
    if not examples or not predictor.makes_vectors:
        return None
    rows = _drawn(len(examples), most_vectors(predictor), seed)
    return vectors_of(predictor, predictor.codec.task.questions([examples[i] for i in rows]), screen)


def most_vectors(predictor: Predictor) -> int:
    """How many are looked at."""
    return vectors_kept(int(predictor.weights.get_input_embeddings().weight.shape[-1]))


def vectors_of(predictor: Predictor, inputs: Sequence[Any], screen: Progress) -> np.ndarray:
    """float32 [N, D]: what the body of a model that makes vectors makes of inputs, before the head."""
    from luthier.inference.frozen import frozen_features
    from luthier.runtime import Runtime

    with screen.track(t("looking at rows with the tuned model"), len(inputs)) as tracker:
        return frozen_features(
            predictor.weights, predictor.codec, inputs, Runtime(predictor.device), max_tokens=predictor.max_tokens,
            keep_states=False, done=tracker.advance,
        ).vectors  # fmt: skip
