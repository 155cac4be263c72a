"""The rows of all folds, each as the model said that did not learn from it, and what the baselines say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from luthier import catalog
from luthier.codec import Codec
from luthier.config.schema import Settings
from luthier.config.settings import load_settings
from luthier.evaluation.baselines import Baseline, sample
from luthier.inference.artifact import load_artifact
from luthier.inference.frozen import frozen_features
from luthier.language import t
from luthier.models.find import find_model
from luthier.models.load import pad_alike
from luthier.preparing.prepare import Prepared
from luthier.progress import SILENT, Progress
from luthier.runfolder import CONFIG
from luthier.runtime import Runtime
from luthier.seen import Features, Frozen, Seen
from luthier.task import AnyTask
from luthier.trial import Trial, hold_trial, run_baselines
from luthier.types import PARTS, Example
from luthier.whole_text import WholeText


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
    rows = [e for name in PARTS for e in prepared[0].split.part(name)]
    asked = list(dict.fromkeys(prepared[0].task.questions(rows)))
    untuned = _untuned(folders[0], prepared[0].task, asked, runtime, max_tokens, screen)
    row_of = {question: i for i, question in enumerate(asked)}
    tested: list[tuple[Example[Any, Any], int]] = []
    predictions: list[Any] = []
    baselines: dict[str, list[Any]] = {}
    with screen.track(t("testing"), len(rows)) as tracker:
        for number, (fold, folder) in enumerate(zip(prepared, folders, strict=True), 1):
            predictor = load_artifact(folder / "model", runtime.device)
            predictions += predictor.answers(fold.split.test, tracker.advance)
            tested += [(example, number) for example in fold.split.test]
            for made in _baselines(predictor.codec.task, fold, untuned, row_of, settings):
                baselines.setdefault(made.name, []).extend(made.predictions)
    task = Codec.load(folders[0] / "model", catalog.task).task
    order = sorted(range(len(tested)), key=lambda i: tested[i][0].row)
    examples = [tested[i][0] for i in order]
    said = [predictions[i] for i in order]
    ordered = [Baseline(name, [made[i] for i in order]) for name, made in baselines.items()]
    trial = hold_trial(task, "test", examples, said, ordered, seed=settings.train.seed)
    return Pooled(task, examples, said, [tested[i][1] for i in order], trial)


def _untuned(
    folder: Path, task: AnyTask, asked: Sequence[Any], runtime: Runtime, max_tokens: int, screen: Progress
) -> Features:
    """What the untuned model makes of all that is asked: one pass for all folds. Inputs are cut as in the first.
    task: as it was before any tuning."""
    settings = load_settings(folder / CONFIG)
    source = find_model(settings.model, weights=settings.pretrained).folder
    codec = replace(Codec.load(folder / "model", catalog.task), task=task.fitted(source)[0])
    loaded = codec.task.load_model(source, seed=settings.train.seed, device=runtime.device)
    pad_alike(loaded, codec.text.pad_id)
    keep = codec.task.fits_untuned and not isinstance(codec.task, WholeText)
    with screen.track(t("looking at the data with the untuned model"), len(asked)) as tracker:
        return frozen_features(
            loaded.model, codec, asked, runtime, max_tokens=max_tokens, keep_states=keep, apart=True,
            done=tracker.advance,
        )  # fmt: skip


def _baselines(
    task: AnyTask, fold: Prepared, untuned: Features, row_of: dict[Any, int], settings: Settings
) -> list[Baseline]:
    def seen(examples: Sequence[Example[Any, Any]]) -> Seen[Any, Any]:
        return Seen(examples, untuned.rows([row_of[question] for question in task.questions(examples)]))

    validation = seen(fold.split.validation) if fold.split.validation else None
    seed = settings.train.seed
    frozen = Frozen(seen(sample(fold.split.train, seed)), validation, seen(fold.split.test))
    return run_baselines(task, frozen, seed=seed, screen=SILENT, pretrained=settings.pretrained)
