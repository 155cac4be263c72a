"""Classification: a text, or a pair of texts, to one of several labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict

import numpy as np

from luthier.balancing.loss import cross_entropy, divergence
from luthier.balancing.remedy import Remedy
from luthier.balancing.thresholds import best_shifts, shift
from luthier.calibrating.temperature import Nats, softened, softmax_nats
from luthier.claims import Outputs
from luthier.deciding import Placed
from luthier.errors import ConfigError, did_you_mean, shown
from luthier.formats.cells.pairs import Text
from luthier.formats.labelled import Labelled
from luthier.graphed import moved_logits, softmax
from luthier.language import t
from luthier.metrics.classes import Outcome, classification_scores, confusion, per_class
from luthier.metrics.scope import best_scope, least_accepted, refusing, scope_scores
from luthier.metrics.sureness import Sureness, reliability
from luthier.saved import learned
from luthier.seen import of_two
from luthier.text.tokenizer import TextRule
from luthier.types import IGNORE, Choice, Example, LabelledBatch, LabelledWindow, Mistake, Window
from luthier.whole_text import TextOrPair

if TYPE_CHECKING:
    from torch import Tensor

Probabilities = np.ndarray
"""float32 [C], in the order of the task's labels."""

_SMOOTHING, _FEW_ROWS = 0.1, 500
"""Targets are softened below this many rows a class, where a model would else soon be sure of everything: 0.77 against
0.74 right on the demo's tickets (37 rows a class), 0.935 against 0.931 on Banking77 (117), 0.887 against 0.891 on
SST-2 (3,460)."""
_OFF, _THRESHOLD = "none", "threshold"
"""What task.reject may be beside the name of a class; a class of that name goes first."""
_KEPT = 0.97
"""Told by counted words CLINC150's test rows have in-scope accuracy 0.901 and out-of-scope recall 0.505 with it, 0.889
and 0.618 with 0.95, 0.908 and 0.207 unplaced."""
OUT_OF_SCOPE = "out_of_scope"
"""What is said of a row that is refused by a threshold."""
_SEED = 42


class LabelScore(TypedDict):
    label: str
    score: float


@dataclass(frozen=True)
class Classification(TextOrPair[str, Probabilities]):
    """label_smoothing: share of the target spread over all classes, 0 to below 1 (Szegedy et al. 2016); None chooses
    by the rows a class. reject: how to tell rows of no class; the name of the class that holds such rows, or threshold,
    which refuses what the model is not sure of. keep: share of the validation rows in scope that may not be refused.
    accepts: the least probability of an answer."""

    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    format: ClassVar[Labelled] = Labelled()

    label_smoothing: float | None = None
    reject: str | None = None
    keep: float = _KEPT
    labels: tuple[str, ...] = learned()
    class_weights: tuple[float, ...] = learned()
    class_margins: tuple[float, ...] = learned()
    focus: float = learned(0.0)
    shifts: tuple[float, ...] = learned()
    temperature: float = learned(1.0)
    accepts: float = learned(0.0)
    pairs: bool = learned(False)

    def __post_init__(self) -> None:
        if self.label_smoothing is not None and not 0 <= self.label_smoothing < 1:
            what = t("is {value}", value=self.label_smoothing)
            fix = t("use a number from 0 to below 1")
            raise ConfigError.at("task.label_smoothing", what, fix, code="out-of-range")
        if not 0 < self.keep < 1:
            fix = t("use a share above 0 and below 1")
            raise ConfigError.at("task.keep", t("is {value}", value=self.keep), fix, code="out-of-range")

    # ---- from the user's rows

    def learn(self, examples: Sequence[Example[Text, str]]) -> Self:
        labels = tuple(sorted({example.answer for example in examples}))
        if self.reject not in (None, _OFF, _THRESHOLD, *labels):
            what = t("no training row has the label {name}", name=shown(self.reject))
            fix = did_you_mean(str(self.reject), [*labels, _THRESHOLD])
            raise ConfigError.at("task.reject", what, fix, code="unknown-choice")
        return replace(self, labels=labels, pairs=any(isinstance(example.input, tuple) for example in examples))

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

    def attach(self, window: Window, answer: str, text: TextRule) -> LabelledWindow:
        return LabelledWindow(window, np.array([self._number.get(answer, IGNORE)], np.int64))

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        logits_BC = model(**batch.inputs.tensors).logits.float()
        remedy = Remedy(weights=self.class_weights, margins=self.class_margins, focus=self.focus)
        return cross_entropy(logits_BC, batch.targets[:, 0], remedy, self.label_smoothing or 0.0)

    def alike(self, targets_MS: np.ndarray) -> np.ndarray:
        return (targets_MS == targets_MS.T).astype(np.float32)

    def check_teacher(self, teacher: Any) -> None:
        self._check_classes(teacher)

    def imitation(self, logits_BC: Tensor, taught_BC: Tensor, temperature: float) -> Tensor:
        return divergence(logits_BC, taught_BC, temperature)

    def decided(self, outputs: Outputs) -> Any:
        return moved_logits(outputs["logits"], self.temperature, self.shifts)

    def read(self, outputs: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Sequence[Probabilities]:
        said_BC = softmax(self.decided(outputs))
        return list(refusing(said_BC, self.accepts) if self.accepts else said_BC)

    # ---- to the user

    def show(self, prediction: Probabilities, top_k: int | None = None) -> LabelScore | list[LabelScore]:
        best = np.argsort(-prediction, kind="stable")[: top_k or 1]
        said = [LabelScore(label=self._names[c], score=float(prediction[c])) for c in best]
        return said[0] if top_k is None else said

    def show_answer(self, answer: str) -> str:
        return answer

    def score(
        self, predictions: Sequence[Probabilities], answers: Sequence[str], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        outcome = self._outcome(predictions, answers)
        scores = classification_scores(outcome, weights_RN)
        if self._outside is not None:
            first = {name: scores.pop(name) for name in ("macro_f1", "accuracy")}
            scores = {**first, **scope_scores(outcome, self._outside, weights_RN), **scores}
        return scores

    def details(self, predictions: Sequence[Probabilities], answers: Sequence[str]) -> dict[str, Any]:
        outcome = self._outcome(predictions, answers)
        names = self._names[: outcome.probabilities_NC.shape[1]]
        rows = zip(names, per_class(outcome), strict=True)
        return {
            "per_class": [{"label": label, **numbers} for label, numbers in rows],
            "confusion": {"labels": list(names), "counts": confusion(outcome).tolist()},
            "reliability": [
                {"confidence": confidence, "accuracy": accuracy, "n": n}
                for confidence, accuracy, n in reliability(outcome.sureness)
            ],
        }

    def mistake(self, prediction: Probabilities, answer: str) -> Mistake | None:
        best, right = int(prediction.argmax()), self._number.get(answer, self._unknown(len(prediction)))
        return None if best == right else Mistake(answer, self._names[best], float(prediction[best]))

    def probabilities(self, prediction: Probabilities) -> np.ndarray:
        return prediction

    def usual_epochs(self, answers: Sequence[str]) -> tuple[int, str]:
        """Few rows a class need to be seen more often: about 55 over the root of the rows a class. Measured with a head
        that begins with a probe: without one a small set needs twice as many. Of pairs the probe knows little, for it
        never compared two texts: they take as many epochs as their number asks for, as other tasks do."""
        if self.pairs:
            return super().usual_epochs(answers)
        each = max(1.0, len(answers) / max(1, len(self.labels)))
        reason = t("{each:.0f} training rows a class on average", each=each)
        return min(10, max(2, round(55 / math.sqrt(each)))), reason

    # ---- against imbalance

    def class_names(self) -> Sequence[str]:
        return self.labels

    def row_classes(self, answers: Sequence[str], unknown: int = -1) -> np.ndarray:
        return np.array([self._number.get(answer, unknown) for answer in answers], np.int64)

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

    # ---- how sure it says it is

    def calibrates(self) -> bool:
        return True

    def sureness(self, predictions: Sequence[Probabilities], answers: Sequence[str]) -> Sureness:
        return self._outcome(predictions, answers).sureness

    def temperature_nats(self, predictions: Sequence[Probabilities], answers: Sequence[str]) -> tuple[Nats, int] | None:
        classes_N = self.row_classes(answers)
        known_N = classes_N >= 0
        if not known_N.any():
            return None
        said_NC = np.stack(predictions)[known_N, : len(self.labels)]
        return softmax_nats(said_NC, classes_N[known_N]), len(said_NC)

    def tempered(self, predictions: Sequence[Probabilities], temperature: float) -> list[Probabilities]:
        return list(softened(np.stack(predictions)[:, : len(self.labels)], temperature))

    def with_temperature(self, temperature: float) -> Self:
        return replace(self, temperature=temperature)

    # ---- out of scope

    def needs_placing(self) -> bool:
        return self._outside is not None

    def check_parts(self, *, validated: bool) -> None:
        if not validated and self._outside == len(self.labels):
            what = t("the threshold is chosen on validation rows; there are none")
            fix = t("data.split.validation=0.1, or task.reject=none")
            raise ConfigError.at("task.reject", what, fix, code="conflict")

    def placed(self, predictions: Sequence[Probabilities], answers: Sequence[str]) -> Placed:
        """Of a class out of scope the logit is shifted, which the head's bias can take; a threshold is the Codec's."""
        outcome, outside = self._outcome(predictions, answers), self._outside
        if outside is None:
            return Placed(self)
        if outside == len(self.labels):
            least = least_accepted(outcome.probabilities_NC, self.keep)
            note = t("answers below a score of {least:.3f} become '{name}': {keep:.0%} of the validation rows are kept",
                     least=least, name=OUT_OF_SCOPE, keep=self.keep)  # fmt: skip
            return Placed(replace(self, accepts=least), note=note, apart=True)
        scope = best_scope(outcome, outside, self.keep, _SEED)
        note = t("out of scope is {name}, its logit shifted by {shift:+.2f}: of the validation rows {accuracy:.1%} in "
                 "scope are answered right, {recall:.1%} out of scope are told",
                 name=shown(self.labels[outside]), **vars(scope))  # fmt: skip
        return Placed(self, np.where(np.arange(len(self.labels)) == outside, scope.shift, 0.0), note)

    @cached_property
    def _outside(self) -> int | None:
        """The number of the class out of scope; behind the last one where a threshold makes it."""
        if self.reject is not None and self.reject in self._number:
            return self._number[self.reject]
        return len(self.labels) if self.reject == _THRESHOLD else None

    @property
    def _names(self) -> tuple[str, ...]:
        return (*self.labels, OUT_OF_SCOPE)

    def _unknown(self, columns: int) -> int:
        """The number of a label that is not known: out of scope, where the prediction has a column for that."""
        return len(self.labels) if columns > len(self.labels) else -1

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

    def decide_linear(self, model: Any, features: Any, answers: Sequence[str], seed: int) -> Any:
        outside, biases = self._outside, len(model.intercept_)
        if outside is None or not outside < biases == len(self.labels):
            return model
        scope = best_scope(self._outcome(self.read_linear(model, features), answers), outside, self.keep, _SEED)
        moved = copy(model)
        moved.intercept_ = model.intercept_ + np.where(np.arange(biases) == outside, scope.shift, 0.0)
        return moved

    def head_from_linear(self, model: Any) -> tuple[np.ndarray, np.ndarray] | None:
        if len(model.classes_) != len(self.labels):
            return None  # a sample of the data that lacks a class
        return of_two(model.coef_, model.intercept_)

    @cached_property
    def _number(self) -> Mapping[str, int]:
        return {label: i for i, label in enumerate(self.labels)}

    def _outcome(self, predictions: Sequence[Probabilities], answers: Sequence[str]) -> Outcome:
        said_NC = np.stack(predictions)
        unknown = self._unknown(said_NC.shape[1])
        return Outcome(said_NC, self.row_classes(answers, unknown), None if unknown < 0 else unknown)
