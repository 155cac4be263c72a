"""What passes between rooms. Everything is frozen: a room returns a new value, it never edits one.

Letters in array and tensor names: B windows in a batch, T token positions, S target positions, C classes,
V vocabulary, D hidden size, N rows (examples), R resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from luthier.errors import Place

if TYPE_CHECKING:  # torch takes a second to import, numpy a tenth; `luthier --help` must not pay for them
    import numpy as np
    from torch import Tensor

InputT = TypeVar("InputT")
AnswerT = TypeVar("AnswerT")

PARTS = ("train", "validation", "test")
"""train moves weights, validation chooses among what was trained, test is looked at once, at the end."""

IGNORE = -100
"""A position without a target: torch's cross_entropy skips it, and nobody counts it."""

IDS = "input_ids"
"""How the names of arrays of token ids end."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the user's file. number: from 0, its id in splits. place: its file and line."""

    values: Mapping[str, Any]
    place: Place
    number: int = 0


@dataclass(frozen=True)
class Column:
    """A column that is read. usual: the names by which people call it, nearest first. several: it may be spread over
    several columns that hold 0 and 1 each, which are then read as name:theirs. key: the setting that names it,
    data.columns.<name> where none is given."""

    name: str
    usual: tuple[str, ...] = ()
    required: bool = True
    is_answer: bool = False
    several: bool = False
    key: str = ""

    @property
    def setting(self) -> str:
        return self.key or f"data.columns.{self.name}"


@dataclass(frozen=True, slots=True)
class Example(Generic[InputT, AnswerT]):
    """One thing to learn from. Input and answer are hashable: splits and checks compare them.

    row: the row's number in its file. group: what must not be torn apart by a split ("" where nothing). written: what
    a check over all rows must know of how the answer stood in the file, such as the type of a label; None where nobody
    asks; an immutable value that many rows share. mark: what a split by time or by column goes by.
    """

    input: InputT
    answer: AnswerT
    place: Place = field(default=Place("memory"), compare=False)
    row: int = field(default=0, compare=False)
    group: str = field(default="", compare=False)
    written: Any = field(default=None, compare=False)
    mark: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One encoded model input. A long input may become several windows.

    arrays: the model's keyword arguments by name, [T, …] each: input_ids, token_type_ids, pixel_values …; each is
        padded on its first axis by itself. What ends in input_ids is token ids, and gets an attention mask of its own.
    spans: int [T, 2], (start, end) in characters of the input's text, (0, 0) for special tokens; None for
        tasks that never point back into the text.
    cut: tokens of the input that did not fit.
    """

    arrays: Mapping[str, np.ndarray]
    spans: np.ndarray | None = None
    cut: int = 0

    def __len__(self) -> int:
        """Tokens."""
        return sum(len(ids) for name, ids in self.arrays.items() if name.endswith(IDS))


@dataclass(frozen=True, slots=True, eq=False)
class LabelledWindow:
    """A window with what should be predicted from it.

    targets: [S, …] class numbers or IGNORE (int64), or numbers (float32). S is the task's own: 1 for a class, T for a
        class a token.
    example: the number of the row that it is of, among those that were encoded with it.
    """

    window: Window
    targets: np.ndarray
    example: int = 0

    def __len__(self) -> int:
        return len(self.window)


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows padded to one length.

    tensors: the model's keyword arguments, [B, T, …] each. lengths: real tokens of each window, without padding.
    places: bool [B, T], which tokens stand for a piece of the text; None where windows point nowhere.
    """

    tensors: Mapping[str, Tensor]
    lengths: tuple[int, ...]
    places: Tensor | None = None

    @property
    def num_tokens(self) -> int:
        """Real tokens."""
        return sum(self.lengths)

    @property
    def padded(self) -> int:
        """Tokens with the padding."""
        return sum(ids.numel() for name, ids in self.tensors.items() if name.endswith(IDS))

    def to(self, device: str) -> Batch:
        places = None if self.places is None else self.places.to(device)
        return Batch({name: tensor.to(device) for name, tensor in self.tensors.items()}, self.lengths, places)


@dataclass(frozen=True, eq=False)
class LabelledBatch:
    """A batch with its targets.

    targets: [B, S, …], padded with IGNORE. numbers: which windows of the training data these are.
    num_targets: how many of the targets count. The loss is a sum over these and is divided later, once.
    """

    inputs: Batch
    targets: Tensor
    num_targets: int
    numbers: tuple[int, ...] = ()

    def to(self, device: str) -> LabelledBatch:
        return LabelledBatch(self.inputs.to(device), self.targets.to(device), self.num_targets, self.numbers)


@dataclass(frozen=True)
class Step:
    """What one optimiser step did, over all accumulated micro-batches of all processes.

    number: 1 for the first step of the run. loss: mean per target, in nats. num_tokens: real tokens.
    padded_tokens: with padding. grad_norm: L2, before clipping. applied: False where the loss or a gradient
    was not finite, so that the weights stayed as they were. num_windows: model inputs.
    """

    number: int
    loss: float
    num_windows: int
    num_targets: int
    num_tokens: int
    padded_tokens: int
    learning_rate: float
    grad_norm: float
    applied: bool = True


@dataclass(frozen=True)
class Mistake:
    """answer, said: as people read them. weight: how bad it is; the worst are shown first."""

    answer: str
    said: str
    weight: float


@dataclass(frozen=True)
class Score:
    """One number about predictions.

    n: how many examples it was counted over. low, high: ends of the 95 % bootstrap interval, None where no
    interval was asked for.
    """

    name: str
    value: float
    n: int
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True

    @property
    def goodness(self) -> float:
        """The value with the sign that makes more better."""
        return self.value if self.higher_is_better else -self.value

    def as_json(self) -> dict[str, Any]:
        names = ("name", "value", "low", "high", "n", "higher_is_better")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f"  [{self.low:.4f}, {self.high:.4f}]"
        return f"{self.name} {self.value:.4f}{interval}"


@dataclass(frozen=True)
class Report:
    """An evaluation. The first score is the task's main one: it chooses the best checkpoint.

    predictions: the task's own objects, one an example, in the order of the examples.
    """

    scores: tuple[Score, ...]
    predictions: Sequence[Any] = field(default=(), repr=False)

    @property
    def main(self) -> Score:
        return self.scores[0]

    def __getitem__(self, name: str) -> float:
        """The value of a score by its name. Errors: KeyError where there is none."""
        for score in self.scores:
            if score.name == name:
                return score.value
        raise KeyError(name)

    def __str__(self) -> str:
        return "\n".join(map(str, self.scores))


@dataclass(frozen=True)
class Finding:
    """Something about the data that the user should know.

    severity: "error" for rows that cannot be used or results that cannot be trusted (training stops),
    "warning" for what training goes on with. code: kebab-case, never changes. rows: the most suspect first; where a
    finding is about pairs, `other` has for each row the one that it is a pair with. suggested: for each row the label
    that it should rather have, where that is what the finding is about.
    """

    severity: str
    code: str
    message: str
    fix: str
    rows: Sequence[Place] = ()
    other: Sequence[Place] = ()
    suggested: Sequence[str] = ()

    @property
    def count(self) -> int:
        return len(self.rows)

    def as_json(self) -> dict[str, Any]:
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "count": self.count,
            "rows": [place.as_json() for place in self.rows],
            **({"other": [place.as_json() for place in self.other]} if self.other else {}),
            **({"suggested": list(self.suggested)} if self.suggested else {}),
            "fix": self.fix,
        }


@dataclass(frozen=True)
class Choice:
    """A default that was chosen from the data, the model or the machine. key: the config key that sets it."""

    key: str
    value: Any
    reason: str
