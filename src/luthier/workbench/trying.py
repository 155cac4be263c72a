"""A run's model, asked from the page: loaded once and kept while it is asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import catalog
from luthier.codec import Codec
from luthier.models.run import model_folder

if TYPE_CHECKING:
    from luthier.inference.artifact import Predictor

_MOST_ANSWERS = 5


def asked_of(run: Path) -> dict[str, Any]:
    """What the model is asked, and whether it can tell why it said so. Errors: ModelError where there is no model."""
    codec = Codec.load(model_folder(run), catalog.task)
    return {"fields": _fields(codec), "explains": codec.task.can_claim()}


def _fields(codec: Codec) -> list[dict[str, Any]]:
    """The columns that a row without an answer has; a text alone where the format leaves open how it comes."""
    asked = [column for column in codec.task.format.columns if not column.is_answer]
    needed = [column.name for column in asked if column.required]
    used = [column.name for column in asked if not column.required and column.name in codec.columns and needed]
    return [{"name": name, "required": name in needed} for name in [*needed, *used]] or [
        {"name": "text", "required": True}
    ]


@dataclass
class Models:
    """The model that was asked last. One at a time, and one question at a time: two would share the processor."""

    _run: Path | None = None
    _model: Predictor | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, run: Path, given: Mapping[str, str], *, why: bool = False) -> dict[str, Any]:
        """The best answers, as `luthier predict --top-k` prints them. given: by field. why: whether the words that
        speak for the answer are told, too. Errors: LuthierError."""
        with self._lock:
            from luthier.explaining import explain

            predictor = self._loaded(run)
            task = predictor.codec.task
            asked = task.as_sent(_input(given))
            (raw,) = predictor.raw([asked])
            told = {"answer": task.show(raw, None), "ranked": task.show(raw, _MOST_ANSWERS)}
            return {**told, "why": explain(predictor, [asked])[0].html() if why else None}

    def _loaded(self, run: Path) -> Predictor:
        from luthier.inference.artifact import load_artifact

        if self._model is None or self._run != run:
            self._model = None  # before the next takes its memory
            self._model, self._run = load_artifact(run), run
        return self._model

    def forget(self, run: Path) -> None:
        """Whose folder is about to go."""
        with self._lock:
            if self._run == run:
                self._model = self._run = None


def _input(given: Mapping[str, str]) -> Any:
    """A text where one is all that is asked for."""
    filled = {name: value for name, value in given.items() if value.strip()}
    return next(iter(filled.values())) if len(filled) == 1 and len(given) == 1 else filled
