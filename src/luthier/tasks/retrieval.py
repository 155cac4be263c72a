"""Retrieval: texts to vectors, so that a query lies near the documents that answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from luthier.errors import ConfigError, DataError, Place, shown
from luthier.formats.retrieval import Asked, Document, Passages, QueryRows
from luthier.graphed import Graphed
from luthier.language import t
from luthier.metrics.numbers import number_scores
from luthier.metrics.ranking import NAMES, Compared, Ranked, mean_figures
from luthier.models.find import ModelFolder, find_model
from luthier.models.own.contrast import Texts, at_each_length, multiple_negatives, ordered_cosines
from luthier.models.sentence_transformers import folder_pooling, folder_prompts, reads_one_way, write_modules
from luthier.objective import Joint, Part
from luthier.saved import learned
from luthier.searching.cheap import by_count, by_words
from luthier.searching.rank import Similar, compare_pairs, rank_documents, texts_of
from luthier.searching.slots import Slots
from luthier.seen import Frozen
from luthier.task import Task
from luthier.text.tokenizer import TextRule
from luthier.types import IDS, Choice, Example, LabelledBatch, LabelledWindow, Mistake, Row, Window

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from luthier.models.load import Loaded

Said = np.ndarray | Ranked | Compared
"""A unit vector, float32 [D]; of a row that is scored, what came of holding vectors against each other."""

_MOST_POSITIVES = 4
"""Of a row so many train; all count when it is scored."""


@dataclass(frozen=True)
class Retrieval(Graphed, Task[Asked, Passages, Said]):
    """pooling: how the last hidden states become one vector; None takes the model's own way. temperature: what cosines
    are divided by. negatives: of each row so many hard negatives train, the first ones. symmetric: documents must find
    their queries as well. dimensions: shorter vectors, cut from the whole one, that must do too (Matryoshka, Kusupati
    et al. 2022). query_prefix, document_prefix: what stands before a text; None takes what the model says."""

    auto_class: ClassVar[str] = "AutoModel"
    format: ClassVar[QueryRows] = QueryRows()
    fits_untuned: ClassVar[bool] = False

    pooling: Literal["mean", "cls", "last"] | None = None
    temperature: float = 0.05
    negatives: int = 4
    symmetric: bool = False
    dimensions: Sequence[int] = ()
    query_prefix: str | None = None
    document_prefix: str | None = None
    graded: bool = learned(False)
    slots: tuple[int, int] = learned((1, 0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimensions", tuple(self.dimensions))
        if not 0 < self.temperature <= 1:
            raise _out_of_range("temperature", self.temperature, t("use a number above 0, at most 1"))
        if self.negatives < 0:
            raise _out_of_range("negatives", self.negatives, t("use a whole number from 0"))
        if any(d < 1 for d in self.dimensions):
            raise _out_of_range("dimensions", list(self.dimensions), t("use whole numbers from 1"))

    # ---- from the user's rows

    def as_input(self, value: Any) -> Asked:
        if isinstance(value, Mapping) and isinstance(value.get("document"), str) and "query" not in value:
            return Document(value["document"])
        if isinstance(value, Mapping):
            return self.format.parse_input(Row(value, Place("input")))
        if isinstance(value, str):
            return value
        what = t("{value} is no text", value=shown(value))
        raise DataError.at("input", what, t('give a string, or {"document": "…"}'), code="wrong-type")

    def learn(self, examples: Sequence[Example[Asked, Passages]]) -> Self:
        positives = max((len(example.answer.positives) for example in examples), default=1)
        negatives = max((len(example.answer.negatives) for example in examples), default=0)
        graded = bool(examples) and all(example.answer.score is not None for example in examples)
        slots = (min(positives, _MOST_POSITIVES), min(negatives, self.negatives))
        return replace(self, graded=graded, slots=slots)

    def fitted(self, folder: Path) -> tuple[Self, list[Choice]]:
        size = find_model(str(folder), weights=False).hidden_size
        if any(d >= size for d in self.dimensions):
            raise _out_of_range(
                "dimensions", list(self.dimensions), t("the model's vectors have {size} numbers: use less", size=size)
            )
        task, choices = self, []
        if task.pooling is None:
            own, one_way = folder_pooling(folder), reads_one_way(folder)
            task = replace(task, pooling=own or ("last" if one_way else "mean"))
            reason = t("as the model says") if own else t("only the last token has read the whole text")
            reason = reason if own or one_way else t("the model does not say how it is pooled")
            choices.append(Choice("pooling", task.pooling, reason))
        for name, prompt in zip(("query_prefix", "document_prefix"), folder_prompts(folder), strict=True):
            if getattr(task, name) is None:
                task = replace(task, **{name: prompt})
                reason = t("as the model says") if prompt else t("the model asks for none")
                choices.append(Choice(name, prompt, reason))
        return task, choices

    # ---- to the model and back

    def load_model(self, folder: Path, *, seed: int, device: str) -> Loaded:
        """Of an encoder with a decoder the encoder alone."""
        from luthier.models.load import load_model

        both = find_model(str(folder), weights=False).config.get("is_encoder_decoder") is True
        kind = "AutoModelForTextEncoding" if both else self.auto_class
        return load_model(folder, kind, {}, seed=seed, device=device)

    def save_model(self, model: PreTrainedModel, folder: Path) -> None:
        super().save_model(model, folder)
        size = ModelFolder("", folder, model.config.to_dict()).hidden_size
        write_modules(folder, self.pooling or "mean", size, self.query_prefix or "", self.document_prefix or "")

    def encode(self, inputs: Sequence[Asked], text: TextRule) -> list[list[Window]]:
        whole = [
            (self.document_prefix or "") + asked.text
            if isinstance(asked, Document)
            else (self.query_prefix or "") + asked
            for asked in inputs
        ]
        return [[replace(window, arrays={IDS: window.arrays[IDS]})] for window in text.windows(whole)]

    def attach(self, window: Window, answer: Passages, text: TextRule) -> LabelledWindow:
        """The documents join as arrays of their own."""
        positives, negatives = (
            [group[0] for group in self.encode([Document(words) for words in texts[:count]], text)]
            for texts, count in zip((answer.positives, answer.negatives), self.slots, strict=True)
        )
        whole = Slots(*self.slots).filled(window, positives, negatives, answer.topic)
        return LabelledWindow(whole, np.array([answer.score or 0.0], np.float32))

    def pooled(self, states_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        if self.pooling == "cls":
            return states_BTD[:, 0]
        if self.pooling == "last":
            last_B = mask_BT.sum(1) - 1
            return states_BTD[last_B.new_ones(last_B.shape).cumsum(0) - 1, last_B]
        return super().pooled(states_BTD, mask_BT)

    def objective(self) -> Joint:
        return Joint(self._parts, self._embed, self._loss)

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        """As if the batch were the whole step."""
        import torch

        parts = self._parts(batch)
        return self._loss(torch.cat([self._embed(model, part) for part in parts]), [part.facts for part in parts])

    def outputs(self, model: Any, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """vectors: [B, D], of length 1."""
        from torch.nn.functional import normalize

        states_BTD = model(**tensors).last_hidden_state.float()
        return {"vectors": normalize(self.pooled(states_BTD, tensors["attention_mask"]), dim=1)}

    def read(self, outputs: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Sequence[np.ndarray]:
        return list(outputs["vectors"])

    def decode(self, input: Asked, windows: Sequence[Window], inferred: Sequence[np.ndarray]) -> np.ndarray:
        return inferred[0]

    def questions(self, examples: Sequence[Example[Asked, Passages]]) -> list[Asked]:
        """All queries, then all documents that any of the rows names."""
        queries, documents = texts_of(examples)
        return [*queries, *documents]

    def scored(self, examples: Sequence[Example[Asked, Passages]], said: Sequence[Said]) -> Sequence[Said]:
        """Each query ranks all documents that any of these rows names; of graded rows each pair is compared."""
        unit_MD = np.stack([np.asarray(vector) for vector in said]) if said else np.zeros((0, 1), np.float32)
        return self._judged(examples, unit_MD)

    # ---- to the user

    def show(self, prediction: Said, top_k: int | None = None) -> dict[str, Any]:
        if isinstance(prediction, Ranked):
            best, score = prediction.found[0] if prediction.found else ("", 0.0)
            return {"document": best, "score": score, "rank": prediction.rank}
        if isinstance(prediction, Compared):
            return {"score": prediction.cosines[0]}
        return {"embedding": prediction.tolist()}

    def show_answer(self, answer: Passages) -> Any:
        return list(answer.positives) if answer.score is None or not self.graded else answer.score

    def vector(self, prediction: Said) -> np.ndarray | None:
        return prediction if isinstance(prediction, np.ndarray) else None

    def score(
        self, predictions: Sequence[Said], answers: Sequence[Passages], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        ends = ("", *(f"_dim{d}" for d in self.dimensions))
        if self.graded:
            right_N = np.array([answer.score for answer in answers], float)
            cosines_NL = np.array([p.cosines for p in predictions if isinstance(p, Compared)])
            found = [number_scores(cosines_N, right_N, 1.0, weights_RN) for cosines_N in cosines_NL.T]
            return {
                n + end: scores[n] for end, scores in zip(ends, found, strict=True) for n in ("spearman", "pearson")
            }
        figures_NF = np.array([p.figures for p in predictions if isinstance(p, Ranked)])
        names = [name + end for end in ends for name in NAMES]
        return dict(zip(names, mean_figures(figures_NF, weights_RN).T, strict=True))

    def mistake(self, prediction: Said, answer: Passages) -> Mistake | None:
        if not isinstance(prediction, Ranked) or prediction.rank == 1 or not prediction.found:
            return None
        best, score = prediction.found[0]
        return Mistake(answer.positives[0], best, score)

    # ---- before training

    def baselines(self, frozen: Frozen[Asked, Passages], seed: int) -> Mapping[str, Callable[[], Sequence[Said]]]:
        """The commonest document first; rare words in common; the untuned model's own vectors."""
        judged = frozen.judged
        return {
            "majority": lambda: self._judged(judged.examples, by_count(frozen.train.answers, judged.examples)),
            "tfidf": lambda: self._judged(judged.examples, by_words(frozen.train.examples, judged.examples)),
            "embeddings": lambda: self._judged(judged.examples, judged.features.vectors),
        }

    def usual_epochs(self, answers: Sequence[Passages]) -> tuple[int, str]:
        epochs = min(10, max(2, round(3 * (5000 / max(1, len(answers))) ** 0.5)))
        return epochs, t("{rows} training rows", rows=len(answers))

    def _judged(self, examples: Sequence[Example[Asked, Passages]], said: np.ndarray | Similar) -> Sequence[Said]:
        """said: a vector for each of `questions`, or how alike they are."""
        if self.graded:
            return compare_pairs(examples, said, self.dimensions)
        return rank_documents(examples, said, self.dimensions)

    # ---- the loss of a step

    def _parts(self, batch: LabelledBatch) -> list[Part]:
        return Slots(*self.slots).parts(batch)

    def _embed(self, model: Any, part: Part) -> Tensor:
        states_BTD = model(**part.inputs.tensors).last_hidden_state.float()
        return self.pooled(states_BTD, part.inputs.tensors["attention_mask"])

    def _loss(self, vectors_MD: Tensor, texts: Sequence[Texts]) -> Tensor:
        """Over the lengths of vectors the mean, so that the steps do not grow with their number."""
        total = vectors_MD.new_zeros(())
        for unit_MD in at_each_length(vectors_MD, self.dimensions):
            if self.graded:
                total = total + ordered_cosines(unit_MD, texts, self.temperature)
            else:
                total = total + multiple_negatives(unit_MD, texts, self.temperature, symmetric=self.symmetric)
        return total / (1 + len(self.dimensions))


def _out_of_range(option: str, value: object, fix: str) -> ConfigError:
    return ConfigError.at(f"task.{option}", t("is {value}", value=value), fix, code="out-of-range")
