"""Pretraining: a language model learns, or goes on learning, from plain text, by the next token or by hidden ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from luthier.errors import ConfigError, DataError, shown
from luthier.formats.plain import Plain
from luthier.language import t
from luthier.models.language import special_ids, usual_objective
from luthier.pretraining.blocks import WORDS
from luthier.pretraining.counted import Counted, asked
from luthier.pretraining.filling import Hidden, fill, told
from luthier.pretraining.hidden import Hiding, labelled
from luthier.pretraining.masks import Masking
from luthier.pretraining.onward import Onward
from luthier.saved import learned
from luthier.seen import Frozen
from luthier.text.tokenizer import TextRule
from luthier.types import Batch, Choice, Example, LabelledBatch, LabelledWindow, Window
from luthier.writer import TARGETS, Continued, Judged, Writer, Written

if TYPE_CHECKING:
    from torch import Tensor

_USUAL_NEW = 128
_PROMPT = 200
"""Characters of a judged text from which the model shows how it goes on."""


@dataclass(frozen=True, eq=False)
class Read(Written):
    """characters: of the text that was judged. guesses: for each hidden place what may stand there."""

    characters: int = 0
    guesses: tuple[Sequence[Mapping[str, Any]], ...] = ()


@dataclass(frozen=True)
class Pretrain(Writer[str, None]):
    """masking: none, where each token is predicted from those before it; words or tokens, where hidden ones are guessed
    from all others, hidden by whole words or one by one; auto as the model has it. mask_share: so many are hidden.
    """

    auto_class: ClassVar[str] = "AutoModelForCausalLM"
    format: ClassVar[Plain] = Plain()
    plainly: ClassVar[str] = "finds every token as likely"
    joins: ClassVar[bool] = True
    counts_tokens: ClassVar[bool] = True
    most_seen: ClassVar[int] = 5000

    samples: int = 3
    masking: Literal["auto", "none", "tokens", "words"] = "auto"
    mask_share: float = 0.15
    before: tuple[int, ...] = learned(())
    after: tuple[int, ...] = learned(())
    mask_id: int = learned(-1)
    vocabulary: int = learned(0)
    special: tuple[int, ...] = learned(())

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("before", "after", "special", "stop_ids"):  # lists where they were read from a file
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.hides:
            object.__setattr__(self, "auto_class", "AutoModelForMaskedLM")
        if not 0 < self.mask_share < 1:
            what, fix = t("is {value}", value=shown(self.mask_share)), t("use a number above 0, below 1")
            raise ConfigError.at("task.mask_share", what, fix, code="out-of-range")

    @property
    def hides(self) -> bool:
        """Whether tokens are hidden and guessed from both sides."""
        return self.masking in ("tokens", "words")

    @property
    def writes(self) -> bool:
        return not self.hides

    # ---- from the user's rows

    def as_input(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        raise DataError.at("input", t("{value} is no text", value=shown(value)), t("give a string"), code="wrong-type")

    def settle(self, answers: Sequence[None]) -> tuple[Self, list[Choice]]:
        return self, []

    def fitted(self, folder: Path) -> tuple[Self, list[Choice]]:
        hides, reason = usual_objective(folder)
        choices: list[Choice] = []
        masking = self.masking
        if masking == "auto":
            masking = "words" if hides else "none"
            choices.append(Choice("masking", masking, reason))
        elif hides != (masking != "none"):
            what, fix = t("is {value}; {reason}", value=masking, reason=reason), "words" if hides else "none"
            raise ConfigError.at("task.masking", what, f"task.masking={fix}", code="conflict")
        ids = special_ids(folder, masked=hides)
        most = self.max_new_tokens
        if not hides and most is None:
            most = _USUAL_NEW
            choices.append(Choice("max_new_tokens", most, t("when the model is asked to go on with a text")))
        task = replace(
            self, masking=masking, max_new_tokens=most, before=ids.before, after=ids.after, mask_id=ids.mask,
            vocabulary=ids.vocabulary, special=ids.special, stop_ids=ids.stop, pad_id=ids.pad,
        )  # fmt: skip
        return task, choices

    # ---- to the model and back

    def lesson(self, example: Example[str, None]) -> Any:
        return Judged(example.input, None)

    def encode(self, inputs: Sequence[Any], text: TextRule) -> list[list[Window]]:
        reader = self._reader
        whole, free = reader.documents, reader.filled if isinstance(reader, Hiding) else reader.prompts
        windows: list[list[Window]] = [[] for _ in inputs]
        for read, judged in ((whole, True), (free, False)):
            numbers = [i for i, value in enumerate(inputs) if isinstance(value, Judged) == judged]
            texts = [inputs[i].input if judged else inputs[i] for i in numbers]
            for i, found in zip(numbers, read(texts, text) if texts else (), strict=True):
                windows[i] = found
        return windows

    def attach(self, window: Window, answer: None, text: TextRule) -> LabelledWindow:
        return labelled(window)

    def joined(self, windows: Sequence[LabelledWindow], text: TextRule) -> list[LabelledWindow]:
        return self._reader.joined(windows, text.max_length)

    def seen_at(self, window: LabelledWindow, text: TextRule, draw: tuple[int, int, int]) -> LabelledWindow:
        reader = self._reader
        return reader.again(window, draw) if isinstance(reader, Hiding) else window

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        return super().loss(model, replace(batch, inputs=_seen(batch.inputs)))

    def infer(self, model: Any, batch: Batch) -> Sequence[Any]:
        if self.hides and TARGETS not in batch.tensors:
            return fill(model, batch.tensors, self.mask_id, batch.lengths)
        return super().infer(model, _seen(batch))

    def spelled(self, inferred: Sequence[Any], text: TextRule) -> Sequence[Written]:
        return [self._spelled(said, text) for said in inferred]

    def _spelled(self, said: Hidden | Continued | Written, text: TextRule) -> Written:
        if isinstance(said, Hidden):
            return Read(guesses=tuple(told(said, text.tokenizer)))
        return self.worded(said, text) if isinstance(said, Continued) else said

    def decode(self, input: Any, windows: Sequence[Window], inferred: Sequence[Written]) -> Written:
        if TARGETS not in windows[0].arrays:
            return inferred[0]
        read = input.input if isinstance(input, Judged) else input
        nll, learnt = (math.fsum(getattr(said, name) for said in inferred) for name in ("nll", "learnt"))
        return Read(nll=nll, learnt=learnt, characters=len(read))

    @cached_property
    def _reader(self) -> Onward | Hiding:
        if not self.hides:
            return Onward(self.before, self.after, self.max_new_tokens or _USUAL_NEW)
        masking = Masking(self.mask_share, self.mask_id, self.vocabulary, self.special)
        return Hiding(self.before, self.after, masking, self.masking == "words")

    # ---- judged

    def plainly_asked(self, text: str) -> Judged[str, None]:
        return Judged(text, None)

    def questions(self, examples: Sequence[Example[str, None]]) -> list[Any]:
        """How likely each text is; and of some the beginning, to be gone on from."""
        judged: list[Any] = [Judged(example.input, None) for example in examples]
        return judged + [_beginning(examples[i].input) for i in self._sampled(len(examples))]

    def scored(self, examples: Sequence[Example[str, None]], said: Sequence[Written]) -> Sequence[Written]:
        judged = list(said[: len(examples)])
        for i, written in zip(self._sampled(len(examples)), said[len(examples) :], strict=True):
            begun = _beginning(examples[i].input)
            judged[i] = replace(judged[i], text=f"{begun} … {written.text}", tokens=written.tokens)
        return judged

    def _sampled(self, count: int) -> list[int]:
        return [] if self.hides else super()._sampled(count)

    def score(
        self, predictions: Sequence[Written], answers: Sequence[None], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Bits a character compare models whose tokens differ; of guesses from both sides there are none."""
        scores = super().score(predictions, answers, weights_RN)
        if self.hides:
            return scores
        nll_N = np.array([said.nll for said in predictions], float)
        characters_N = np.array([said.characters if isinstance(said, Read) else 0 for said in predictions], float)
        with np.errstate(invalid="ignore", divide="ignore"):
            bits_R = (weights_RN @ nll_N) / (weights_RN @ characters_N) / math.log(2)
        return {**scores, "bits_per_character": bits_R}

    def show(self, prediction: Written, top_k: int | None = None) -> Any:
        """Of a text with hidden tokens as fill-mask has it: the best for the only one; a list where there are more."""
        if not isinstance(prediction, Read) or not prediction.guesses:
            return super().show(prediction, top_k)
        found = [
            dict(options[0]) if top_k is None else [dict(o) for o in options[:top_k]] for options in prediction.guesses
        ]
        return found[0] if len(found) == 1 else found

    def show_answer(self, answer: None) -> Any:
        return ""

    # ---- before training

    def baselines(self, frozen: Frozen[str, None], seed: int) -> Mapping[str, Callable[[], Sequence[Written]]]:
        """How common each token is in the training rows; which follows which; the model as it is."""
        judged = frozen.judged
        counted = lru_cache(1)(lambda: Counted(frozen.train.groups, self.vocabulary))

        def read(nll_N: Sequence[float]) -> list[Read]:
            rows = zip(nll_N, judged.groups, judged.examples, strict=True)
            return [Read(nll=nll, learnt=asked(group), characters=len(row.input)) for nll, group, row in rows]

        ways: dict[str, Callable[[], Sequence[Written]]] = {"majority": lambda: read(counted().alone(judged.groups))}
        if not self.hides:
            ways["bigram"] = lambda: read(counted().after_each(judged.groups))
        return {**ways, "untuned": lambda: frozen.said}


def _seen(batch: Batch) -> Batch:
    """What the model may see of it."""
    return replace(batch, tensors={name: tensor for name, tensor in batch.tensors.items() if name != WORDS})


def _beginning(text: str) -> str:
    """At most half of it, to the end of a word where words have spaces between them."""
    start = text[: min(_PROMPT, max(1, len(text) // 2))]
    cut = start.rsplit(maxsplit=1)
    return cut[0] if len(cut) == 2 and len(cut[1]) < _PROMPT // 4 else start
