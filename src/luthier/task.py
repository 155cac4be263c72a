"""What a task is: everything that differs between, say, classification and entities, behind one set of methods.

A task is a frozen dataclass in a file of its own under tasks/. Its plain fields are its YAML options; fields made
with learned() are what `learn` fills. Together they are its saved state.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import numpy as np

from luthier.balancing.remedy import Remedy
from luthier.errors import ConfigError
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.text.tokenizer import TextRule
from luthier.types import (
    AnswerT,
    Batch,
    Choice,
    Example,
    Frozen,
    InputT,
    LabelledBatch,
    LabelledWindow,
    Window,
)

if TYPE_CHECKING:  # torch takes a second to import
    from torch import Tensor
    from transformers import PreTrainedModel

    from luthier.models.load import Loaded

PredictionT = TypeVar("PredictionT")
TaskT = TypeVar("TaskT")


def learned(default: Any = ()) -> Any:
    """A field that is filled from the training data; no YAML option."""
    return dataclasses.field(default=default, metadata={"learned": True})


@dataclass(frozen=True)
class Mistake:
    """answer, said: as people read them. weight: how bad it is; the worst are shown first."""

    answer: str
    said: str
    weight: float


@dataclass(frozen=True)
class Placed(Generic[TaskT]):
    """Where a task's decisions lie after training. task: a copy that knows what was chosen. shifts_C: what to add to
    the logits; None for nothing. note: what to tell the user; "" for nothing."""

    task: TaskT
    shifts_C: np.ndarray | None = None
    note: str = ""


@dataclass(frozen=True)
class Task(ABC, Generic[InputT, AnswerT, PredictionT]):
    """InputT: what is asked. AnswerT: what is right. PredictionT: what the model says, with all its scores."""

    auto_class: ClassVar[str]
    """The transformers class of the model, such as AutoModelForSequenceClassification."""
    architecture: ClassVar[str] = ""
    """The module of ours without which transformers does not know the saved model; "" where it does."""
    format: ClassVar[AnyFormat]
    """How its rows look."""
    most_request_bytes: ClassVar[int] = 2**20
    """Of one request to a server."""

    @property
    def name(self) -> str:
        """The file's name."""
        return type(self).__module__.rpartition(".")[2]

    # ---- from the user's rows

    @abstractmethod
    def as_input(self, value: Any) -> InputT:
        """An input as programs hand it over (a string, a pair …). Errors: DataError for another kind."""

    def as_sent(self, value: Any) -> InputT:
        """An input as a stranger sends it over the network: no word in it may make this machine read a file.
        Errors: DataError."""
        return self.as_input(value)

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

    def load_model(self, folder: Path, *, seed: int, device: str) -> Loaded:
        """The model in a pretrained folder, or in one that `save_model` wrote. What the folder lacks starts at random
        from the seed. Errors: ModelError."""
        from luthier.models.load import load_model

        return load_model(folder, self.auto_class, self.head_options(), seed=seed, device=device)

    def save_model(self, model: PreTrainedModel, folder: Path) -> None:
        """Into an existing folder, as other libraries expect to find it."""
        model.save_pretrained(str(folder))

    def in_folder(self, folder: Path) -> Self:
        """A copy that finds in a folder what `save_model` wrote beside the model and `encode` needs."""
        return self

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

    def questions(self, examples: Sequence[Example[InputT, AnswerT]]) -> list[InputT]:
        """All that the model is asked so that these examples can be scored: their inputs, and what these are held
        against."""
        return [example.input for example in examples]

    def scored(
        self, examples: Sequence[Example[InputT, AnswerT]], said: Sequence[PredictionT]
    ) -> Sequence[PredictionT]:
        """From what the model said to `questions` a prediction for each example, as `score` takes them."""
        return said

    def without(self, input: InputT) -> Mapping[str, InputT]:
        """The same input with a part of it taken away, by what is left of it: what the tuned model makes of these
        tells in the report what each part adds. Nothing for a task whose inputs have no such parts."""
        return {}

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

    def mistake(self, prediction: PredictionT, answer: AnswerT) -> Mistake | None:
        """How a wrong prediction is told in the report; None for a right one, or where there is no telling."""
        return None

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

    def class_counts(self, answers: Sequence[AnswerT]) -> Sequence[int]:
        """Rows of each class, in the order of the logits; none for a task without classes."""
        classes = len(self.class_names())
        return np.bincount(self.row_classes(answers), minlength=classes).tolist() if classes else []

    def row_weights(self, answers: Sequence[AnswerT], remedy: Remedy) -> np.ndarray | None:
        """[N], how much each row counts under the remedy, 1 on average; None where all count alike."""
        if not remedy.row_weights:
            return None
        weights_N = np.array(remedy.row_weights)[self.row_classes(answers)]
        return weights_N / weights_N.mean()

    def usual_remedy(self, *, validated: bool) -> tuple[str, str] | None:
        """The remedy of a task for which none has to be found by comparing, and why. validated: whether there are
        validation rows."""
        return None

    def usable(self, method: str, remedy: Remedy) -> Remedy:
        """The remedy as this task applies it. Errors: ConfigError for one that makes no sense here."""
        return remedy

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

    def needs_placing(self) -> bool:
        """Whether `placed` has something to choose on validation rows."""
        return False

    def placed(self, predictions: Sequence[PredictionT], answers: Sequence[AnswerT]) -> Placed[Self]:
        """After training and remedy, by validation rows: where the task's own decisions lie."""
        return Placed(self)

    # ---- before training

    def more_features(self, inputs: Sequence[InputT]) -> np.ndarray | None:
        """float32 [N, E]: what untuned encoders of other things make of each input, beside what the model makes of
        its text; None where inputs are texts and nothing else."""
        return None

    def baselines(
        self, frozen: Frozen[InputT, AnswerT], seed: int
    ) -> Mapping[str, Callable[[], Sequence[PredictionT]]]:
        """What a tuned model must beat: by name, ways to predict frozen.judged that cost little. The first is the one
        that does not look at the input."""
        return {}

    def first_head(self, frozen: Frozen[InputT, AnswerT], seed: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Weights [C, K] and bias [C] with which the layer that makes the logits begins, fitted to what the untuned
        model gives it; None to begin at random."""
        return None

    def usual_epochs(self, answers: Sequence[AnswerT]) -> tuple[int, str]:
        """How often training shows the rows where the user leaves it open, and why. answers: of the training rows."""
        rows = len(answers)
        return min(10, max(3, round(10 * math.sqrt(1000 / max(1, rows))))), t("{rows} training rows", rows=rows)

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
