"""What the untuned model makes of examples: what baselines stand on, and the head begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from luthier.types import AnswerT, Example, InputT, Window

if TYPE_CHECKING:  # torch takes a second to import
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Features:
    """What the untuned model makes of N inputs; of an input of several windows the first counts.

    windows: [N]. vectors: [N, D], the last hidden states as the task pools them, and behind it what other encoders make
    of what is no text. head_inputs: [N, K], what
    the layer that makes the logits is given once for the whole input; None where there is no such layer. token_inputs:
    of each input [T, K], what that layer is given where it answers at every token. states: of each input [T, D] in
    bf16, what the last layer is given. parts: of pairs the vectors of the first and of the second text, [N, D] each,
    as the model reads them alone. The last three are empty unless asked for, and where they would be huge.
    """

    windows: Sequence[Window]
    vectors: np.ndarray
    head_inputs: np.ndarray | None = None
    token_inputs: Sequence[np.ndarray] = ()
    states: Sequence[Tensor] = ()
    parts: Sequence[np.ndarray] = ()

    def rows(self, numbers: Sequence[int]) -> Features:
        """Of some of the inputs."""

        def chosen(values: Sequence[Any]) -> Sequence[Any]:
            return [values[i] for i in numbers] if len(values) else values

        given = None if self.head_inputs is None else self.head_inputs[list(numbers)]
        tokens, states = chosen(self.token_inputs), chosen(self.states)
        parts = [part[list(numbers)] for part in self.parts]
        return Features(chosen(self.windows), self.vectors[list(numbers)], given, tokens, states, parts)


@dataclass(frozen=True, eq=False)
class Seen(Generic[InputT, AnswerT]):
    """Examples as the untuned model sees them. features: of all that the task asks about them, in its order. groups: of
    each example its windows with the answer in them, where the task counts tokens."""

    examples: Sequence[Example[InputT, AnswerT]]
    features: Features
    groups: Sequence[Sequence[Window]] = ()

    @property
    def answers(self) -> list[AnswerT]:
        return [example.answer for example in self.examples]


@dataclass(frozen=True, eq=False)
class Frozen(Generic[InputT, AnswerT]):
    """What was seen by the untuned model: of the training rows (a sample of very many), of the validation rows, and of
    those on which a run is judged. said: a prediction for each of these, of a task whose model speaks untuned."""

    train: Seen[InputT, AnswerT]
    validation: Seen[InputT, AnswerT] | None
    judged: Seen[InputT, AnswerT]
    said: Sequence[Any] = ()


LEAST_SPREAD = 0.05
"""Of what a head is given (within -1 and 1). A head that hangs on less would be thrown about by the first steps."""


@dataclass(frozen=True)
class Scaling:
    """Features to mean 0 and spread 1, as in the rows it was measured on.

    least: features that vary less than this are not blown up any further.
    """

    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, features_NF: np.ndarray, least: float = 1e-6) -> Scaling:
        return cls(features_NF.mean(0), np.maximum(features_NF.std(0), least))

    def __call__(self, features_NF: np.ndarray) -> np.ndarray:
        return (features_NF - self.mean) / self.spread

    def unscaled(self, weights_CK: np.ndarray, bias_C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The layer that says of features as they are what this one says of scaled ones."""
        weights_CK = weights_CK / self.spread
        return weights_CK, bias_C - weights_CK @ self.mean


def of_two(weights_CK: np.ndarray, bias_C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A row for each class: of two scikit-learn gives one, the second's log odds."""
    if len(weights_CK) > 1:
        return weights_CK, bias_C
    return np.concatenate([-weights_CK, weights_CK]) / 2, np.concatenate([-bias_C, bias_C]) / 2
