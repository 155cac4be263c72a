"""What a task is: everything that differs between, say, classification and entities, behind one set of methods.

A task is a frozen dataclass in a file of its own under tasks/. Its plain fields are its YAML options; fields made
with learned() are what `learn` fills. Together they are its saved state.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from luthier.balancing.remedy import Remedy
from luthier.errors import ConfigError
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.text.tokenizer import TextRule
from luthier.types import AnswerT, Batch, Choice, Example, InputT, LabelledBatch, LabelledWindow, Window

if TYPE_CHECKING:
    from torch import Tensor

PredictionT = TypeVar("PredictionT")


def learned(default: Any = ()) -> Any:
    """A field that is filled from the training data; no YAML option."""
    return dataclasses.field(default=default, metadata={"learned": True})


@dataclass(frozen=True)
class Task(ABC, Generic[InputT, AnswerT, PredictionT]):
    """InputT: what is asked. AnswerT: what is right. PredictionT: what the model says, with all its scores."""

    auto_class: ClassVar[str]
    """The transformers class of the model, such as AutoModelForSequenceClassification."""
    format: ClassVar[AnyFormat]
    """How its rows look."""
    augmentable: ClassVar[bool] = False
    """Whether an answer is about the whole text, so that it outlives a word that is dropped, moved or replaced, and
    each input is one window."""

    @property
    def name(self) -> str:
        """The file's name."""
        return type(self).__module__.rpartition(".")[2]

    # ---- from the user's rows

    @abstractmethod
    def as_input(self, value: Any) -> InputT:
        """An input as programs hand it over (a string, a pair …). Errors: DataError for another kind."""

    def learn(self, examples: Sequence[Example[InputT, AnswerT]]) -> Self:
        """A copy that knows the label set. Given the training split only."""
        return self

    def settle(self, answers: Sequence[AnswerT]) -> tuple[Self, list[Choice]]:
        """A copy in which the options that the user left open are chosen from the training answers, and the choices
        under the options' own names."""
        return self, []

    # ---- to the model and back

    def head_options(self) -> Mapping[str, Any]:
        """Keyword arguments for from_pretrained, such as num_labels."""
        return {}

    @abstractmethod
    def encode(self, inputs: Sequence[InputT], text: TextRule) -> list[list[Window]]:
        """For each input its windows, one or more. It has no way to see the answers, so that training and serving
        cannot differ."""

    @abstractmethod
    def attach(self, window: Window, answer: AnswerT, text: TextRule) -> LabelledWindow:
        """Adds the targets; where the answer is part of the model's input (language models), appends it."""

    @abstractmethod
    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        """The SUM of the loss over batch.num_targets targets, a float32 scalar. Never the mean."""

    @abstractmethod
    def infer(self, model: Any, batch: Batch) -> Sequence[Any]:
        """What the model says, one item a window. model: anything called like the transformers model."""

    @abstractmethod
    def decode(self, input: InputT, windows: Sequence[Window], inferred: Sequence[Any]) -> PredictionT:
        """Puts the windows of one input together."""

    # ---- to the user

    @abstractmethod
    def show(self, prediction: PredictionT, top_k: int | None = None) -> Any:
        """What the user sees, JSON-able, in the shape of Hugging Face pipelines. top_k: a list of the best k."""

    @abstractmethod
    def show_answer(self, answer: AnswerT) -> Any:
        """An answer as the user wrote it, JSON-able."""

    @abstractmethod
    def score(
        self, predictions: Sequence[PredictionT], answers: Sequence[AnswerT], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Scores by name, [R] each; the first is the main one. weights_RN: how often each example counts."""

    def details(self, predictions: Sequence[PredictionT], answers: Sequence[AnswerT]) -> dict[str, Any]:
        """Tables for the report, JSON-able: per class, confusion, reliability …"""
        return {}

    def probabilities(self, prediction: PredictionT) -> np.ndarray | None:
        """[C], of the classes among which the model chose one; None for a task that does not choose one of several."""
        return None

    # ---- against imbalance

    def class_names(self) -> Sequence[str]:
        """In the order of the logits; none for a task without classes."""
        return ()

    def row_classes(self, answers: Sequence[AnswerT]) -> np.ndarray:
        """int [N]: of each row the number of the class by which it is counted, and shown more or less often; -1 where
        it has none that is known. Errors: ConfigError for a task without classes."""
        what = t("{task} has no classes to balance", task=self.name)
        raise ConfigError.at("balance", what, t("balance=none"), code="conflict")

    def remedied(self, remedy: Remedy) -> Self:
        """A copy whose loss is what the remedy makes of it."""
        return self

    def best_shifts(
        self, predictions: Sequence[PredictionT], answers: Sequence[AnswerT], counts: Sequence[int], seed: int
    ) -> np.ndarray:
        """[C]: what to add to the logits so that the main score of rows like these gets best. counts: training rows
        of each class."""
        return np.zeros(len(counts))

    def shifted(self, predictions: Sequence[PredictionT], shifts_C: np.ndarray) -> list[PredictionT]:
        """What the model would say with its logits shifted."""
        return list(predictions)

    def with_shifts(self, shifts_C: np.ndarray) -> Self:
        """A copy that shifts the logits itself, for a model whose head has no bias to take them."""
        return self

    # ---- for the baselines

    @abstractmethod
    def constant(self, answers: Sequence[AnswerT]) -> PredictionT:
        """The best prediction that does not look at the input."""

    @abstractmethod
    def linear(
        self, features: Any, answers: Sequence[AnswerT], strength: float, seed: int, weights: np.ndarray | None = None
    ) -> Any:
        """A scikit-learn linear model fitted on feature rows. strength: inverse of the regularisation. weights: [N],
        how much each row counts."""

    @abstractmethod
    def read_linear(self, model: Any, features: Any) -> list[PredictionT]:
        """The predictions of such a model."""

    def head_from_linear(self, model: Any) -> tuple[np.ndarray, np.ndarray] | None:
        """Such a model as weights [C, K] and bias [C] of a layer that makes this task's logits; None where it is
        no such thing."""
        return None

    # ---- saved

    def options(self) -> dict[str, Any]:
        """What can be set in the YAML section, JSON-able."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.metadata.get("learned")}

    def state(self) -> dict[str, Any]:
        """Options and what was learned, JSON-able."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of `state` after a trip through JSON, which turns tuples into lists."""
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in state.items()})


AnyTask = Task[Any, Any, Any]
