"""What a run keeps of its training data, made at its end; and the same of other data, to be held against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from luthier.evaluation.elsewhere.portrait import FILE, portray, vectors_kept
from luthier.inference.artifact import Predictor
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress
from luthier.types import Example

Examples = Sequence[Example[Any, Any]]


def keep_portrait(folder: Path, predictor: Predictor, prepared: Prepared, seed: int, screen: Progress) -> None:
    """Writes it into the run's folder. The vectors are of rows that moved no weight: those of training rows lie apart
    from all others for no better reason than that the model has learnt them."""
    held = held_rows(prepared)
    vectors = sample_vectors(predictor, held, seed, screen)
    portray(predictor.codec, prepared.split.train, held, vectors, seed).save(folder / FILE)


def held_rows(prepared: Prepared) -> Examples:
    """Rows like those of training that were not trained on: those of validation, and of the test where it was drawn
    from the same rows by chance. Training rows where there are none."""
    split, how = prepared.split, prepared.how
    drawn = how.by in ("random", "group") and bool(how.test or how.folds)
    return [*split.validation, *(split.test if drawn else ())] or split.train


def sample_vectors(predictor: Predictor, examples: Examples, seed: int, screen: Progress) -> np.ndarray | None:
    """float32 [S, D]: what the model's body makes of a sample of the rows, before the head; None for a model that
    writes, has virtual tokens before its input, or is exported as a graph, whose inside is not to be seen."""
    if predictor.is_graph:
        return None
    model, codec = predictor.weights, predictor.codec
    task = codec.task
    if not task.fits_untuned or task.speaks_untuned or hasattr(model, "peft_config") or not examples:
        return None
    width = int(model.get_input_embeddings().weight.shape[-1])
    rows = np.sort(np.random.default_rng(seed).permutation(len(examples))[: vectors_kept(width)])
    inputs = task.questions([examples[i] for i in rows])
    from luthier.inference.frozen import frozen_features
    from luthier.runtime import Runtime

    with screen.track(t("looking at rows with the tuned model"), len(inputs)) as tracker:
        return frozen_features(
            model, codec, inputs, Runtime(predictor.device), max_tokens=predictor.max_tokens, keep_states=False,
            done=tracker.advance,
        ).vectors  # fmt: skip
