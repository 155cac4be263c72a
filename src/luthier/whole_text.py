"""Tasks whose answer is about the input as a whole: what they have in common, and other tasks have not."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from luthier.claims import LOG_ODDS, Claim, Outputs, log_odds
from luthier.deciding import PredictionT
from luthier.errors import ConfigError, shown
from luthier.formats.cells.pairs import Text, given_text
from luthier.graphed import Graphed
from luthier.language import t
from luthier.task import AnyTask, Task
from luthier.text.tokenizer import TextRule
from luthier.types import AnswerT, InputT, Window

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class WholeText(Graphed, Task[InputT, AnswerT, PredictionT]):
    """Each input is one window, and each answer outlives a word that is dropped, moved or replaced. So a linear model
    on features of the whole text can answer too, which is how baselines, learning curves and cheap trials work."""

    head_strengths: ClassVar[tuple[float, ...]] = (0.03, 0.003, 0.3)
    """Inverse regularisation of the linear model that the head begins with; of several the best on validation."""

    def parts(self, input: InputT) -> Sequence[InputT]:
        """The two texts of a pair, each as an input of its own; none of anything else. What is cheap to know of a pair
        is how alike the two are."""
        return ()

    def alike(self, targets_MS: np.ndarray) -> np.ndarray:
        """float32 [M, M], 0 to 1: how much two rows want the same answer. targets: as `attach` makes them. Errors:
        ConfigError for a task whose answers are no classes."""
        what = t("{task} has no classes by which texts could be alike", task=self.name)
        fix = t("tuning.method=full; few_shot is for classification and multi-label classification")
        raise ConfigError.at("tuning.method", what, fix, code="conflict")

    def check_teacher(self, teacher: Any) -> None:
        """teacher: the task of a model of this kind that a student is to imitate. Errors: ConfigError where it does not
        tell the same classes, or models of this task cannot be imitated."""
        self._refuse_imitation()

    def taught_logits(self, teacher: Any, logits_NC: np.ndarray) -> np.ndarray:
        """The teacher's logits as this task's model should give them. teacher: its task."""
        return logits_NC

    def imitation(self, logits_BC: Tensor, taught_BC: Tensor, temperature: float) -> Tensor:
        """How far a student is from its teacher: the SUM over targets, as `loss`. logits, taught: float32."""
        return self._refuse_imitation()

    def _refuse_imitation(self) -> NoReturn:
        what = t("models of {task} cannot be imitated", task=self.name)
        raise ConfigError.at("distil", what, t("leave out distil"), code="conflict")

    def _check_classes(self, teacher: Any) -> None:
        ours, theirs = list(self.class_names()), list(teacher.class_names())
        if ours != theirs:
            odd = sorted(set(ours) ^ set(theirs))
            names = ", ".join(map(shown, odd[:5]))
            what = t("tells {theirs} classes, the training rows have {ours}; only one of them has {names}",
                     theirs=len(theirs), ours=len(ours), names=names)  # fmt: skip
            fix = t("train the student on rows of the same classes")
            raise ConfigError.at("distil.teacher", what, fix, code="conflict")

    def claim(self, name: str, input: InputT, text: TextRule, read: Callable[[Outputs], Any], unit: str) -> Claim:
        """One that outlives every change of the words: its number is the mean over the windows of an input."""
        windows = self.encode([input], text)[0]
        count = len(windows)
        return Claim(
            name, windows, self.outputs, lambda said: read(said) / count, unit,
            again=lambda changed: self.encode([changed], text)[0],
        )  # fmt: skip

    def decided(self, outputs: Outputs) -> Any:
        """The logits by which is decided, [B, C], of either library."""
        return outputs["logits"]

    def claims(self, input: InputT, prediction: PredictionT, text: TextRule) -> Sequence[Claim]:
        """The likeliest class against all others; of a row that was refused, that none of them is likely."""
        said_C = self.probabilities(prediction)
        if said_C is None:
            return ()
        classes = len(self.class_names())
        number, sign = int(said_C[:classes].argmax()), -1.0 if int(said_C.argmax()) >= classes else 1.0
        name = str(self.show(prediction)["label"])
        return [self.claim(name, input, text, lambda said: sign * log_odds(self.decided(said), [number]), LOG_ODDS)]

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


@dataclass(frozen=True)
class TextOrPair(WholeText[Text, AnswerT, PredictionT]):
    """both_orders: of pairs of which neither text is the first by rights (paraphrase, likeness), both orders are learnt
    and the answer is the mean of what is said to both, so that turning a pair round changes nothing."""

    both_orders: bool = False

    def as_input(self, value: Any) -> Text:
        return given_text(value, self.format.parse_input)

    def encode(self, inputs: Sequence[Text], text: TextRule) -> list[list[Window]]:
        windows = [[window] for window in text.windows(inputs)]
        if self.both_orders:
            pairs = [i for i, input in enumerate(inputs) if isinstance(input, tuple)]
            for i, turned in zip(pairs, text.windows([(inputs[i][1], inputs[i][0]) for i in pairs]), strict=True):
                windows[i].append(turned)
        return windows

    def decode(self, input: Text, windows: Sequence[Window], inferred: Sequence[PredictionT]) -> PredictionT:
        return inferred[0] if len(inferred) == 1 else sum(inferred[1:], start=inferred[0]) / len(inferred)  # type: ignore

    def plain_use(self) -> str:
        both = ";\nLuthier's answer to a pair is the mean of both orders" if self.both_orders else ""
        return super().plain_use() + both

    def parts(self, input: Text) -> Sequence[Text]:
        return input if isinstance(input, tuple) else ()


AnyWholeText = WholeText[Any, Any, Any]


def as_whole_text(task: AnyTask, key: str, fix: str) -> AnyWholeText:
    """The task itself. key, fix: the setting that asks for more than other tasks can do, and what to do instead.
    Errors: ConfigError for a task whose answers hang on single words."""
    if isinstance(task, WholeText):
        return task
    what = t("{task} does not give one answer to a whole text", task=task.name)
    raise ConfigError.at(key, what, fix, code="conflict")
