"""Extractive question answering: a question and a context to the piece of the context that answers it, or to none."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict

import numpy as np

from luthier.answering.cheap import likest_sentences, sentences
from luthier.answering.kinds import question_kind
from luthier.answering.locate import target
from luthier.answering.probe import fit_pointer
from luthier.answering.reading import CERTAIN, Reading, given, read_windows
from luthier.answering.threshold import best_threshold
from luthier.answering.told import answer_claims
from luthier.claims import Claim
from luthier.deciding import Placed
from luthier.errors import ConfigError, DataError, Place, shown
from luthier.evaluation.baselines import word_counter
from luthier.formats.questions import Answers, Question, QuestionRows
from luthier.graphed import Graphed
from luthier.language import t
from luthier.metrics.answers import agreement, answer_scores
from luthier.saved import learned
from luthier.seen import Frozen
from luthier.task import Task
from luthier.text.scripts import about_tokens, is_spaced, text_language
from luthier.text.tokenizer import TextRule
from luthier.types import Choice, Example, LabelledBatch, LabelledWindow, Mistake, Row, Window

if TYPE_CHECKING:
    from torch import Tensor

_LEAST_LONGEST = 30
"""Tokens that an answer may have at least, as in the scripts of SQuAD's first models."""
_LOOKED_AT = 2000
"""Characters by which a context's language is told."""


class SaidAnswer(TypedDict):
    answer: str
    score: float
    start: int
    end: int


@dataclass(frozen=True)
class QuestionAnswering(Graphed, Task[Question, Answers, Reading]):
    """overlap: tokens of the context that two neighbouring windows share. max_answer: most tokens of an answer; None
    chooses by the training answers. threshold: log odds that an answer must have over none, where there are questions
    without one; None chooses on validation. language: by whose rules answers are compared, such as en or zh; auto
    tells it from each context.
    """

    auto_class: ClassVar[str] = "AutoModelForQuestionAnswering"
    format: ClassVar[QuestionRows] = QuestionRows()

    plainly: ClassVar[str] = (
        "scores each token as the first and as the last of the answer;\n"
        "Luthier looks at every pair of them, in all windows of up to {max_length} tokens"
    )
    reads_texts: ClassVar[bool] = False
    most_seen: ClassVar[int] = 1500

    overlap: int = 128
    max_answer: int | None = None
    threshold: float | None = None
    language: str = "auto"
    unanswerable: bool = learned(False)
    found_threshold: float | None = learned(None)

    def __post_init__(self) -> None:
        wrong = None
        if self.overlap < 0:
            wrong = "overlap", self.overlap, t("use a whole number from 0")
        elif self.max_answer is not None and self.max_answer < 1:
            wrong = "max_answer", self.max_answer, t("use a whole number from 1")
        elif self.threshold is not None and not math.isfinite(self.threshold):
            wrong = "threshold", self.threshold, t("use a number")
        elif self.language != "auto" and not re.fullmatch("[a-z]{2,3}", self.language):
            wrong = "language", self.language, t("use a code of two letters such as en or zh, or auto")
        if wrong is not None:
            key, value, fix = wrong
            raise ConfigError.at(f"task.{key}", t("is {value}", value=shown(value)), fix, code="out-of-range")

    # ---- from the user's rows

    def as_input(self, value: Any) -> Question:
        if isinstance(value, Question):
            return value
        if isinstance(value, Mapping):
            return self.format.parse_input(Row(value, Place("input")))
        if isinstance(value, (list, tuple)) and len(value) == 2:
            return self.as_input(dict(zip(("question", "context"), value, strict=True)))
        what = t("{value} is no question with its context", value=shown(value))
        fix = t('give {example}, one a line, in a file or on standard input',
                example='{"question": "…", "context": "…"}')  # fmt: skip
        raise DataError.at("input", what, fix, code="wrong-type")

    def learn(self, examples: Sequence[Example[Question, Answers]]) -> Self:
        return replace(self, unanswerable=any(not example.answer for example in examples))

    def settle(self, answers: Sequence[Answers]) -> tuple[Self, list[Choice]]:
        if self.max_answer is not None:
            return self, []
        texts = [answer.text for right in answers for answer in right]
        lengths = [about_tokens(text, spaced=not self._by_character(text)) for text in texts]
        usual = math.ceil(float(np.quantile(lengths, 0.99))) if lengths else 0
        value = max(_LEAST_LONGEST, usual)
        reason = t("99 % of the training answers have at most about {count} tokens", count=usual)
        return replace(self, max_answer=value), [Choice("max_answer", value, reason)]

    # ---- to the model and back

    def head_options(self) -> Mapping[str, Any]:
        return {"num_labels": 2}

    def encode(self, inputs: Sequence[Question], text: TextRule) -> list[list[Window]]:
        return text.overlapping([(input.question, input.context) for input in inputs], self.overlap)

    def attach(self, window: Window, answer: Answers, text: TextRule) -> LabelledWindow:
        return LabelledWindow(window, np.array(target(window, answer), np.int64))

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        from torch import cat
        from torch.nn.functional import cross_entropy

        assert batch.inputs.places is not None
        said = model(**batch.inputs.tensors)
        allowed_BT = batch.inputs.places.clone()
        allowed_BT[:, 0] = True
        sides = [
            logits_BT.float().masked_fill(~allowed_BT, -math.inf) for logits_BT in (said.start_logits, said.end_logits)
        ]
        return cross_entropy(cat(sides), batch.targets.T.reshape(-1), reduction="sum")

    def outputs(self, model: Any, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        from torch import stack

        said = model(**tensors)
        return {"logits": stack([said.start_logits, said.end_logits], -1).float()}

    def read(self, outputs: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Sequence[np.ndarray]:
        return [row[:length].copy() for row, length in zip(outputs["logits"], lengths, strict=True)]

    def decode(self, input: Question, windows: Sequence[Window], inferred: Sequence[np.ndarray]) -> Reading:
        most = self.max_answer or _LEAST_LONGEST
        parts, mass = read_windows(input.context, windows, inferred, most)
        kind = question_kind(input.question)
        by_character = self._by_character(input.context)
        reading = Reading(input.context, parts, most, None, mass, self._none, by_character, kind)
        return replace(reading, found=next(iter(reading.best(1)), None))

    def relocated(self, prediction: Reading, read: Question, written: Question) -> Reading:
        return prediction.moved(written.context)

    def claims(self, input: Question, prediction: Reading, text: TextRule) -> Sequence[Claim]:
        return answer_claims(prediction, self.encode([input], text)[0], t("(no answer)"), self.outputs)

    # ---- to the user

    def show(self, prediction: Reading, top_k: int | None = None) -> SaidAnswer | list[SaidAnswer]:
        """score: the probability among all pieces of the context and, where questions may have no answer, none."""
        said = [
            SaidAnswer(answer=prediction.context[start:end], score=probability, start=start, end=end)
            for (start, end, _), probability in prediction.ranked(top_k or 1)
        ]
        return said[0] if top_k is None else said

    def show_answer(self, answer: Answers) -> list[str]:
        return [right.text for right in answer]

    def score(
        self, predictions: Sequence[Reading], answers: Sequence[Answers], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        agreed = np.array([self._agreement(said, right) for said, right in zip(predictions, answers, strict=True)])
        loss_N = np.array([said.loss(right) for said, right in zip(predictions, answers, strict=True)])
        has_answer_N = np.array([bool(right) for right in answers])
        return answer_scores(agreed[:, 0], agreed[:, 1], loss_N, has_answer_N, weights_RN)

    def details(self, predictions: Sequence[Reading], answers: Sequence[Answers]) -> dict[str, Any]:
        """by_question: the scores by question word, the commonest first."""
        kinds: dict[str, list[tuple[float, float]]] = {}
        for said, right in zip(predictions, answers, strict=True):
            kinds.setdefault(said.kind, []).append(self._agreement(said, right))
        rows = [
            {"question": kind, "n": len(found), "f1": sum(f for f, _ in found) / len(found),
             "exact_match": sum(e for _, e in found) / len(found)}
            for kind, found in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0]))
        ]  # fmt: skip
        return {"by_question": rows}

    def mistake(self, prediction: Reading, answer: Answers) -> Mistake | None:
        f1, exact = self._agreement(prediction, answer)
        if exact:
            return None
        said = self.show(prediction)
        assert isinstance(said, dict)
        nothing = t("(no answer)")
        right = " | ".join(dict.fromkeys(self.show_answer(answer))) or nothing
        return Mistake(right, said["answer"] or nothing, said["score"] * (1 - f1))

    # ---- whether there is an answer at all

    def needs_placing(self) -> bool:
        return self.unanswerable and self.threshold is None

    def placed(self, predictions: Sequence[Reading], answers: Sequence[Answers]) -> Placed:
        odds = np.array([said.found.odds if said.found else -CERTAIN for said in predictions])
        open_ = [replace(said, none=-math.inf) for said in predictions]  # what would be said if something must be
        answered = np.array([self._agreement(said, right)[0] for said, right in zip(open_, answers, strict=True)])
        value = best_threshold(odds, answered, np.array([not right for right in answers], float))
        note = t("an answer is given where its log odds are above {value:.2f}, best on {count} validation rows",
                 value=value, count=len(answers))  # fmt: skip
        return Placed(replace(self, found_threshold=value), note=note, apart=True)

    # ---- before training

    def baselines(self, frozen: Frozen[Question, Answers], seed: int) -> Mapping[str, Callable[[], Sequence[Reading]]]:
        """majority: no answer where most training rows have none, else the context's first sentence. tfidf: the
        sentence most like the question. embeddings: the untuned model's tokens under a linear layer."""
        inputs = [example.input for example in frozen.judged.examples]
        silent = sum(not right for right in frozen.train.answers) * 2 > len(frozen.train.answers)

        def majority() -> list[Reading]:
            return [self._given(input, None if silent else sentences(input.context)[0]) for input in inputs]

        def tfidf() -> list[Reading]:
            contexts = [example.input.context for example in frozen.train.examples]
            spans = likest_sentences(inputs, contexts, word_counter)
            return [self._given(input, span) for input, span in zip(inputs, spans, strict=True)]

        def embeddings() -> list[Reading]:
            pointer = fit_pointer(frozen.train.features, frozen.train.answers)
            seen = frozen.judged.features
            assert pointer is not None
            return [
                self.decode(input, [window], [pointer(given_TK)])
                for input, window, given_TK in zip(inputs, seen.windows, seen.token_inputs, strict=True)
            ]

        ways = {"majority": majority, "tfidf": tfidf}
        return {**ways, "embeddings": embeddings} if len(frozen.judged.features.token_inputs) else ways

    def first_head(self, frozen: Frozen[Question, Answers], seed: int) -> tuple[np.ndarray, np.ndarray] | None:
        pointer = fit_pointer(frozen.train.features, frozen.train.answers)
        return None if pointer is None else (pointer.weights_2K, np.zeros(2, np.float32))

    def usual_epochs(self, answers: Sequence[Answers]) -> tuple[int, str]:
        """Two or three are usual for SQuAD's 88,000 questions; to find what a question asks for has to be learnt anew,
        so that few questions must be seen more often."""
        rows = len(answers)
        return min(10, max(2, round(3 * math.sqrt(10_000 / max(1, rows))))), t("{rows} training rows", rows=rows)

    # ---- inside

    @property
    def _none(self) -> float:
        """The log odds of no answer: those of an answer are counted from 0."""
        found = self.threshold if self.threshold is not None else self.found_threshold or 0.0
        return found if self.unanswerable else -math.inf

    @staticmethod
    def _agreement(prediction: Reading, answer: Answers) -> tuple[float, float]:
        return agreement(prediction.said, _texts(answer), prediction.by_character)

    def _by_character(self, context: str) -> bool:
        return not is_spaced(_language(context[:_LOOKED_AT]) if self.language == "auto" else self.language)

    def _given(self, input: Question, span: tuple[int, int] | None) -> Reading:
        return given(input.context, span, self._by_character(input.context), question_kind(input.question))


@lru_cache(maxsize=256)
def _language(text: str) -> str:
    """Many questions share a context."""
    return text_language(text)


def _texts(answers: Answers) -> list[str]:
    return [answer.text for answer in answers]
