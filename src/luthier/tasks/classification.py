"""Classification: a text, or a pair of texts, to one of several labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict

import numpy as np

from luthier.errors import ConfigError, DataError, Place, shown
from luthier.language import t
from luthier.metrics.classes import Outcome, classification_scores, confusion, per_class, reliability
from luthier.task import Task, learned
from luthier.text.tokenizer import TextRule
from luthier.types import IGNORE, Batch, Choice, Column, Example, LabelledBatch, LabelledWindow, Row, Window

if TYPE_CHECKING:
    from torch import Tensor

Text = str | tuple[str, str]
Probabilities = np.ndarray
"""float32 [C], in the order of the task's labels."""

_TEXT_NAMES = (
    "sentence", "content", "body", "message", "review", "utterance", "query", "question", "comment", "title",
    "description", "document", "tweet", "input", "text_a", "sentence1", "premise", "文本", "内容", "正文", "评论",
    "句子", "消息", "问题",
)  # fmt: skip
_LABEL_NAMES = (
    "labels", "category", "class", "target", "intent", "sentiment", "topic", "tag", "y", "emotion", "rating",
    "team", "标签", "类别", "分类", "情感", "意图",
)  # fmt: skip
_SMOOTHING, _FEW_ROWS = 0.1, 500
"""Targets are softened below this many rows a class, where a model would else soon be sure of everything: 0.77 against
0.74 right on the demo's tickets (37 rows a class), 0.935 against 0.931 on Banking77 (117), 0.887 against 0.891 on
SST-2 (3,460)."""
_PAIR_NAMES = ("text_b", "sentence2", "hypothesis")


class LabelScore(TypedDict):
    label: str
    score: float


@dataclass(frozen=True)
class Classification(Task[Text, str, Probabilities]):
    """label_smoothing: share of the target spread over all classes, 0 to below 1 (Szegedy et al. 2016); None chooses
    by the rows a class."""

    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("text", _TEXT_NAMES),
        Column("label", _LABEL_NAMES, is_answer=True),
        Column("text_pair", _PAIR_NAMES, required=False),
    )

    label_smoothing: float | None = None
    labels: tuple[str, ...] = learned()
    class_weights: tuple[float, ...] = learned()

    def __post_init__(self) -> None:
        if self.label_smoothing is not None and not 0 <= self.label_smoothing < 1:
            what = t("is {value}", value=self.label_smoothing)
            fix = t("use a number from 0 to below 1")
            raise ConfigError.at("task.label_smoothing", what, fix, code="out-of-range")

    # ---- from the user's rows

    def parse(self, row: Row) -> Example[Text, str]:
        return Example(self.parse_input(row), _label(row), row.place, row.number)

    def parse_input(self, row: Row) -> Text:
        text = _text(row, "text")
        return text if row.values.get("text_pair") is None else (text, _text(row, "text_pair"))

    def as_input(self, value: Any) -> Text:
        if isinstance(value, Mapping):
            return self.parse_input(Row(value, Place("input")))
        if isinstance(value, str):
            return value
        if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(v, str) for v in value):
            return (value[0], value[1])
        what = t("{value} is no text", value=shown(value))
        raise DataError.at("input", what, t("give a string, or two for a pair"), code="wrong-type")

    def stratum(self, answer: str) -> Hashable:
        return answer

    def learn(self, examples: Sequence[Example[Text, str]]) -> Self:
        return replace(self, labels=tuple(sorted({example.answer for example in examples})))

    def settle(self, answers: Sequence[str]) -> tuple[Self, list[Choice]]:
        if self.label_smoothing is not None:
            return self, []
        each = len(answers) / len(self.labels)
        value = _SMOOTHING if each < _FEW_ROWS else 0.0
        reason = t("{each:.0f} training rows a class on average", each=each)
        return replace(self, label_smoothing=value), [Choice("label_smoothing", value, reason)]

    def weighted(self, answers: Sequence[str]) -> Self:
        """A copy whose loss counts each class alike: weight N / (C · count), 1 on average over the examples."""
        counts = Counter(answers)
        weights = tuple(len(answers) / (len(self.labels) * counts[label]) for label in self.labels)
        return replace(self, class_weights=weights)

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
        from torch.nn import functional as F  # noqa: N812

        logits_BC = model(**batch.inputs.tensors).logits.float()
        weights_C = logits_BC.new_tensor(self.class_weights) if self.class_weights else None
        return F.cross_entropy(
            logits_BC, batch.targets[:, 0], weight=weights_C, reduction="sum", ignore_index=IGNORE,
            label_smoothing=self.label_smoothing or 0.0,
        )  # fmt: skip

    def infer(self, model: Any, batch: Batch) -> Sequence[Probabilities]:
        logits_BC = model(**batch.tensors).logits.float()
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

    # ---- for the baselines

    def plain_text(self, input: Text) -> str:
        return input if isinstance(input, str) else "\n".join(input)

    def constant(self, answers: Sequence[str]) -> Probabilities:
        counts = Counter(answers)
        return np.array([counts[label] / len(answers) for label in self.labels], np.float32)

    def linear(self, features: Any, answers: Sequence[str], strength: float, seed: int) -> Any:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=strength, max_iter=1000, random_state=seed)
        return model.fit(features, [self._number[answer] for answer in answers])

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
        number = self._number
        return Outcome(np.stack(predictions), np.array([number.get(answer, -1) for answer in answers]))


def _label(row: Row) -> str:
    """The label as the user wrote it: 007, NA, 1 and 1.0 are text. Only an empty cell has none."""
    value = row.values.get("label")
    place = replace(row.place, column="label")
    if value is None or value == "" or (isinstance(value, str) and not value.strip()):
        fix = t("fill it in, or remove the row")
        raise DataError.at(place, t("no label"), fix, code="missing-label")
    if isinstance(value, float) and value != value:
        raise DataError.at(place, t("NaN is no label"), t("fill it in, or remove the row"), code="nan-label")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    what = t("the label {value} is no text or number", value=shown(value))
    raise DataError.at(place, what, t("for several labels a row use task=multilabel"), code="wrong-type")


def _text(row: Row, name: str) -> str:
    value = row.values.get(name)
    place = replace(row.place, column=name)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        what = t("the text is the number {value}", value=shown(value))
        raise DataError.at(place, what, t("write it as a string, or name another column"), code="wrong-type")
    if value is not None and not isinstance(value, str):
        what = t("the text is of type {kind}", kind=type(value).__name__)
        raise DataError.at(place, what, t("write it as a string, or name another column"), code="wrong-type")
    if value is None or not value.strip():
        raise DataError.at(place, t("no text"), t("fill it in, or remove the row"), code="missing-text")
    return value
