"""Text augmentation in a run: refused where it has no meaning, and tried on frozen features before it is paid for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedModel

from luthier import catalog
from luthier.augmenting.method import Method, Setting
from luthier.codec import Codec
from luthier.config.schema import Settings
from luthier.data.split import Split
from luthier.evaluation.baselines import VECTOR_STRENGTHS, Examples
from luthier.evaluation.evaluate import LOWER_IS_BETTER, resampled
from luthier.evaluation.folds import deal, in_turn
from luthier.evaluation.intervals import Difference, paired_difference
from luthier.inference.frozen import frozen_features
from luthier.language import t
from luthier.models.find import ModelFolder
from luthier.probing import AnyFrozen
from luthier.progress import Progress
from luthier.runtime import Runtime
from luthier.seen import Scaling
from luthier.task import AnyTask
from luthier.training.augmented import Augmented
from luthier.whole_text import AnyWholeText, as_whole_text

_COPIES = 2
_MOST_ROWS = 3000
_FOLDS = 5


@dataclass(frozen=True)
class Augmentation:
    """windows: what training sees. trial: how the cheap test went, for the report."""

    windows: Augmented
    trial: Mapping[str, Any]


def find_augmentation(
    settings: Settings, task: AnyTask, examples: Examples, folder: ModelFolder, runtime: Runtime
) -> Method | None:
    """The method that is named; None where rows are to be seen as they are.

    Errors: ConfigError for a task whose answers hang on single words, ModelError where the method's model cannot be
    had. examples: of training.
    """
    options = {key: value for key, value in settings.augment.items() if key != "method"}
    texts = [task.format.plain_text(example.input) for example in examples]
    classes = [task.format.stratum(example.answer) for example in examples]
    setting = Setting(texts, classes, folder, runtime.device)
    method = catalog.augmentation(settings.augment["method"])(setting, **options)
    if method is not None:
        as_whole_text(task, "augment", t("augment=none"))
    return method


def begin_augmentation(
    method: Method | None, model: PreTrainedModel, codec: Codec, split: Split[Any, Any], frozen: AnyFrozen | None,
    runtime: Runtime, max_tokens: int, seed: int, screen: Progress,
) -> Augmentation | None:  # fmt: skip
    """model: as yet untuned. frozen: its features of the training rows; None on processes that did not look, which do
    not test either."""
    if method is None:
        return None
    texts: dict[str, None] = {}
    for example in split.train:
        codec.task.format.map_texts(example.input, lambda text: str(texts.setdefault(text) or text))
    windows = Augmented(codec, split.train, method.prepare(list(texts), runtime, screen), seed)
    if frozen is None:
        return Augmentation(windows, {})
    trial = _try(windows, model, frozen, runtime, max_tokens, screen)
    screen.say(trial["sentence"])
    return Augmentation(windows, trial)


def _try(
    windows: Augmented, model: PreTrainedModel, frozen: AnyFrozen, runtime: Runtime, max_tokens: int, screen: Progress
) -> dict[str, Any]:  # fmt: skip
    """Does a linear head on frozen features get better when it also learns from changed copies? By cross-validation on
    the training rows (a sample of many); every row is judged as it is."""
    codec, seed = windows.codec, windows.seed
    task = as_whole_text(codec.task, "augment", t("augment=none"))
    rows = np.random.default_rng(seed).permutation(len(frozen.train.examples))[:_MOST_ROWS]
    examples = [frozen.train.examples[i] for i in rows]
    copies: list[np.ndarray] = []
    with screen.track(t("trying the augmentation on frozen features"), _COPIES * len(examples)) as tracker:
        for step in range(_COPIES):
            inputs = [windows.changed(example.input, step, i) for i, example in enumerate(examples)]
            found = frozen_features(
                model, codec, inputs, runtime, max_tokens=max_tokens, keep_states=False, done=tracker.advance
            )
            copies.append(found.vectors)
    scale = Scaling.of(frozen.train.features.vectors)
    plain_ND = scale(frozen.train.features.vectors[rows])
    fold_N = deal(examples, task.format.stratum, _FOLDS, seed)
    without = _cross_validated(task, examples, [plain_ND], fold_N, seed)
    with_copies = _cross_validated(task, examples, [plain_ND, *map(scale, copies)], fold_N, seed)
    answers = [example.answer for example in examples]
    first, second = (resampled(task, said, answers, seed=seed) for said in (with_copies, without))
    metric = next(iter(first.values))
    difference = paired_difference(first, second, metric, higher_is_better=metric not in LOWER_IS_BETTER)
    return _told(metric, difference, len(examples))


def _cross_validated(
    task: AnyWholeText, examples: Examples, features: Sequence[np.ndarray], fold_N: np.ndarray, seed: int
) -> list[Any]:
    """Predictions for all rows. features: of the rows, then of their copies. The loss is a sum over rows: with copies
    the regularisation is held against it in the same proportion."""
    said: list[Any] = [None] * len(examples)
    for _, learnt, judged in in_turn(fold_N):
        answers = [examples[i].answer for i in learnt.tolist()]
        stacked = np.concatenate([part[learnt] for part in features])
        if len(set(answers)) < 2:
            predictions = [task.constant(answers)] * len(judged)
        else:
            strength = VECTOR_STRENGTHS[0] / len(features)
            model = task.linear(stacked, answers * len(features), strength, seed)
            predictions = task.read_linear(model, features[0][judged])
        for i, prediction in zip(judged, predictions, strict=True):
            said[i] = prediction
    return said


def _told(metric: str, difference: Difference, rows: int) -> dict[str, Any]:
    facts = t("{metric} {value:+.3f} [{low:+.3f}, {high:+.3f}] of a linear head on frozen features, {rows} rows",
              metric=metric, value=difference.value, low=difference.low, high=difference.high, rows=rows)  # fmt: skip
    if difference.low > 0:
        verdict, sentence = "yes", t("The augmentation helps: {facts}.", facts=facts)
    elif difference.high < 0:
        verdict, sentence = "no", t("The augmentation harms: {facts}. Better without: augment=none.", facts=facts)
    else:
        verdict, sentence = "unclear", t("No help of the augmentation shown: {facts}.", facts=facts)
    return {"helps": verdict, "sentence": sentence, "metric": metric, "difference": difference.value,
            "low": difference.low, "high": difference.high, "rows": rows}  # fmt: skip
