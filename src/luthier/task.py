"""What a task is: everything that differs between, say, classification and entities, behind one set of methods.

A task is a frozen dataclass in a file of its own under tasks/. Its plain fields are its YAML options; fields made
with learned() are what `learn` fills. Together they are its saved state.
"""

from __future__ import annotations

import importlib
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

import numpy as np

from luthier.balancing.sampling import Sampling
from luthier.claims import Claiming
from luthier.deciding import Deciding, PredictionT
from luthier.formats.format import AnyFormat
from luthier.language import t
from luthier.models.pooling import masked_mean
from luthier.objective import Joint, Loss
from luthier.saved import Saved
from luthier.seen import Frozen
from luthier.text.tokenizer import TextRule, token_lengths
from luthier.types import AnswerT, Batch, Choice, Example, Finding, InputT, LabelledBatch, LabelledWindow, Window

if TYPE_CHECKING:  # torch takes a second to import
    from tokenizers import Tokenizer
    from torch import Tensor
    from transformers import PreTrainedModel

    from luthier.models.load import Loaded, LoadedTokenizer
    from luthier.types import Mistake


def task_class(name: str) -> type[AnyTask]:
    """The Task subclass that tasks/<name>.py defines. Errors: ModuleNotFoundError where there is no such file."""
    module = importlib.import_module(f"luthier.tasks.{name}")
    own = [part for part in vars(module).values() if getattr(part, "__module__", None) == module.__name__]
    (found,) = (part for part in own if isinstance(part, type) and issubclass(part, Task))
    return found


@dataclass(frozen=True)
class Task(Saved, Claiming, Deciding[AnswerT, PredictionT], Generic[InputT, AnswerT, PredictionT]):
    """InputT: what is asked. AnswerT: what is right. PredictionT: what the model says, with all its scores."""

    auto_class: ClassVar[str]
    """The transformers class of the model, such as AutoModelForSequenceClassification."""
    architecture: ClassVar[str] = ""
    """The module of ours without which transformers does not know the saved model; "" where it does."""
    format: ClassVar[AnyFormat]
    """How its rows look."""
    plainly: ClassVar[str] = "gives the same labels for inputs of up to {max_length} tokens"
    """What plain transformers does with the saved model, for the model card."""
    reads_texts: ClassVar[bool] = True
    """Whether a text alone can be an input."""
    most_seen: ClassVar[int] = 20_000
    """Training rows that baselines and the head's beginning learn from at most."""
    fits_untuned: ClassVar[bool] = True
    """Whether a baseline or the head's beginning is fitted to what the untuned model makes of the training rows; where
    not, the untuned model looks at the judged rows alone."""
    speaks_untuned: ClassVar[bool] = False
    """Whether the pretrained model answers by itself, so that what it says to the judged rows is a baseline. Such a
    model may say any token, not only those that were met in the data."""
    counts_tokens: ClassVar[bool] = False
    """Whether a baseline counts the tokens of the rows, as they are encoded for training."""
    joins: ClassVar[bool] = False
    """Whether the texts of training are joined, and cut into blocks that are all as long as a model input may be."""
    packs: ClassVar[bool] = False
    """Whether targets stand at tokens and the loss of each hangs on its own window alone, so that several windows may
    share a row."""
    most_request_bytes: ClassVar[int] = 2**20
    """Of one request to a server."""

    @property
    def name(self) -> str:
        """The file's name."""
        return type(self).__module__.rpartition(".")[2]

    def plain_use(self) -> str:
        """As `plainly`, of this very task."""
        return self.plainly

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

    def fitted(self, folder: Path) -> tuple[Self, list[Choice]]:
        """As `settle`, for options that the pretrained model in the folder decides. Errors: ConfigError for one that
        does not fit it."""
        return self, []

    def with_tokenizer(self, tokenizer: LoadedTokenizer) -> tuple[Self, LoadedTokenizer, list[Choice]]:
        """A copy for a model with this tokenizer, the tokenizer with the tokens that the task needs besides, and what
        was chosen. Before anything is encoded. Errors: ConfigError, ModelError for one that does not do."""
        return self, tokenizer, []

    def row_lengths(self, examples: Sequence[Example[InputT, AnswerT]], tokenizer: Tokenizer) -> np.ndarray:
        """Tokens of each text that the model is asked about in learning from the examples, not cut. int64 [N]."""
        return token_lengths(tokenizer, self.measured(examples))

    def taught(
        self, examples: Sequence[Example[InputT, AnswerT]], text: TextRule
    ) -> tuple[list[Example[InputT, AnswerT]], list[Finding]]:
        """The examples as this model can learn from them: a row may become several, or none; and what there is to tell.
        Rows that an error is about cannot be judged either."""
        return list(examples), []

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

    def mapped(self, input: InputT, change: Callable[[str], str]) -> InputT:
        """What the model is asked, with every text in it changed, as cleaning does."""
        return self.format.map_texts(input, change)

    @abstractmethod
    def encode(self, inputs: Sequence[InputT], text: TextRule) -> list[list[Window]]:
        """For each input its windows, one or more. It has no way to see the answers, so that training and serving
        cannot differ."""

    def asked(self, inputs: Sequence[InputT], text: TextRule) -> list[list[Window]]:
        """For each input the windows by which it is answered: those of `encode`, unless an answer takes more."""
        return self.encode(inputs, text)

    @abstractmethod
    def attach(self, window: Window, answer: AnswerT, text: TextRule) -> LabelledWindow:
        """Adds the targets; where the answer is part of the model's input (language models), appends it."""

    def lesson(self, example: Example[InputT, AnswerT]) -> InputT:
        """What is encoded of an example of training, before its answer is attached."""
        return example.input

    def joined(self, windows: Sequence[LabelledWindow], text: TextRule) -> list[LabelledWindow]:
        """The windows of all training texts, in order, as training is to have them."""
        return list(windows)

    def seen_at(self, window: LabelledWindow, text: TextRule, draw: tuple[int, int, int]) -> LabelledWindow:
        """A window of training as a step sees it. draw: the run's seed, the step and the window's number, of which
        alone what is random in it is a function."""
        return window

    @abstractmethod
    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        """The SUM of the loss over batch.num_targets targets, a float32 scalar. Never the mean."""

    def objective(self) -> Loss | Joint:
        """What a training step makes less: the sum of `loss` over its batches, or a loss that needs the whole step."""
        return self.loss

    @abstractmethod
    def infer(self, model: Any, batch: Batch) -> Sequence[Any]:
        """What the model says, one item a window. model: anything called like the transformers model."""

    def spelled(self, inferred: Sequence[Any], text: TextRule) -> Sequence[Any]:
        """What the model said of the windows of one input, with token ids turned into text where it said any."""
        return inferred

    @abstractmethod
    def decode(self, input: InputT, windows: Sequence[Window], inferred: Sequence[Any]) -> PredictionT:
        """Puts the windows of one input together."""

    def pooled(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """[B, D]: a vector for each text from the model's last hidden states; mask: 1 at real tokens."""
        return masked_mean(states_BTD, mask_BT)

    def questions(self, examples: Sequence[Example[InputT, AnswerT]]) -> list[InputT]:
        """All that the model is asked so that these examples can be scored: their inputs, and what these are held
        against."""
        return [example.input for example in examples]

    def measured(self, examples: Sequence[Example[InputT, AnswerT]]) -> list[Any]:
        """The texts, or pairs, by whose lengths train.max_length is chosen."""
        return [self.format.plain_text(asked) for asked in self.questions(examples)]

    def checked(self) -> Self:
        """A copy by which validation rows are judged during training, where all that is asked at the end would cost
        too much after every epoch."""
        return self

    def scored(
        self, examples: Sequence[Example[InputT, AnswerT]], said: Sequence[PredictionT]
    ) -> Sequence[PredictionT]:
        """From what the model said to `questions` a prediction for each example, as `score` takes them."""
        return said

    def relocated(self, prediction: PredictionT, read: InputT, written: InputT) -> PredictionT:
        """A prediction about an input that was cleaned before it was read, as one about the input as it was written:
        what points into its text has to move."""
        return prediction

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

    def counted(self, predictions: Sequence[PredictionT]) -> Mapping[str, int]:
        """Of scores in which not every prediction has a part, how many have."""
        return {}

    def details(self, predictions: Sequence[PredictionT], answers: Sequence[AnswerT]) -> dict[str, Any]:
        """Tables for the report, JSON-able: per class, confusion, reliability …"""
        return {}

    def mistake(self, prediction: PredictionT, answer: AnswerT) -> Mistake | None:
        """How a wrong prediction is told in the report; None for a right one, or where there is no telling."""
        return None

    def vector(self, prediction: PredictionT) -> np.ndarray | None:
        """[D], where a prediction is a vector."""
        return None

    def probabilities(self, prediction: PredictionT) -> np.ndarray | None:
        """[C], of the classes among which the model chose one; None for a task that does not choose one of several."""
        return None

    @classmethod
    def own_data(cls, options: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Of each part that has data files of its own the settings by which it would be read alone: `task` and `data`.
        options: the task's, as the user wrote them. Nothing for a task whose rows are those of data.train."""
        return {}

    def trained_alone(self) -> Mapping[str, AnyTask]:
        """By name the parts that are to be trained by themselves too, to be compared."""
        return {}

    def windows_shown(self, windows: Sequence[LabelledWindow]) -> Sampling | None:
        """Which of the training windows an epoch shows, where the task has a say in it; None: each once."""
        return None

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

    def heads_alone(
        self, model: PreTrainedModel, frozen: Frozen[InputT, AnswerT] | None
    ) -> Iterator[tuple[PreTrainedModel, AnyTask, Frozen[Any, Any] | None]]:
        """The heads of the model, each as a model with the task that it is for and what it saw: each begins by itself.
        frozen: None on processes that did not look."""
        yield model, self, frozen

    def usual_epochs(self, answers: Sequence[AnswerT]) -> tuple[int, str]:
        """How often training shows the rows where the user leaves it open, and why. answers: of the training rows."""
        rows = len(answers)
        return min(10, max(3, round(10 * math.sqrt(1000 / max(1, rows))))), t("{rows} training rows", rows=rows)


AnyTask = Task[Any, Any, Any]
