"""The HTTP server: POST /predict, /embed, /search, OpenAI's routes under /v1, GET /health/live, /health/ready. The
answers are those of `luthier predict`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from luthier.errors import LuthierError
from luthier.production.batcher import Batcher
from luthier.production.listening import while_here
from luthier.production.requests import read_body, read_inputs, read_object, read_top_k, tell_errors
from luthier.production.scribe import Scribe
from luthier.production.served import Served
from luthier.production.v1.embeddings import add_embedding_route
from luthier.production.v1.routes import add_model_routes, add_writing_routes
from luthier.production.vectors import Vectors, add_vector_routes

if TYPE_CHECKING:  # torch takes seconds to import; the server answers /health/live before
    from luthier.inference.artifact import Predictor
    from luthier.searching.index import Index


def make_app(
    load: Callable[[], Predictor],
    on_failure: Callable[[LuthierError], None],
    index: Index | None = None,
) -> FastAPI:
    """The application. load: gives the model; called in a thread after the server has begun to listen, so that
    /health/live answers at once and /health/ready when it is true. on_failure: called where loading fails.
    index: what /search searches."""
    served = Served()

    async def start() -> None:
        try:
            predictor = await asyncio.to_thread(load)
        except LuthierError as error:
            on_failure(error)
            return
        from luthier.writer import Writer

        task = predictor.codec.task
        worker = Scribe(predictor) if isinstance(task, Writer) and task.writes else Batcher(predictor)
        served.open(predictor, worker)
        await worker.work()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker = asyncio.create_task(start())
        yield
        worker.cancel()

    app = FastAPI(title="Luthier", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.served = served
    tell_errors(app)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        return JSONResponse({"status": "ready" if served.is_open else "loading"}, 200 if served.is_open else 503)

    @app.post("/predict")
    async def predict(request: Request) -> dict[str, Any]:
        predictor = served.predictor
        body = read_object(await read_body(request, predictor.codec.task.most_request_bytes), "top_k")
        top_k = read_top_k(body)
        inputs = read_inputs(predictor, body)
        said = await while_here(request.receive, served.answer(inputs))
        shown_ = [predictor.codec.task.show(prediction, top_k) for prediction in said]
        return {"predictions": shown_, "model": predictor.name, "request_id": request.state.id}

    vectors = Vectors(served, index)
    add_vector_routes(app, vectors)
    add_embedding_route(app, vectors)
    add_model_routes(app, served)
    add_writing_routes(app, served)
    return app
