"""Regression: a text, or a pair of texts, to a number; of a pair often how alike the two are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict

import numpy as np

from luthier.claims import USER_UNITS, Claim, Outputs
from luthier.formats.cells.pairs import Text
from luthier.formats.numbers import Numbered
from luthier.metrics.numbers import number_scores
from luthier.saved import learned
from luthier.text.tokenizer import TextRule
from luthier.types import Example, LabelledBatch, LabelledWindow, Mistake, Window
from luthier.whole_text import TextOrPair

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from luthier.models.load import Loaded

_STEEPER = 4.0
"""The squared error curves four times as much as the logistic loss does where it is steepest: so much stronger must a
penalty be that weighs as much against it as the same strength does in a classifier."""
_MOST_POINTS = 2000
"""Dots of the report's picture."""
_LEAST_APART = 0.25
"""Of the spread: nearer than this to the answer a prediction is no mistake."""


class NumberScore(TypedDict):
    score: float


@dataclass(frozen=True)
class Regression(TextOrPair[float, float]):
    """The model learns numbers of mean 0 and spread 1, as they are best learnt; what it is asked and says is in the
    user's units. mean, spread: of the training answers."""

    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    format: ClassVar[Numbered] = Numbered()
    head_strengths: ClassVar[tuple[float, ...]] = (0.003,)
    """What dropout takes from the head's input is noise in what it says, the more the larger its weights: on STS-B 0.03
    of squared error at this strength, 0.2 and 2.9 at ten and a hundred times it, which gain 0.02 and 0.01."""

    mean: float = learned(0.0)
    spread: float = learned(1.0)

    # ---- from the user's rows

    def learn(self, examples: Sequence[Example[Text, float]]) -> Self:
        answers_N = np.array([example.answer for example in examples], float)
        return replace(self, mean=float(answers_N.mean()), spread=float(answers_N.std()) or 1.0)

    # ---- to the model and back

    def head_options(self) -> Mapping[str, Any]:
        return {"num_labels": 1, "problem_type": "regression", "id2label": {0: "score"}, "label2id": {"score": 0}}

    def load_model(self, folder: Path, *, seed: int, device: str) -> Loaded:
        from luthier.models.head import standardised

        loaded = super().load_model(folder, seed=seed, device=device)
        standardised(loaded.model)
        return loaded

    def save_model(self, model: PreTrainedModel, folder: Path) -> None:
        """The head's layer takes mean and spread, so that plain transformers answers in the user's units too."""
        from luthier.models.head import in_user_units

        with in_user_units(model, self.mean, self.spread):
            super().save_model(model, folder)

    def attach(self, window: Window, answer: float, text: TextRule) -> LabelledWindow:
        return LabelledWindow(window, np.array([(answer - self.mean) / self.spread], np.float32))

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        said_B = model(**batch.inputs.tensors).logits.float()[:, 0]
        return (said_B - batch.targets[:, 0]).square().sum()

    def check_teacher(self, teacher: Any) -> None:
        """Any teacher of numbers will do."""

    def taught_logits(self, teacher: Any, logits_NC: np.ndarray) -> np.ndarray:
        return (logits_NC * teacher.spread + teacher.mean - self.mean) / self.spread

    def imitation(self, logits_BC: Tensor, taught_BC: Tensor, temperature: float) -> Tensor:
        """The squared distance, to which a temperature means nothing."""
        return (logits_BC - taught_BC).square().sum()

    def read(self, outputs: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Sequence[float]:
        said_B = outputs["logits"].astype(np.float64)[:, 0]
        return (said_B * self.spread + self.mean).tolist()

    def claims(self, input: Text, prediction: float, text: TextRule) -> Sequence[Claim]:
        def read(said: Outputs) -> Any:
            return said["logits"][..., 0] * self.spread + self.mean

        return [self.claim("score", input, text, read, USER_UNITS)]

    # ---- to the user

    def show(self, prediction: float, top_k: int | None = None) -> NumberScore | list[NumberScore]:
        said = NumberScore(score=prediction)
        return said if top_k is None else [said]

    def show_answer(self, answer: float) -> float:
        return answer

    def score(
        self, predictions: Sequence[float], answers: Sequence[float], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        return number_scores(np.array(predictions, float), np.array(answers, float), self.spread, weights_RN)

    def details(self, predictions: Sequence[float], answers: Sequence[float]) -> dict[str, Any]:
        step = max(1, -(-len(answers) // _MOST_POINTS))
        pairs = list(zip(answers, predictions, strict=True))[::step]
        return {"scatter": [{"answer": answer, "predicted": said} for answer, said in pairs]}

    def mistake(self, prediction: float, answer: float) -> Mistake | None:
        apart = abs(prediction - answer)
        if apart < _LEAST_APART * self.spread:
            return None
        return Mistake(f"{answer:g}", f"{prediction:.4g}", apart)

    # ---- for the baselines

    def constant(self, answers: Sequence[float]) -> float:
        return float(np.mean(answers))

    def linear(
        self, features: Any, answers: Sequence[float], strength: float, seed: int, weights: np.ndarray | None = None
    ) -> Any:
        from sklearn.linear_model import Ridge

        standard_N = (np.array(answers, float) - self.mean) / self.spread
        return Ridge(alpha=_STEEPER / strength).fit(features, standard_N, sample_weight=weights)

    def read_linear(self, model: Any, features: Any) -> list[float]:
        return (model.predict(features) * self.spread + self.mean).tolist()

    def head_from_linear(self, model: Any) -> tuple[np.ndarray, np.ndarray]:
        return model.coef_.reshape(1, -1), np.atleast_1d(model.intercept_)
