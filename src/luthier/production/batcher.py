"""Predictions that are made at once: one worker thread with the model; what waits when it is free goes in together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luthier.production.requests import MOST_ITEMS

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor


@dataclass(frozen=True)
class Question:
    """A request's inputs in the task's own form, and where its predictions go."""

    inputs: Sequence[Any]
    answer: asyncio.Future[list[Any]]


class Batcher:
    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._waiting: asyncio.Queue[Question] = asyncio.Queue()

    async def answer(self, inputs: Sequence[Any]) -> list[Any]:
        """The task's own predictions, one an input, in order."""
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        await self._waiting.put(Question(inputs, answer))
        return await answer

    async def work(self) -> None:
        """Answers until it is cancelled."""
        while True:
            questions = [await self._waiting.get()]
            while not self._waiting.empty() and sum(len(q.inputs) for q in questions) < MOST_ITEMS:
                questions.append(self._waiting.get_nowait())
            questions = [q for q in questions if not q.answer.cancelled()]
            inputs = [item for question in questions for item in question.inputs]
            try:
                predictions = iter(await asyncio.to_thread(self._predictor.raw, inputs) if inputs else [])
            except Exception as error:
                for question in questions:
                    if not question.answer.done():
                        question.answer.set_exception(error)
                continue
            for question in questions:
                said = [next(predictions) for _ in question.inputs]
                if not question.answer.done():
                    question.answer.set_result(said)
