"""Fusion: a text beside an image or a sound, to one of several labels or to a number."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from luthier.balancing.remedy import Remedy
from luthier.errors import ConfigError, DataError, Place, did_you_mean, shown
from luthier.evaluation.baselines import VECTOR_STRENGTHS
from luthier.evaluation.linear import Rows, best_linear
from luthier.formats.format import AnyFormat
from luthier.formats.fused import FusedLabels, FusedNumbers
from luthier.formats.fused.rows import Fused, given
from luthier.language import t
from luthier.media.files import AUDIO, IMAGE, MOST_SENT_BYTES, Media, named_media, sent_media
from luthier.models.find import find_model
from luthier.saved import learned
from luthier.seen import Frozen, Scaling
from luthier.tasks.classification import Classification
from luthier.tasks.regression import Regression
from luthier.text.tokenizer import TextRule
from luthier.types import Choice, Example, LabelledBatch, LabelledWindow, Mistake, Window
from luthier.whole_text import AnyWholeText, WholeText

if TYPE_CHECKING:
    from torch import Tensor

    from luthier.models.encoders import MediaReader
    from luthier.models.load import Loaded

USUAL_ENCODERS: Mapping[str, str] = {IMAGE: "facebook/dinov2-small", AUDIO: "openai/whisper-tiny"}
"""Small, good and free: 22 and 8 million parameters, Apache-2.0."""
_HEADS: Mapping[str, tuple[type[AnyWholeText], AnyFormat]] = {
    "classification": (Classification, FusedLabels()), "regression": (Regression, FusedNumbers()),
}  # fmt: skip
_FUSIONS = ("attention", "concat", "gate")
_MOST_MEASURED = 512
"""Training files on which the scale of the features is measured."""
_NOT_SAVED = ("encoder", "home", "files")
_FOLDER = "encoder"
"""In a model's folder: what reads the images or sounds."""


@dataclass(frozen=True)
class Said:
    """said: the head's own prediction. missing: what the model had to do without, text, image or audio; or ""."""

    said: Any
    missing: str = ""


@dataclass(frozen=True)
class Fusion(WholeText[Fused, Any, Said]):
    """head: classification or regression. encoder: a model that reads images or sounds, a hub name or a folder.
    tune_encoder: whether it learns too; else its features are computed once. fusion: concat, gate or attention.
    modality_dropout: share of the training rows from which the text is taken away, and of those from which the other
    is, so that the model can do without. seconds: of a sound that are read."""

    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    architecture: ClassVar[str] = "luthier.models.own.fusion"
    reads_with_torch: ClassVar[bool] = True
    most_request_bytes: ClassVar[int] = 2 * MOST_SENT_BYTES

    head: str = "classification"
    encoder: str | None = field(default=None, compare=False)
    tune_encoder: bool = False
    fusion: str = "attention"
    modality_dropout: float = 0.1
    seconds: float = 30.0
    kind: str = learned("")
    inner: Mapping[str, Any] | None = learned(None)
    home: Path | None = field(default=None, compare=False, metadata={"learned": True})
    files: tuple[Media, ...] = field(default=(), compare=False, repr=False, metadata={"learned": True})

    def __post_init__(self) -> None:
        for name, value, known in (("head", self.head, tuple(_HEADS)), ("fusion", self.fusion, _FUSIONS)):
            if value not in known:
                what = t("is {value}", value=shown(value))
                fix = did_you_mean(str(value), known) + "; " + t("known: {names}", names=", ".join(known))
                raise ConfigError.at(f"task.{name}", what, fix, code="unknown-choice")
        if not 0 <= self.modality_dropout < 1:
            what, fix = t("is {value}", value=self.modality_dropout), t("use a number from 0 to below 1")
            raise ConfigError.at("task.modality_dropout", what, fix, code="out-of-range")
        if not 0 < self.seconds <= 3600:
            what, fix = t("is {value}", value=self.seconds), t("use a number above 0, at most 3600")
            raise ConfigError.at("task.seconds", what, fix, code="out-of-range")

    @property
    def format(self) -> AnyFormat:  # pyright: ignore[reportIncompatibleVariableOverride]  it hangs on the head
        return _HEADS[self.head][1]

    @cached_property
    def _head(self) -> AnyWholeText:
        """The task that knows what an answer is."""
        return _HEADS[self.head][0].from_state(self.inner or {})

    def _with_head(self, head: AnyWholeText) -> Self:
        return replace(self, inner=json.loads(json.dumps(head.state())))  # as it will come back from the disk

    # ---- from the user's rows

    def as_input(self, value: Any) -> Fused:
        return given(value, self.kind or IMAGE, lambda cell, kind: named_media(cell, kind, Place("input")))

    def as_sent(self, value: Any) -> Fused:
        return given(value, self.kind or IMAGE, sent_media)

    def learn(self, examples: Sequence[Example[Fused, Any]]) -> Self:
        kinds = sorted({example.input.media.kind for example in examples if example.input.media is not None})
        if not kinds:
            what = t("no row of the training data has an image or a sound")
            fix = t("name the column: data.columns.image=… or data.columns.audio=…, or use task=classification")
            raise DataError.at(examples[0].place, what, fix, code="missing-column")
        media = dict.fromkeys(example.input.media for example in examples if example.input.media is not None)
        files = tuple(media)[:_MOST_MEASURED]
        return replace(self, kind=kinds[0], files=files)._with_head(self._head.learn(examples))

    def settle(self, answers: Sequence[Any]) -> tuple[Self, list[Choice]]:
        head, choices = self._head.settle(answers)
        settled = self._with_head(head)
        if self.encoder is None and self.home is None:
            name = USUAL_ENCODERS[self.kind]
            settled = replace(settled, encoder=name)
            choices = [Choice("encoder", name, t("small, and knows enough of most files")), *choices]
        return settled, [choice for choice in choices if choice.key in settled.options()]

    # ---- to the model and back

    def head_options(self) -> Mapping[str, Any]:
        return self._head.head_options()

    def load_model(self, folder: Path, *, seed: int, device: str) -> Loaded:
        from luthier.models.own.fusion import MODEL_TYPE, fused_model

        if find_model(str(folder), weights=False).config["model_type"] == MODEL_TYPE:
            return self._head.load_model(folder, seed=seed, device=device)
        options = {"fusion": self.fusion, "modality_dropout": self.modality_dropout, **self.head_options()}
        tuned = self.tune_encoder
        return fused_model(folder, self._reader, options, self.files, tune_encoder=tuned, seed=seed, device=device)

    def save_model(self, model: Any, folder: Path) -> None:
        from luthier.models.encoders import copy_encoder

        self._head.save_model(model, folder)
        copy_encoder(self._reader.folder, folder / _FOLDER, weights=not self.tune_encoder)

    def in_folder(self, folder: Path) -> Self:
        return replace(self, home=folder / _FOLDER)

    @cached_property
    def _reader(self) -> MediaReader:
        """Errors: ModelError."""
        from luthier.models.encoders import media_reader

        folder = self.home or find_model(self.encoder or USUAL_ENCODERS[self.kind]).folder
        return media_reader(folder, self.kind, self.seconds)

    @property
    def _width(self) -> int:
        """D, of the features; a saved model tells, whose encoder may be a part of it."""
        return find_model(str(self.home.parent)).config["media_size"] if self.home else self._reader.width

    def encode(self, inputs: Sequence[Fused], text: TextRule) -> list[list[Window]]:
        reader = self._reader
        media = [input.media for input in inputs if input.media is not None]
        found = iter(reader.prepared(media) if self.tune_encoder else reader.encoded(media))
        nothing = reader.nothing(raw=self.tune_encoder)
        made: list[list[Window]] = []
        for window, input in zip(text.windows([input.text for input in inputs]), inputs, strict=True):
            array = nothing if input.media is None else next(found)
            there = np.full(len(array), input.media is not None, np.int8)
            own = {"media": array, "media_mask": there, "has_text": np.array([bool(input.text)], np.int8)}
            made.append([Window({**window.arrays, **own}, cut=window.cut)])
        return made

    def attach(self, window: Window, answer: Any, text: TextRule) -> LabelledWindow:
        return self._head.attach(window, answer, text)

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        return self._head.loss(model, batch)

    def outputs(self, model: Any, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return self._head.outputs(model, tensors)

    def read(self, outputs: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Sequence[Any]:
        return self._head.read(outputs, lengths)

    def decode(self, input: Fused | None, windows: Sequence[Window], inferred: Sequence[Any]) -> Said:
        said = self._head.decode(input, windows, inferred)
        if input is None:  # features stand for the input, and nobody sees the answer
            return Said(said)
        return Said(said, self.kind if input.media is None else "" if input.text else "text")

    def without(self, input: Fused) -> Mapping[str, Fused]:
        return {"text": replace(input, media=None), self.kind: replace(input, text="")}

    # ---- to the user

    def show(self, prediction: Said, top_k: int | None = None) -> Any:
        """As the head shows it, and `missing` where the model had to do without something."""
        shown_ = self._head.show(prediction.said, top_k)
        if not prediction.missing:
            return shown_
        missing = {"missing": prediction.missing}
        return [{**one, **missing} for one in shown_] if isinstance(shown_, list) else {**shown_, **missing}

    def show_answer(self, answer: Any) -> Any:
        return self._head.show_answer(answer)

    def score(self, predictions: Sequence[Said], answers: Sequence[Any], weights_RN: np.ndarray) -> Any:
        return self._head.score(_said(predictions), answers, weights_RN)

    def details(self, predictions: Sequence[Said], answers: Sequence[Any]) -> dict[str, Any]:
        return self._head.details(_said(predictions), answers)

    def mistake(self, prediction: Said, answer: Any) -> Mistake | None:
        return self._head.mistake(prediction.said, answer)

    def probabilities(self, prediction: Said) -> np.ndarray | None:
        return self._head.probabilities(prediction.said)

    def usual_epochs(self, answers: Sequence[Any]) -> tuple[int, str]:
        return self._head.usual_epochs(answers)

    # ---- against imbalance

    def class_names(self) -> Sequence[str]:
        return self._head.class_names()

    def row_classes(self, answers: Sequence[Any]) -> np.ndarray:
        return self._head.row_classes(answers)

    def remedied(self, remedy: Remedy) -> Self:
        return self._with_head(self._head.remedied(remedy))

    def best_shifts(
        self, predictions: Sequence[Said], answers: Sequence[Any], counts: Sequence[int], seed: int
    ) -> np.ndarray:
        return self._head.best_shifts(_said(predictions), answers, counts, seed)

    def shifted(self, predictions: Sequence[Said], shifts_C: np.ndarray) -> list[Said]:
        return _with_said(predictions, self._head.shifted(_said(predictions), shifts_C))

    def with_shifts(self, shifts_C: np.ndarray) -> Self:
        return self._with_head(self._head.with_shifts(shifts_C))

    def calibrates(self) -> bool:
        return self._head.calibrates()

    def sureness(self, predictions: Sequence[Said], answers: Sequence[Any]) -> Any:
        return self._head.sureness(_said(predictions), answers)

    def temperature_nats(self, predictions: Sequence[Said], answers: Sequence[Any]) -> Any:
        return self._head.temperature_nats(_said(predictions), answers)

    def tempered(self, predictions: Sequence[Said], temperature: float) -> list[Said]:
        return _with_said(predictions, self._head.tempered(_said(predictions), temperature))

    def with_temperature(self, temperature: float) -> Self:
        return self._with_head(self._head.with_temperature(temperature))

    def constant(self, answers: Sequence[Any]) -> Said:
        return Said(self._head.constant(answers))

    def linear(
        self, features: Any, answers: Sequence[Any], strength: float, seed: int, weights: np.ndarray | None = None
    ) -> Any:
        return self._head.linear(features, answers, strength, seed, weights)

    def read_linear(self, model: Any, features: Any) -> list[Said]:
        return [Said(one) for one in self._head.read_linear(model, features)]

    def head_from_linear(self, model: Any) -> tuple[np.ndarray, np.ndarray] | None:
        return self._head.head_from_linear(model)

    def more_features(self, inputs: Sequence[Fused]) -> np.ndarray:
        """The mean of each file's features; 0 where there is no file."""
        reader = self._reader
        found = iter(reader.encoded([input.media for input in inputs if input.media is not None]))
        nothing_D = np.zeros(reader.width, np.float32)
        return np.stack([
            nothing_D if input.media is None else next(found).astype(np.float32).mean(0) for input in inputs
        ])  # fmt: skip

    def baselines(self, frozen: Frozen[Fused, Any], seed: int) -> Mapping[str, Callable[[], Sequence[Said]]]:
        """Beside the usual ones linear models on what the untuned encoders say of one part alone."""
        width = self._width

        def linear(part: slice) -> Sequence[Said]:
            scale = Scaling.of(frozen.train.features.vectors[:, part])
            train, checked, judged = (
                Rows(scale(seen.features.vectors[:, part]), seen.answers) if seen else None
                for seen in (frozen.train, frozen.validation, frozen.judged)
            )
            assert train is not None and judged is not None
            return self.read_linear(best_linear(self, train, checked, VECTOR_STRENGTHS, seed), judged.features)

        return {
            "embeddings_text": lambda: linear(slice(None, -width)),
            f"embeddings_{self.kind}": lambda: linear(slice(-width, None)),
        }

    def state(self) -> dict[str, Any]:
        """Without the names of this machine's folders."""
        return {name: value for name, value in super().state().items() if name not in _NOT_SAVED}


def _said(predictions: Sequence[Said]) -> list[Any]:
    return [prediction.said for prediction in predictions]


def _with_said(predictions: Sequence[Said], said: Sequence[Any]) -> list[Said]:
    return [replace(old, said=new) for old, new in zip(predictions, said, strict=True)]
