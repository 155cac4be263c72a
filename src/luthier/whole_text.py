"""Tasks whose answer is about the input as a whole: what they have in common, and other tasks have not."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.deciding import PredictionT
from luthier.errors import ConfigError
from luthier.language import t
from luthier.task import AnyTask, Task
from luthier.types import AnswerT, InputT


@dataclass(frozen=True)
class WholeText(Task[InputT, AnswerT, PredictionT]):
    """Each input is one window, and each answer outlives a word that is dropped, moved or replaced. So a linear model
    on features of the whole text can answer too, which is how baselines, learning curves and cheap trials work."""

    def parts(self, input: InputT) -> Sequence[InputT]:
        """The two texts of a pair, each as an input of its own; none of anything else. What is cheap to know of a pair
        is how alike the two are."""
        return ()

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

    def decide_linear(self, model: Any, features: Any, answers: Sequence[AnswerT], seed: int) -> Any:
        """Such a model with its decisions placed as rows that it did not learn from ask for."""
        return model

    def head_from_linear(self, model: Any) -> tuple[np.ndarray, np.ndarray] | None:
        """Such a model as weights [C, K] and bias [C] of a layer that makes this task's logits; None where it is
        no such thing."""
        return None


AnyWholeText = WholeText[Any, Any, Any]


def as_whole_text(task: AnyTask, key: str, fix: str) -> AnyWholeText:
    """The task itself. key, fix: the setting that asks for more than other tasks can do, and what to do instead.
    Errors: ConfigError for a task whose answers hang on single words."""
    if isinstance(task, WholeText):
        return task
    what = t("{task} does not give one answer to a whole text", task=task.name)
    raise ConfigError.at(key, what, fix, code="conflict")
