"""The rows of all folds, each as the model said that did not learn from it, and what the baselines say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from luthier import catalog
from luthier.codec import Codec
from luthier.config.settings import load_settings
from luthier.evaluation.baselines import Baseline, sample
from luthier.inference.artifact import load_artifact
from luthier.inference.frozen import Features, frozen_features
from luthier.language import t
from luthier.models.find import find_model
from luthier.models.load import load_model
from luthier.preparing.prepare import Prepared
from luthier.probing import Frozen
from luthier.progress import SILENT, Progress
from luthier.runfolder import CONFIG
from luthier.runtime import Runtime
from luthier.task import AnyTask
from luthier.trial import Trial, hold_trial, run_baselines
from luthier.types import PARTS, Example


@dataclass(frozen=True)
class Pooled:
    """In the order of the file. folds: of each row the fold that tested it, from 1."""

    task: AnyTask
    examples: Sequence[Example[Any, Any]]
    predictions: Sequence[Any]
    folds: Sequence[int]
    trial: Trial


def pool(prepared: Sequence[Prepared], folders: Sequence[Path], runtime: Runtime, screen: Progress) -> Pooled:
    """prepared, folders: of each fold. What the finished folds said is worked out again from their models, so that a
    resume needs nothing else; the baselines are fitted to each fold's training rows."""
    settings = load_settings(folders[0] / CONFIG)
    max_tokens = int(settings.train.max_tokens)
    rows = {_key(e): e for name in PARTS for e in prepared[0].split.part(name)}
    vectors = _untuned(folders[0], list(rows.values()), runtime, max_tokens, screen)
    vector_of = dict(zip(rows, vectors, strict=True))
    tested: list[tuple[Example[Any, Any], int]] = []
    predictions: list[Any] = []
    baselines: dict[str, list[Any]] = {}
    with screen.track(t("testing"), len(rows)) as tracker:
        for number, (fold, folder) in enumerate(zip(prepared, folders, strict=True), 1):
            predictor = load_artifact(folder / "model", runtime.device)
            predictions += predictor.raw([example.input for example in fold.split.test], tracker.advance)
            tested += [(example, number) for example in fold.split.test]
            for made in _baselines(predictor.codec.task, fold, vector_of, settings.train.seed):
                baselines.setdefault(made.name, []).extend(made.predictions)
    task = Codec.load(folders[0] / "model", catalog.task).task
    order = sorted(range(len(tested)), key=lambda i: tested[i][0].row)
    examples = [tested[i][0] for i in order]
    said = [predictions[i] for i in order]
    ordered = [Baseline(name, [made[i] for i in order]) for name, made in baselines.items()]
    trial = hold_trial(task, "test", examples, said, ordered, seed=settings.train.seed)
    return Pooled(task, examples, said, [tested[i][1] for i in order], trial)


def _key(example: Example[Any, Any]) -> tuple[str, int]:
    return example.place.file, example.row


def _untuned(
    folder: Path, examples: Sequence[Example[Any, Any]], runtime: Runtime, max_tokens: int, screen: Progress
) -> Sequence[Any]:
    """The untuned model's vectors of all rows: one pass for all folds. Inputs are cut as in the first fold."""
    settings = load_settings(folder / CONFIG)
    codec = Codec.load(folder / "model", catalog.task)
    untuned = load_model(
        find_model(settings.model).folder, codec.task.auto_class, codec.task.head_options(),
        seed=settings.train.seed, device=runtime.device,
    ).model  # fmt: skip
    with screen.track(t("looking at the data with the untuned model"), len(examples)) as tracker:
        found = frozen_features(
            untuned, codec, [example.input for example in examples], runtime,
            max_tokens=max_tokens, keep_states=False, done=tracker.advance,
        )  # fmt: skip
    return list(found.vectors)


def _baselines(task: AnyTask, fold: Prepared, vector_of: dict[tuple[str, int], Any], seed: int) -> list[Baseline]:
    def features(examples: Sequence[Example[Any, Any]]) -> Features:
        return Features(np.stack([vector_of[_key(example)] for example in examples]), None, ())

    train = sample(fold.split.train, seed)
    validation = features(fold.split.validation) if fold.split.validation else None
    frozen = Frozen(train, features(train), validation, features(fold.split.test))
    return run_baselines(task, fold.split, frozen, seed=seed, screen=SILENT)
