"""Tasks whose written answer may be held to a few choices: questions with yes or no, classes called by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from luthier.answering.choices import (
    SCORES,
    Asked,
    Supposed,
    chances_of,
    checked_choices,
    choice_details,
    choice_outcome,
    choice_scores,
    settled_choices,
)
from luthier.claims import LOG_PROBABILITY, Claim
from luthier.metrics.classes import Outcome
from luthier.seen import Frozen
from luthier.text.tokenizer import TextRule
from luthier.types import AnswerT, Choice, InputT, Window
from luthier.writer import Judged, Writer, Written


@dataclass(frozen=True)
class Chooser(Writer[InputT, AnswerT]):
    """choices: texts of which every answer is one; auto takes those of the training rows, where they are few. None
    lets the model write what it likes."""

    choices: Asked = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "choices", checked_choices(self.choices))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the choices; () where an answer may be anything, or `settle` has not seen the rows yet."""
        return () if self.choices is None or isinstance(self.choices, str) else tuple(map(str, self.choices))

    def settle(self, answers: Sequence[AnswerT]) -> tuple[Self, list[Choice]]:
        choices, chosen = settled_choices(self.choices, [self.format.answer_text(answer) for answer in answers])
        task, more = super(Chooser, replace(self, choices=choices)).settle(answers)
        return task, [*chosen, *more]

    # ---- to the model and back

    @property
    def writes(self) -> bool:
        return not self.names

    @property
    def chooses(self) -> bool:
        return bool(self.names)

    def supposed(self, input: InputT, text: str) -> Judged[InputT, Any]:
        """The question how likely a text is as the answer."""
        return Judged(input, text)

    def asked(self, inputs: Sequence[Any], text: TextRule) -> list[list[Window]]:
        """Where an answer is one of a few, of each of these how likely it is."""
        if not self.names:
            return super().asked(inputs, text)
        questions = [
            [input] if isinstance(input, Judged) else [self.supposed(input, name) for name in self.names]
            for input in inputs
        ]
        flat: list[Any] = [question for own in questions for question in own]
        encoded = iter(self.encode(flat, text))
        made: list[list[Window]] = []
        for input, own in zip(inputs, questions, strict=True):
            windows = [next(encoded) for _ in own]
            if isinstance(input, Judged):
                made += windows
            else:
                made.append([Supposed(w.arrays, cut=w.cut, choice=c) for c, ws in enumerate(windows) for w in ws])
        return made

    def decode(self, input: Any, windows: Sequence[Window], inferred: Sequence[Written]) -> Written:
        supposed = [window for window in windows if isinstance(window, Supposed)]
        if not supposed:
            return super().decode(input, windows, inferred)
        chances_C = chances_of(supposed, [said.nll for said in inferred], len(self.names))
        best = int(chances_C.argmax())
        tokens = sum(said.learnt for window, said in zip(supposed, inferred, strict=True) if window.choice == best)
        return Written(self.names[best], tokens=round(tokens), chances=tuple(chances_C.tolist()))

    def claims(self, input: InputT, prediction: Written, text: TextRule) -> Sequence[Claim]:
        """That what was written is the answer."""
        said = prediction.text
        if not said:
            return ()

        def encode(asked: InputT) -> Sequence[Window]:
            supposed: Any = self.supposed(asked, said)
            return self.encode([supposed], text)[0]

        return [Claim(said, encode(input), self.log_likelihood, lambda found: found["ln_p"], LOG_PROBABILITY, encode)]

    # ---- judged

    def checked(self) -> Self:
        if not self.names:
            return super().checked()
        return replace(self, samples=min(self.samples, self.checked_samples))

    def score(
        self, predictions: Sequence[Written], answers: Sequence[AnswerT], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        found = super().score(predictions, answers, weights_RN)
        answered = _answered(predictions) if self.names else []
        if not answered:
            return found
        return {**choice_scores(self._outcome(predictions, answers, answered), weights_RN[:, answered]), **found}

    def counted(self, predictions: Sequence[Written]) -> Mapping[str, int]:
        found = super().counted(predictions)
        return {**found, **dict.fromkeys(SCORES, len(_answered(predictions)))} if self.names else found

    def details(self, predictions: Sequence[Written], answers: Sequence[AnswerT]) -> dict[str, Any]:
        answered = _answered(predictions) if self.names else []
        if not answered:
            return super().details(predictions, answers)
        return choice_details(self.names, self._outcome(predictions, answers, answered))

    def _outcome(self, predictions: Sequence[Written], answers: Sequence[AnswerT], answered: Sequence[int]) -> Outcome:
        said = [predictions[i] for i in answered]
        right = [self.format.answer_text(answers[i]) for i in answered]
        return choice_outcome(self.names, [one.text or "" for one in said], [one.chances for one in said], right)

    def show(self, prediction: Written, top_k: int | None = None) -> Any:
        if not prediction.chances:
            return super().show(prediction, top_k)
        pairs = sorted(zip(self.names, prediction.chances, strict=True), key=lambda pair: -pair[1])
        best = [{"label": name, "score": chance} for name, chance in pairs]
        return best[0] if top_k is None else best[:top_k]

    # ---- before training

    def baselines(self, frozen: Frozen[InputT, AnswerT], seed: int) -> Mapping[str, Callable[[], Sequence[Written]]]:
        ways = super().baselines(frozen, seed)
        return {"majority": lambda: self._majority(frozen), **ways} if self.names else ways

    def _majority(self, frozen: Frozen[InputT, AnswerT]) -> list[Written]:
        """The commonest training answer, with the shares of all."""
        counts = Counter(self.format.answer_text(answer).strip() for answer in frozen.train.answers)
        chances = tuple(counts[name] / max(1, counts.total()) for name in self.names)
        said = [Written() for _ in frozen.judged.examples]
        for i in self._sampled(len(said)):
            common = Written(self.names[int(np.argmax(chances))], chances=chances)
            said[i] = self._compared(frozen.judged.examples[i], common)
        return said


def _answered(predictions: Sequence[Written]) -> list[int]:
    return [i for i, said in enumerate(predictions) if said.figures]
