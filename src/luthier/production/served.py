"""What answers, once it is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from luthier.language import t
from luthier.production.requests import Refusal

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor
    from luthier.production.batcher import Batcher
    from luthier.production.scribe import Scribe
    from luthier.writer import Writer


class Served:
    """Empty while the model loads; then `open` fills it."""

    def __init__(self) -> None:
        self._predictor: Predictor | None = None
        self._worker: Batcher | Scribe | None = None

    def open(self, predictor: Predictor, worker: Batcher | Scribe) -> None:
        self._predictor, self._worker = predictor, worker

    @property
    def is_open(self) -> bool:
        return self._predictor is not None

    @property
    def predictor(self) -> Predictor:
        """Errors: Refusal while it loads."""
        if self._predictor is None:
            raise Refusal(503, t("the model is still loading"), code="not-ready")
        return self._predictor

    @property
    def writes(self) -> bool:
        """Whether its answers are texts."""
        from luthier.production.scribe import Scribe

        return isinstance(self._worker, Scribe)

    @property
    def chooses(self) -> bool:
        """Whether its answers are texts of which there are a few."""
        from luthier.writer import Writer

        task = self.predictor.codec.task
        return isinstance(task, Writer) and task.chooses

    @property
    def scribe(self) -> Scribe:
        """Errors: Refusal where the model writes no text."""
        from luthier.production.scribe import Scribe

        if not isinstance(self._worker, Scribe):
            what = t("{task} writes no text", task=self.predictor.codec.task.name)
            raise Refusal(400, what, param="model", code="unsupported_model")
        return self._worker

    @property
    def writer(self) -> Writer[Any, Any]:
        """Errors: as of `scribe`."""
        return self.scribe.writer

    async def answer(self, inputs: Sequence[Any]) -> list[Any]:
        """The task's own predictions, one an input, in order. Errors: Refusal for one that is too long."""
        assert self._worker is not None
        return await self._worker.answer(inputs)
