"""Classification: a text, or a pair of texts, to one of several labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict

import numpy as np

from luthier.balancing.loss import cross_entropy
from luthier.balancing.remedy import Remedy
from luthier.balancing.thresholds import best_shifts, shift
from luthier.errors import ConfigError
from luthier.formats.cells.pairs import Text, given_text
from luthier.formats.labelled import Labelled
from luthier.language import t
from luthier.metrics.classes import Outcome, classification_scores, confusion, per_class, reliability
from luthier.task import Mistake, learned
from luthier.text.tokenizer import TextRule
from luthier.types import IGNORE, Batch, Choice, Example, LabelledBatch, LabelledWindow, Window
from luthier.whole_text import WholeText

if TYPE_CHECKING:
    from torch import Tensor

Probabilities = np.ndarray
"""float32 [C], in the order of the task's labels."""

_SMOOTHING, _FEW_ROWS = 0.1, 500
"""Targets are softened below this many rows a class, where a model would else soon be sure of everything: 0.77 against
0.74 right on the demo's tickets (37 rows a class), 0.935 against 0.931 on Banking77 (117), 0.887 against 0.891 on
SST-2 (3,460)."""


class LabelScore(TypedDict):
    label: str
    score: float


@dataclass(frozen=True)
class Classification(WholeText[Text, str, Probabilities]):
    """label_smoothing: share of the target spread over all classes, 0 to below 1 (Szegedy et al. 2016); None chooses
    by the rows a class."""

    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    format: ClassVar[Labelled] = Labelled()

    label_smoothing: float | None = None
    labels: tuple[str, ...] = learned()
    class_weights: tuple[float, ...] = learned()
    class_margins: tuple[float, ...] = learned()
    focus: float = learned(0.0)
    shifts: tuple[float, ...] = learned()

    def __post_init__(self) -> None:
        if self.label_smoothing is not None and not 0 <= self.label_smoothing < 1:
            what = t("is {value}", value=self.label_smoothing)
            fix = t("use a number from 0 to below 1")
            raise ConfigError.at("task.label_smoothing", what, fix, code="out-of-range")

    # ---- from the user's rows

    def as_input(self, value: Any) -> Text:
        return given_text(value, self.format.parse_input)

    def learn(self, examples: Sequence[Example[Text, str]]) -> Self:
        return replace(self, labels=tuple(sorted({example.answer for example in examples})))

    def settle(self, answers: Sequence[str]) -> tuple[Self, list[Choice]]:
        if self.label_smoothing is not None:
            return self, []
        each = len(answers) / len(self.labels)
        value = _SMOOTHING if each < _FEW_ROWS else 0.0
        reason = t("{each:.0f} training rows a class on average", each=each)
        return replace(self, label_smoothing=value), [Choice("label_smoothing", value, reason)]

    # ---- to the model and back

    def head_options(self) -> Mapping[str, Any]:
        return {
            "num_labels": len(self.labels),
            "id2label": dict(enumerate(self.labels)),
            "label2id": {label: i for i, label in enumerate(self.labels)},
        }

    def encode(self, inputs: Sequence[Text], text: TextRule) -> list[list[Window]]:
        return [[window] for window in text.windows(inputs)]

    def attach(self, window: Window, answer: str, text: TextRule) -> LabelledWindow:
        return LabelledWindow(window, np.array([self._number.get(answer, IGNORE)], np.int64))

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:

        logits_BC = model(**batch.inputs.tensors).logits.float()
        remedy = Remedy(weights=self.class_weights, margins=self.class_margins, focus=self.focus)
        return cross_entropy(logits_BC, batch.targets[:, 0], remedy, self.label_smoothing or 0.0)

    def infer(self, model: Any, batch: Batch) -> Sequence[Probabilities]:
        logits_BC = model(**batch.tensors).logits.float()
        if self.shifts:
            logits_BC = logits_BC + logits_BC.new_tensor(self.shifts)
        return list(logits_BC.softmax(-1).cpu().numpy())

    def decode(self, input: Text, windows: Sequence[Window], inferred: Sequence[Probabilities]) -> Probabilities:
        return inferred[0]

    # ---- to the user

    def show(self, prediction: Probabilities, top_k: int | None = None) -> LabelScore | list[LabelScore]:
        best = np.argsort(-prediction, kind="stable")[: top_k or 1]
        said = [LabelScore(label=self.labels[c], score=float(prediction[c])) for c in best]
        return said[0] if top_k is None else said

    def show_answer(self, answer: str) -> str:
        return answer

    def score(
        self, predictions: Sequence[Probabilities], answers: Sequence[str], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        return classification_scores(self._outcome(predictions, answers), weights_RN)

    def details(self, predictions: Sequence[Probabilities], answers: Sequence[str]) -> dict[str, Any]:
        outcome = self._outcome(predictions, answers)
        rows = zip(self.labels, per_class(outcome), strict=True)
        return {
            "per_class": [{"label": label, **numbers} for label, numbers in rows],
            "confusion": {"labels": list(self.labels), "counts": confusion(outcome).tolist()},
            "reliability": [
                {"confidence": confidence, "accuracy": accuracy, "n": n}
                for confidence, accuracy, n in reliability(outcome)
            ],
        }

    def mistake(self, prediction: Probabilities, answer: str) -> Mistake | None:
        best = int(prediction.argmax())
        return None if self.labels[best] == answer else Mistake(answer, self.labels[best], float(prediction[best]))

    def probabilities(self, prediction: Probabilities) -> np.ndarray:
        return prediction

    def usual_epochs(self, answers: Sequence[str]) -> tuple[int, str]:
        """Few rows a class need to be seen more often: about 55 over the root of the rows a class. Measured with a head
        that begins with a probe: without one a small set needs twice as many."""
        each = len(answers) / max(1, len(self.labels))
        reason = t("{each:.0f} training rows a class on average", each=each)
        return min(10, max(2, round(55 / math.sqrt(max(1.0, each))))), reason

    # ---- against imbalance

    def class_names(self) -> Sequence[str]:
        return self.labels

    def row_classes(self, answers: Sequence[str]) -> np.ndarray:
        return np.array([self._number.get(answer, -1) for answer in answers], np.int64)

    def remedied(self, remedy: Remedy) -> Self:
        return replace(self, class_weights=remedy.weights, class_margins=remedy.margins, focus=remedy.focus)

    def best_shifts(
        self, predictions: Sequence[Probabilities], answers: Sequence[str], counts: Sequence[int], seed: int
    ) -> np.ndarray:
        classes_N = self.row_classes(answers)
        known_N = classes_N >= 0
        return best_shifts(np.stack(predictions)[known_N], classes_N[known_N], counts, seed)

    def shifted(self, predictions: Sequence[Probabilities], shifts_C: np.ndarray) -> list[Probabilities]:
        return list(shift(np.stack(predictions), shifts_C).astype(np.float32))

    def with_shifts(self, shifts_C: np.ndarray) -> Self:
        return replace(self, shifts=tuple(shifts_C.tolist()))

    # ---- for the baselines

    def constant(self, answers: Sequence[str]) -> Probabilities:
        counts = Counter(answers)
        return np.array([counts[label] / len(answers) for label in self.labels], np.float32)

    def linear(
        self, features: Any, answers: Sequence[str], strength: float, seed: int, weights: np.ndarray | None = None
    ) -> Any:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=strength, max_iter=1000, random_state=seed)
        return model.fit(features, [self._number[answer] for answer in answers], sample_weight=weights)

    def read_linear(self, model: Any, features: Any) -> list[Probabilities]:
        probabilities_NC = np.zeros((features.shape[0], len(self.labels)), np.float32)
        probabilities_NC[:, model.classes_] = model.predict_proba(features)
        return list(probabilities_NC)

    def head_from_linear(self, model: Any) -> tuple[np.ndarray, np.ndarray] | None:
        if len(model.classes_) != len(self.labels):
            return None  # a sample of the data that lacks a class
        weights_CK, bias_C = model.coef_, model.intercept_
        if len(weights_CK) == 1:  # scikit-learn's two classes have one row, the second class's log odds
            return np.concatenate([-weights_CK, weights_CK]) / 2, np.concatenate([-bias_C, bias_C]) / 2
        return weights_CK, bias_C

    @cached_property
    def _number(self) -> Mapping[str, int]:
        return {label: i for i, label in enumerate(self.labels)}

    def _outcome(self, predictions: Sequence[Probabilities], answers: Sequence[str]) -> Outcome:
        return Outcome(np.stack(predictions), self.row_classes(answers))
