"""What the untuned model makes of examples: what baselines stand on, and the head begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from luthier.types import AnswerT, Example, InputT, Window

if TYPE_CHECKING:  # torch takes a second to import, numpy a tenth
    import numpy as np
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
    """Examples as the untuned model sees them. features: of all that the task asks about them, in its order."""

    examples: Sequence[Example[InputT, AnswerT]]
    features: Features

    @property
    def answers(self) -> list[AnswerT]:
        return [example.answer for example in self.examples]


@dataclass(frozen=True, eq=False)
class Frozen(Generic[InputT, AnswerT]):
    """What was seen by the untuned model: of the training rows (a sample of very many), of the validation rows, and of
    those on which a run is judged."""

    train: Seen[InputT, AnswerT]
    validation: Seen[InputT, AnswerT] | None
    judged: Seen[InputT, AnswerT]
