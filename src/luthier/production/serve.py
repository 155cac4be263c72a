"""The HTTP server: POST /predict, /embed, /search, OpenAI's routes under /v1, GET /health/live, /health/ready,
/metrics, /openapi.json and /docs. The answers are those of `luthier predict`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from luthier.errors import LuthierError
from luthier.production.describing.page import add_docs_routes
from luthier.production.door import Door
from luthier.production.limits import Limits
from luthier.production.predicting.route import PATH, add_predict_route
from luthier.production.requests import Direct, Named, tell_errors
from luthier.production.served import Load, Models
from luthier.production.v1.embeddings import add_embedding_route
from luthier.production.v1.routes import add_model_routes, add_writing_routes
from luthier.production.vectors import add_vector_routes
from luthier.production.watching.feedback import add_feedback_route
from luthier.production.watching.journal import Journal
from luthier.production.watching.meters import Meters

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.recording.recorder import Recorder
    from luthier.searching.index import Index


def make_app(
    loads: Sequence[Load],
    on_failure: Callable[[LuthierError], None],
    index: Index | None = None,
    *,
    limits: Limits | None = None,
    keys: Sequence[bytes] = (),
    hosts: Collection[str] = (),
    journal: Journal | None = None,
    metrics: bool = True,
    docs: bool = True,
    recorder: Recorder | None = None,
    feedback: bool = False,
) -> FastAPI:
    """The application. loads: give the models; called in threads after the server has begun to listen, so that
    /health/live answers at once and /health/ready when it is true. on_failure: called where loading fails.
    index: what /search searches, of the first model. keys, hosts: as of `Door`. journal: is told of each request.
    metrics, docs: whether GET /metrics, and /docs with /openapi.json, are there. recorder: takes what is answered.
    feedback: whether clients may send texts with what is right."""
    limits = limits or Limits()
    meters = Meters(lambda: models.waiting, recorder)
    models = Models(loads, limits, meters.turn)

    async def start() -> None:
        try:
            await models.open()
        except LuthierError as error:
            on_failure(error)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        worker = asyncio.create_task(start())
        yield
        worker.cancel()

    def replied(name: str, route: str | None, status: int, seconds: float) -> None:
        meters.replied(route, status, seconds)
        if journal is not None:
            journal.replied(name, route, status, seconds)

    app = FastAPI(title="Luthier", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.models, app.state.recorder, app.state.replied = models, recorder, replied
    tell_errors(app)
    app.add_middleware(Direct, path=PATH, answer=add_predict_route(app, models))
    app.add_middleware(Door, keys=keys, hosts=hosts, overload=lambda: models.overload, header_bytes=limits.header_bytes)
    app.add_middleware(Named, told=replied)
    _add_health_routes(app, models)
    add_feedback_route(app, models, recorder, texts=feedback)
    add_vector_routes(app, models, index)
    add_embedding_route(app, models)
    add_model_routes(app, models)
    add_writing_routes(app, models)
    if metrics:
        meters.add_route(app)
    if docs:
        add_docs_routes(app)
    return app


def _add_health_routes(app: FastAPI, models: Models) -> None:
    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        return JSONResponse({"status": models.state}, 200 if models.state == "ready" else 503)
