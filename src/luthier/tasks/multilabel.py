"""Multi-label classification: a text, or a pair of texts, to any number of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict

import numpy as np

from luthier.balancing.label_thresholds import best_label_shifts, logits_of, shift_labels
from luthier.balancing.loss import binary_cross_entropy, divergence
from luthier.balancing.remedy import Remedy
from luthier.calibrating.temperature import Nats, sigmoid_nats
from luthier.claims import LOG_ODDS, Claim, Outputs
from luthier.errors import ConfigError
from luthier.evaluation.one_vs_rest import LabelLines, fit_label_lines
from luthier.formats.cells.pairs import Text
from luthier.formats.multilabel import MultiLabelled
from luthier.graphed import moved_logits, sigmoid
from luthier.language import t
from luthier.metrics.label_sets import EVEN, SetOutcome, label_set_scores, per_label
from luthier.metrics.sureness import Sureness
from luthier.saved import learned
from luthier.text.tokenizer import TextRule
from luthier.types import Example, LabelledBatch, LabelledWindow, Mistake, Window
from luthier.whole_text import TextOrPair

if TYPE_CHECKING:
    from torch import Tensor

Labels = frozenset[str]
Probabilities = np.ndarray
"""float32 [C], of each label for itself, in the order of the task's labels; from 0.5 on a label is said."""


class LabelScore(TypedDict):
    label: str
    score: float


@dataclass(frozen=True)
class MultiLabel(TextOrPair[Labels, Probabilities]):
    """places_thresholds: whether each label's threshold is chosen on validation rows, of baselines too."""

    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    format: ClassVar[MultiLabelled] = MultiLabelled()

    labels: tuple[str, ...] = learned()
    label_weights: tuple[float, ...] = learned()
    focus: float = learned(0.0)
    places_thresholds: bool = learned(False)
    shifts: tuple[float, ...] = learned()
    temperature: float = learned(1.0)

    # ---- from the user's rows

    def learn(self, examples: Sequence[Example[Text, Labels]]) -> Self:
        return replace(self, labels=tuple(sorted({label for example in examples for label in example.answer})))

    # ---- to the model and back

    def head_options(self) -> Mapping[str, Any]:
        return {
            "num_labels": len(self.labels),
            "problem_type": "multi_label_classification",
            "id2label": dict(enumerate(self.labels)),
            "label2id": {label: i for i, label in enumerate(self.labels)},
        }

    def attach(self, window: Window, answer: Labels, text: TextRule) -> LabelledWindow:
        """Every label is a target: the loss that is told is the mean over rows and labels."""
        return LabelledWindow(window, self._holds([answer])[0].astype(np.float32))

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        logits_BC = model(**batch.inputs.tensors).logits.float()
        return binary_cross_entropy(logits_BC, batch.targets, Remedy(weights=self.label_weights, focus=self.focus))

    def alike(self, targets_MS: np.ndarray) -> np.ndarray:
        """The share of common labels among those of either (Jaccard); two rows without labels are alike."""
        common_MM, counts_M = targets_MS @ targets_MS.T, targets_MS.sum(1)
        either_MM = counts_M[:, None] + counts_M - common_MM
        return np.where(either_MM > 0, common_MM / np.maximum(either_MM, 1), 1.0).astype(np.float32)

    def check_teacher(self, teacher: Any) -> None:
        self._check_classes(teacher)

    def imitation(self, logits_BC: Tensor, taught_BC: Tensor, temperature: float) -> Tensor:
        """Of each label for itself, as if it had two classes."""
        import torch

        told, taught = (torch.stack([part / 2, -part / 2], -1).flatten(0, 1) for part in (logits_BC, taught_BC))
        return divergence(told, taught, temperature)

    def decided(self, outputs: Outputs) -> Any:
        return moved_logits(outputs["logits"], self.temperature, self.shifts)

    def read(self, outputs: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Sequence[Probabilities]:
        return list(sigmoid(self.decided(outputs)))

    def claims(self, input: Text, prediction: Probabilities, text: TextRule) -> Sequence[Claim]:
        """Each label that is said; where none is, that the likeliest is none."""
        found = [c for c in np.argsort(-prediction, kind="stable") if prediction[c] >= EVEN]

        def claim(name: str, number: int, sign: float) -> Claim:
            return self.claim(name, input, text, lambda said: sign * self.decided(said)[..., number], LOG_ODDS)

        if not found:
            best = int(prediction.argmax())
            return [claim(t("not {label}", label=self.labels[best]), best, -1.0)]
        return [claim(self.labels[c], int(c), 1.0) for c in found]

    # ---- to the user

    def show(self, prediction: Probabilities, top_k: int | None = None) -> list[LabelScore]:
        """The labels that are said, the surest first; with top_k the k best, said or not."""
        best = np.argsort(-prediction, kind="stable")
        kept = best[prediction[best] >= EVEN] if top_k is None else best[:top_k]
        return [LabelScore(label=self.labels[c], score=float(prediction[c])) for c in kept]

    def show_answer(self, answer: Labels) -> list[str]:
        return sorted(answer)

    def score(
        self, predictions: Sequence[Probabilities], answers: Sequence[Labels], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        return label_set_scores(self._outcome(predictions, answers), weights_RN)

    def details(self, predictions: Sequence[Probabilities], answers: Sequence[Labels]) -> dict[str, Any]:
        rows = zip(self.labels, per_label(self._outcome(predictions, answers)), strict=True)
        return {"per_class": [{"label": label, **numbers} for label, numbers in rows]}

    def mistake(self, prediction: Probabilities, answer: Labels) -> Mistake | None:
        """As bad as the label that is surest and wrong."""
        holds_C = self._holds([answer])[0]
        wrong_C = (prediction >= EVEN) != holds_C
        if not wrong_C.any() and answer <= self._number.keys():
            return None
        said = [self.labels[c] for c in np.flatnonzero(prediction >= EVEN)]
        surest = float(np.where(holds_C, 1 - prediction, prediction)[wrong_C].max(initial=0.0))
        return Mistake(", ".join(sorted(answer)) or "–", ", ".join(said) or "–", surest)

    # ---- against imbalance

    def class_names(self) -> Sequence[str]:
        return self.labels

    def class_counts(self, answers: Sequence[Labels]) -> Sequence[int]:
        return self._holds(answers).sum(0).tolist()

    def row_weights(self, answers: Sequence[Labels], remedy: Remedy) -> np.ndarray | None:
        """None: what a label weighs is for its own cells, and `linear` knows it."""
        return None

    def usual_remedy(self, *, validated: bool) -> tuple[str, str] | None:
        if not validated:
            return "none", t("no validation rows to choose each label's threshold on")
        return "threshold", t("each label's threshold is chosen on the validation rows; balance=none leaves all at 0.5")

    def usable(self, method: str, remedy: Remedy, *, validated: bool) -> Remedy:
        if remedy.rates or remedy.margins:
            what = t("{method} is for rows of one class each; a row with a rare label has common ones too",
                     method=method)  # fmt: skip
            fix = t("balance=threshold, weighted_loss, effective_number, focal or none")
            raise ConfigError.at("balance", what, fix, code="conflict")
        moves = remedy.moves_decisions or (validated and remedy != Remedy())
        return replace(remedy, moves_decisions=moves)

    def remedied(self, remedy: Remedy) -> Self:
        return replace(self, label_weights=remedy.weights, focus=remedy.focus, places_thresholds=remedy.moves_decisions)

    def best_shifts(
        self, predictions: Sequence[Probabilities], answers: Sequence[Labels], counts: Sequence[int], seed: int
    ) -> np.ndarray:
        return best_label_shifts(np.stack(predictions), self._holds(answers), seed)

    def shifted(self, predictions: Sequence[Probabilities], shifts_C: np.ndarray) -> list[Probabilities]:
        return list(shift_labels(np.stack(predictions), shifts_C))

    def with_shifts(self, shifts_C: np.ndarray) -> Self:
        return replace(self, shifts=tuple(shifts_C.tolist()))

    # ---- how sure it says it is

    def calibrates(self) -> bool:
        return True

    def sureness(self, predictions: Sequence[Probabilities], answers: Sequence[Labels]) -> Sureness:
        """Of each label by itself, said or not."""
        said_NC = np.stack(predictions)
        return Sureness(np.maximum(said_NC, 1 - said_NC), (said_NC >= EVEN) == self._holds(answers))

    def temperature_nats(self, predictions: Sequence[Probabilities], answers: Sequence[Labels]) -> tuple[Nats, int]:
        return sigmoid_nats(logits_of(np.stack(predictions)), self._holds(answers)), len(answers)

    def tempered(self, predictions: Sequence[Probabilities], temperature: float) -> list[Probabilities]:
        logits_NC = logits_of(np.stack(predictions)) / temperature
        return list((1 / (1 + np.exp(-logits_NC))).astype(np.float32))

    def with_temperature(self, temperature: float) -> Self:
        return replace(self, temperature=temperature)

    # ---- for the baselines

    def constant(self, answers: Sequence[Labels]) -> Probabilities:
        """As many of the commonest labels as give the best micro-F1, always the same; the others by their shares."""
        counts_C = self._holds(answers).sum(0)
        order = np.argsort(-counts_C, kind="stable")
        said = np.arange(1, len(counts_C) + 1)
        f1 = 2 * counts_C[order].cumsum() / (said * len(answers) + counts_C.sum())
        logits_C = logits_of(counts_C / len(answers))
        last = int(f1.argmax())
        between = logits_C[order[last : last + 2]].mean()
        return shift_labels(counts_C / len(answers), np.full(len(counts_C), -min(between, logits_C[order[last]])))

    def linear(
        self, features: Any, answers: Sequence[Labels], strength: float, seed: int, weights: np.ndarray | None = None
    ) -> LabelLines:
        positive_C = np.array(self.label_weights) / min(self.label_weights) if self.label_weights else None
        return fit_label_lines(features, self._holds(answers), strength, weights_N=weights, positive_C=positive_C)

    def read_linear(self, model: LabelLines, features: Any) -> list[Probabilities]:
        return list((1 / (1 + np.exp(-model.logits(features)))).astype(np.float32))

    def decide_linear(self, model: LabelLines, features: Any, answers: Sequence[Labels], seed: int) -> LabelLines:
        if not self.places_thresholds:
            return model
        shifts_C = best_label_shifts(np.stack(self.read_linear(model, features)), self._holds(answers), seed)
        return replace(model, bias_C=model.bias_C + shifts_C)

    def head_from_linear(self, model: LabelLines) -> tuple[np.ndarray, np.ndarray]:
        return model.weights_CF, model.bias_C

    @cached_property
    def _number(self) -> Mapping[str, int]:
        return {label: i for i, label in enumerate(self.labels)}

    def _holds(self, answers: Sequence[Labels]) -> np.ndarray:
        """bool [N, C]; labels that the model does not know are left out."""
        holds_NC = np.zeros((len(answers), len(self.labels)), bool)
        for row, answer in zip(holds_NC, answers, strict=True):
            row[[self._number[label] for label in answer if label in self._number]] = True
        return holds_NC

    def _outcome(self, predictions: Sequence[Probabilities], answers: Sequence[Labels]) -> SetOutcome:
        unknown_N = np.array([sum(label not in self._number for label in answer) for answer in answers])
        return SetOutcome(np.stack(predictions), self._holds(answers), unknown_N)
