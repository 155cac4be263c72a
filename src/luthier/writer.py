"""Tasks whose answer is a text that the model writes: what they have in common, and other tasks have not.

Such a model is asked two things: how likely it finds the right answer, which is what training makes larger, and, for
some of the rows, what it would write itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

import numpy as np

from luthier.errors import ConfigError, shown
from luthier.evaluation.baselines import word_counter
from luthier.language import t
from luthier.metrics.texts import NAMES as TEXT_SCORES
from luthier.metrics.texts import text_figures, text_scores
from luthier.saved import learned
from luthier.seen import Frozen
from luthier.task import Task
from luthier.text.scripts import about_tokens, is_spaced, text_language
from luthier.text.tokenizer import TextRule
from luthier.types import IGNORE, AnswerT, Batch, Choice, Example, InputT, LabelledBatch, Window

if TYPE_CHECKING:
    from torch import Tensor

    from luthier.chat.calling import CallForm
    from luthier.writing.generate import Generation

TARGETS, WEIGHTS = "targets", "weights"
"""Arrays of a window that asks how likely an answer is: at each position 1 + the token that belongs there, 0 where none
is asked for; and how much each counts."""
_LEAST_NEW, _MOST_NEW = 16, 1024
"""Tokens that an answer may have, where the training answers decide."""
_MOST_LOSS = 80.0


@dataclass(frozen=True)
class Judged(Generic[InputT, AnswerT]):
    """The question how likely this answer is to this input."""

    input: InputT
    answer: AnswerT


@dataclass(frozen=True, eq=False)
class Continued:
    """Token ids that a model wrote. stopped: by itself, not because there was no more room."""

    ids: Sequence[int]
    stopped: bool


@dataclass(frozen=True, eq=False)
class Written:
    """text: what the model wrote; None where it was not asked to. nll: of the right answer, the sum over its learnt
    tokens in nats, NaN where that was not asked. learnt: how many tokens these are, each times its weight. tokens: of
    the text. stopped: as in Continued. figures: what the scores of a text are made of. chances: of the texts that it
    could be, where these are few."""

    text: str | None = None
    nll: float = math.nan
    learnt: float = 0.0
    tokens: int = 0
    stopped: bool = True
    figures: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    chances: tuple[float, ...] = ()


@dataclass(frozen=True)
class Writer(Task[InputT, AnswerT, Written]):
    """samples: judged rows that are answered by writing; the others are only asked how likely the right answer is.
    max_new_tokens: of a text that is written; None chooses by the training answers. num_beams: texts that are followed
    at once. label_smoothing: share of each target that is spread over all tokens.
    """

    fits_untuned: ClassVar[bool] = False
    speaks_untuned: ClassVar[bool] = True
    packs: ClassVar[bool] = True
    main_is_text: ClassVar[bool] = False
    """Whether the first score is one of the written text, so that validation rows have to be answered by writing."""
    checked_samples: ClassVar[int] = 50
    reads_plain: ClassVar[bool] = True
    """Whether the model says of any text how likely it is, as an encoder with a decoder does not."""
    converses: ClassVar[bool] = False
    """Whether an input may be a conversation, as {"messages": […], "tools": […]}."""

    samples: int = 100
    max_new_tokens: int | None = None
    num_beams: int = 1
    label_smoothing: float = 0.0
    stop_ids: tuple[int, ...] = learned(())
    pad_id: int = learned(0)
    asked_how: Mapping[str, Any] | None = learned(None)

    def __post_init__(self) -> None:
        whole = t("use a whole number from {least}", least=1)
        wrong = None
        if self.samples < 0:
            wrong = "samples", self.samples, t("use a whole number from 0")
        elif self.max_new_tokens is not None and self.max_new_tokens < 1:
            wrong = "max_new_tokens", self.max_new_tokens, whole
        elif self.num_beams < 1:
            wrong = "num_beams", self.num_beams, whole
        elif not 0 <= self.label_smoothing < 1:
            wrong = "label_smoothing", self.label_smoothing, t("use a number from 0, less than 1")
        if wrong is not None:
            key, value, fix = wrong
            raise ConfigError.at(f"task.{key}", t("is {value}", value=shown(value)), fix, code="out-of-range")

    # ---- from the user's rows

    def settle(self, answers: Sequence[AnswerT]) -> tuple[Self, list[Choice]]:
        if self.max_new_tokens is not None:
            return self, []
        texts = [self.format.answer_text(answer) for answer in answers]
        lengths = [about_tokens(text, spaced=is_spaced(text_language(text))) for text in texts]
        return self.with_room(math.ceil(float(np.quantile(lengths, 0.99))) if lengths else 0)

    def with_room(self, usual: int) -> tuple[Self, list[Choice]]:
        """usual: tokens that nearly no training answer has more of."""
        value = min(_MOST_NEW, max(_LEAST_NEW, round(1.25 * usual)))
        reason = t("99 % of the training answers have at most about {count} tokens", count=usual)
        return replace(self, max_new_tokens=value), [Choice("max_new_tokens", value, reason)]

    def mapped(self, input: Any, change: Callable[[str], str]) -> Any:
        if not isinstance(input, Judged):
            return self.format.map_texts(input, change)
        after = self.format.map_texts(input.input, change)
        return Judged(after, self.format.map_answer(input.answer, change, input.input, after))

    # ---- to the model and back

    @property
    def writes(self) -> bool:
        """Whether an answer is written token by token."""
        return True

    @property
    def chooses(self) -> bool:
        """Whether an answer is the likeliest of a few texts."""
        return False

    def how(self) -> Generation:
        """How texts are written where nobody says otherwise: the likeliest token at each step."""
        from luthier.writing.generate import Generation

        usual = Generation(max_new_tokens=self.max_new_tokens or _MOST_NEW, num_beams=self.num_beams)
        return replace(usual, **self.asked_how) if self.asked_how else usual

    def call_form(self, text: TextRule) -> CallForm | None:
        """How calls of tools stand in its answers; None where they stand in none, or cannot be read."""
        return None

    def writing(self, **how: Any) -> Self:
        """A copy that writes in another way than the one that was evaluated. how: fields of a Generation."""
        return replace(self, asked_how=how)

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        from luthier.writing.likelihood import learnt_loss

        given = batch.inputs.tensors
        return learnt_loss(model, _for_model(given), batch.targets, given.get(WEIGHTS), self.label_smoothing)

    def infer(self, model: Any, batch: Batch) -> Sequence[Written | Continued]:
        if TARGETS in batch.tensors:
            return self._likelihoods(model, batch)
        ids_BT = batch.tensors["input_ids"].cpu().numpy()
        prompts = [row[:length] for row, length in zip(ids_BT, batch.lengths, strict=True)]
        return self.continued(model, prompts, self.how(), str(batch.tensors["input_ids"].device))

    def continued(
        self, model: Any, prompts: Sequence[np.ndarray], how: Generation, device: str, **more: Any
    ) -> list[Continued]:
        """What the model writes after each prompt, as `encode` made it: the one way by which evaluation, prediction
        and the server get their texts. more: of `write`, such as on_token."""
        from luthier.writing.generate import write

        found = write(model, prompts, how, stop_ids=self.stop_ids, pad_id=self.pad_id, device=device, **more)
        return [Continued(ids, stopped) for ids, stopped in found]

    def _likelihoods(self, model: Any, batch: Batch) -> list[Written]:
        from luthier.writing.likelihood import token_nlls

        given = batch.tensors
        targets_BT = given[TARGETS].long() - 1
        targets_BT = targets_BT.masked_fill(targets_BT < 0, IGNORE)
        weights_BT = given.get(WEIGHTS)
        nll_B = token_nlls(model, _for_model(given), targets_BT, weights_BT)
        asked_BT = (targets_BT != IGNORE).float()
        learnt_B = (asked_BT if weights_BT is None else asked_BT * weights_BT).sum(1)
        return [Written(nll=nll, learnt=learnt) for nll, learnt in zip(nll_B.tolist(), learnt_B.tolist(), strict=True)]

    def log_likelihood(self, model: Any, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """ln_p [B], of the learnt tokens together; with a gradient where torch records one."""
        from luthier.writing.likelihood import row_nlls

        targets_BT = tensors[TARGETS].long() - 1
        targets_BT = targets_BT.masked_fill(targets_BT < 0, IGNORE)
        return {"ln_p": -row_nlls(model, _for_model(tensors), targets_BT, tensors.get(WEIGHTS))}

    def spelled(self, inferred: Sequence[Written | Continued], text: TextRule) -> Sequence[Written]:
        return [self.worded(said, text) if isinstance(said, Continued) else said for said in inferred]

    def worded(self, said: Continued, text: TextRule) -> Written:
        """Token ids as text, without the token that ends it."""
        ids = [i for i in said.ids if i not in self.stop_ids]
        words = text.tokenizer.decode(ids, skip_special_tokens=True).strip()
        return Written(words, tokens=len(said.ids), stopped=said.stopped)

    def decode(self, input: Any, windows: Sequence[Window], inferred: Sequence[Written]) -> Written:
        return inferred[0]

    # ---- judged

    def plainly_asked(self, text: str) -> Judged[Any, Any] | None:
        """The question how likely a text is by itself; None where it is asked of each token after those before it."""
        return None

    def measured(self, examples: Sequence[Example[InputT, AnswerT]]) -> list[str]:
        return [self.format.whole_text(example.input, example.answer) for example in examples]

    def questions(self, examples: Sequence[Example[InputT, AnswerT]]) -> list[Any]:
        """How likely each right answer is, then the inputs that are to be answered."""
        judged: list[Any] = [Judged(example.input, example.answer) for example in examples]
        return judged + [examples[i].input for i in self._sampled(len(examples))]

    def checked(self) -> Self:
        return replace(self, samples=min(self.samples, self.checked_samples) if self.main_is_text else 0)

    def scored(self, examples: Sequence[Example[InputT, AnswerT]], said: Sequence[Written]) -> Sequence[Written]:
        judged = list(said[: len(examples)])
        for i, written in zip(self._sampled(len(examples)), said[len(examples) :], strict=True):
            judged[i] = replace(self._compared(examples[i], written), nll=judged[i].nll, learnt=judged[i].learnt)
        return judged

    def score(
        self, predictions: Sequence[Written], answers: Sequence[AnswerT], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        likelihood = _likelihood_scores(predictions, weights_RN)
        answered = [i for i, said in enumerate(predictions) if said.figures]
        texts = text_scores([predictions[i].figures for i in answered], weights_RN[:, answered]) if answered else {}
        first = dict(list(texts.items())[:1]) if self.main_is_text else {}
        return {**first, **likelihood, **texts}

    def counted(self, predictions: Sequence[Written]) -> Mapping[str, int]:
        return dict.fromkeys(TEXT_SCORES, sum(bool(said.figures) for said in predictions))

    def show(self, prediction: Written, top_k: int | None = None) -> Any:
        if prediction.text is None:
            return {"loss": prediction.nll / max(prediction.learnt, 1e-9), "tokens": prediction.learnt}
        said = {"generated_text": prediction.text}
        return said if top_k is None else [said]

    # ---- before training

    def baselines(self, frozen: Frozen[InputT, AnswerT], seed: int) -> Mapping[str, Callable[[], Sequence[Written]]]:
        """The untuned model itself; and the answer to the training input that is most like the one asked."""
        return {"untuned": lambda: frozen.said, "nearest": lambda: self._nearest(frozen)}

    def _nearest(self, frozen: Frozen[InputT, AnswerT]) -> list[Written]:
        examples, known = frozen.judged.examples, frozen.train.examples
        said = [Written() for _ in examples]
        sampled = self._sampled(len(examples))
        if not sampled or not known:
            return said
        learnt = [self.format.plain_text(example.input) for example in known]
        counter = word_counter(learnt).fit(learnt)
        asked = counter.transform([self.format.plain_text(examples[i].input) for i in sampled])
        nearest = np.asarray((asked @ counter.transform(learnt).T).argmax(1)).reshape(-1)
        for i, k in zip(sampled, nearest, strict=True):
            said[i] = self._compared(examples[i], Written(self.format.answer_text(known[int(k)].answer)))
        return said

    def _sampled(self, count: int) -> list[int]:
        """Numbers of the examples that are answered by writing: spread evenly over all of them."""
        return [k * count // min(self.samples, count) for k in range(min(self.samples, count))]

    def _compared(self, example: Example[InputT, AnswerT], written: Written) -> Written:
        right = self.format.answer_text(example.answer)
        return replace(written, figures=text_figures(written.text or "", right, written.stopped))


def _likelihood_scores(predictions: Sequence[Written], weights_RN: np.ndarray) -> dict[str, np.ndarray]:
    """Of a learnt token, over all of them. NaN where nobody was asked how likely the answers are."""
    nll_N = np.array([said.nll for said in predictions], float)
    learnt_N = np.array([said.learnt for said in predictions], float)
    with np.errstate(invalid="ignore", divide="ignore"):
        loss_R = (weights_RN @ nll_N) / (weights_RN @ learnt_N)
    return {"loss": loss_R, "perplexity": np.exp(np.minimum(loss_R, _MOST_LOSS))}


def _for_model(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name not in (TARGETS, WEIGHTS)}
