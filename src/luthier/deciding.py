"""How a task helps rare classes, and where its decisions lie: what remedies against imbalance ask of it, and what it
chooses on validation rows after training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import numpy as np

from luthier.balancing.remedy import Remedy
from luthier.calibrating.temperature import Nats
from luthier.errors import ConfigError
from luthier.language import t
from luthier.metrics.sureness import Sureness
from luthier.types import AnswerT

PredictionT = TypeVar("PredictionT")


@dataclass(frozen=True)
class Placed:
    """Where a task's decisions lie after training. task: a copy that knows what was chosen. shifts_C: what to add to
    the logits; None for nothing. note: what to tell the user; "" for nothing. apart: whether something lies in the
    Codec that plain transformers does not apply."""

    task: Any
    shifts_C: np.ndarray | None = None
    note: str = ""
    apart: bool = False


class Deciding(ABC, Generic[AnswerT, PredictionT]):
    """By default a task without classes, whose answers are what the model says most."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The task's."""

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

    def usable(self, method: str, remedy: Remedy, *, validated: bool) -> Remedy:
        """The remedy of that name as this task applies it. Errors: ConfigError for one that makes no sense here."""
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

    # ---- how sure it says it is

    def calibrates(self) -> bool:
        """Whether its answers are probabilities that a temperature can mend."""
        return False

    def sureness(self, predictions: Sequence[PredictionT], answers: Sequence[AnswerT]) -> Sureness | None:
        """How sure the model is of what it says, and whether that is right; None where it says no probabilities."""
        return None

    def temperature_nats(
        self, predictions: Sequence[PredictionT], answers: Sequence[AnswerT]
    ) -> tuple[Nats, int] | None:
        """What a temperature is chosen by, and of how many rows; None where it has no meaning."""
        return None

    def tempered(self, predictions: Sequence[PredictionT], temperature: float) -> list[PredictionT]:
        """What the model would say with its logits divided by the temperature, no answer being refused."""
        return list(predictions)

    def with_temperature(self, temperature: float) -> Self:
        """A copy that divides the logits itself, for a model whose head cannot take it."""
        return self

    # ---- decisions of its own

    def check_parts(self, *, validated: bool) -> None:
        """validated: whether there are validation rows. Errors: ConfigError for options that need them."""
        return

    def needs_placing(self) -> bool:
        """Whether `placed` has something to choose on validation rows."""
        return False

    def placed(self, predictions: Sequence[PredictionT], answers: Sequence[AnswerT]) -> Placed:
        """After training and remedy, by validation rows: where the task's own decisions lie."""
        return Placed(self)
