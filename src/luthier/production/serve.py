"""The HTTP server: POST /predict, /embed, /search, GET /health/live, /health/ready. The answers are those of `luthier
predict`.

Requests that arrive while the model works are answered together in its next batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from luthier.errors import LuthierError
from luthier.language import t
from luthier.production.requests import (
    MOST_ITEMS,
    Refusal,
    read_body,
    read_inputs,
    read_object,
    read_top_k,
    tell_errors,
)
from luthier.production.vectors import Vectors, add_vector_routes

if TYPE_CHECKING:  # torch takes seconds to import; the server answers /health/live before
    from luthier.inference.artifact import Predictor
    from luthier.searching.index import Index


@dataclass(frozen=True)
class Question:
    """A request's inputs in the task's own form, and where its predictions go."""

    inputs: Sequence[Any]
    answer: asyncio.Future[list[Any]]


class Batcher:
    """One worker thread with the model; what waits when it is free goes in together."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._waiting: asyncio.Queue[Question] = asyncio.Queue()

    async def ask(self, inputs: Sequence[Any]) -> list[Any]:
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


def make_app(
    load: Callable[[], Predictor],
    on_failure: Callable[[LuthierError], None],
    index: Index | None = None,
) -> FastAPI:
    """The application. load: gives the model; called in a thread after the server has begun to listen, so that
    /health/live answers at once and /health/ready when it is true. on_failure: called where loading fails.
    index: what /search searches."""
    state: dict[str, Any] = {"predictor": None, "batcher": None}

    async def start() -> None:
        try:
            predictor = await asyncio.to_thread(load)
        except LuthierError as error:
            on_failure(error)
            return
        state["batcher"] = Batcher(predictor)
        state["predictor"] = predictor
        await state["batcher"].work()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker = asyncio.create_task(start())
        yield
        worker.cancel()

    app = FastAPI(title="Luthier", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    tell_errors(app)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        is_ready = state["predictor"] is not None
        return JSONResponse({"status": "ready" if is_ready else "loading"}, 200 if is_ready else 503)

    def ready_predictor() -> Predictor:
        if state["predictor"] is None:
            raise Refusal(503, t("the model is still loading"), code="not-ready")
        return state["predictor"]

    @app.post("/predict")
    async def predict(request: Request) -> dict[str, Any]:
        predictor = ready_predictor()
        body = read_object(await read_body(request, predictor.codec.task.most_request_bytes), "top_k")
        top_k = read_top_k(body)
        inputs = read_inputs(predictor, body)
        said = await state["batcher"].ask(inputs)
        shown_ = [predictor.codec.task.show(prediction, top_k) for prediction in said]
        return {"predictions": shown_, "model": predictor.name, "request_id": request.state.id}

    add_vector_routes(app, Vectors(ready_predictor, lambda inputs: state["batcher"].ask(inputs), index))
    return app
