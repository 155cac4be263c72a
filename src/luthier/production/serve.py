"""The HTTP server: POST /predict, /health/live, /health/ready. The answers are those of `luthier predict`.

Requests that arrive while the model works are answered together in its next batch.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from luthier.errors import LuthierError, shown
from luthier.language import t

if TYPE_CHECKING:  # torch takes seconds to import; the server answers /health/live before
    from luthier.inference.artifact import Predictor

MOST_ITEMS = 256
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TYPES = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 503: "not_ready"}


class Refusal(Exception):  # noqa: N818  an answer to the client, not a failure of ours
    """A request that cannot be answered. status: of HTTP. param: the field that is wrong."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code


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


def make_app(load: Callable[[], Predictor], on_failure: Callable[[LuthierError], None]) -> FastAPI:
    """The application. load: gives the model; called in a thread after the server has begun to listen, so that
    /health/live answers at once and /health/ready when it is true. on_failure: called where loading fails."""
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
    _tell_errors(app)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        is_ready = state["predictor"] is not None
        return JSONResponse({"status": "ready" if is_ready else "loading"}, 200 if is_ready else 503)

    @app.post("/predict")
    async def predict(request: Request) -> dict[str, Any]:
        predictor: Predictor | None = state["predictor"]
        if predictor is None:
            raise Refusal(503, t("the model is still loading"), code="not-ready")
        inputs, top_k = _read(predictor, await _body(request, predictor.codec.task.most_request_bytes))
        said = await state["batcher"].ask(inputs)
        shown_ = [predictor.codec.task.show(prediction, top_k) for prediction in said]
        return {"predictions": shown_, "model": predictor.name, "request_id": request.state.id}

    return app


def _tell_errors(app: FastAPI) -> None:
    """Every reply names its request, and every refusal is JSON of one shape."""

    @app.middleware("http")
    async def name_the_request(request: Request, call_next: Any) -> Any:
        given = request.headers.get("x-request-id", "")
        request.state.id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        response = await call_next(request)
        response.headers["x-request-id"] = request.state.id
        return response

    @app.exception_handler(Refusal)
    async def refuse(request: Request, refusal: Refusal) -> JSONResponse:
        return _error(request, refusal.status, refusal.message, refusal.param, refusal.code)

    @app.exception_handler(HTTPException)
    async def refuse_http(request: Request, error: HTTPException) -> JSONResponse:
        return _error(request, error.status_code, str(error.detail), None, _TYPES.get(error.status_code, "error"))

    @app.exception_handler(Exception)
    async def admit(request: Request, error: Exception) -> JSONResponse:
        return _error(request, 500, t("the model failed ({kind})", kind=type(error).__name__), None, "model-failed")


async def _body(request: Request, most: int) -> Any:
    """most: bytes."""
    if int(request.headers.get("content-length") or 0) > most:
        raise Refusal(413, t("the body is larger than {most} bytes", most=most), code="body-too-large")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise Refusal(413, t("the body is larger than {most} bytes", most=most), code="body-too-large")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, t("the body is not JSON: {error}", error=error), code="not-json") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _read(predictor: Predictor, body: Any) -> tuple[list[Any], int | None]:
    """The inputs in the task's own form, and top_k."""
    if not isinstance(body, dict):
        raise Refusal(400, t('write {"inputs": text or list of texts}'), code="not-an-object")
    unknown = sorted(set(body) - {"inputs", "top_k"})
    if unknown:
        what = t("unknown field {name}", name=shown(unknown[0]))
        raise Refusal(400, what, param=unknown[0], code="unknown-field")
    top_k = body.get("top_k")
    if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1):
        raise Refusal(400, t("top_k is a whole number from 1"), param="top_k", code="bad-value")
    if "inputs" not in body:
        raise Refusal(400, t("the field inputs is missing"), param="inputs", code="missing-field")
    given = body["inputs"]
    items = given if isinstance(given, list) else [given]
    if len(items) > MOST_ITEMS:
        raise Refusal(413, t("more than {most} inputs", most=MOST_ITEMS), param="inputs", code="too-many-inputs")
    try:
        return [_item(predictor, item) for item in items], top_k
    except LuthierError as error:
        raise Refusal(400, error.problems[0].what, param="inputs", code=error.problems[0].code) from None


def _item(predictor: Predictor, item: Any) -> Any:
    value = predictor.codec.task.as_sent(item)
    text = predictor.codec.task.format.plain_text(value)
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise Refusal(400, t("a text holds a lone surrogate"), param="inputs", code="lone-surrogate")
    return value


def _error(request: Request, status: int, message: str, param: str | None, code: str) -> JSONResponse:
    kind = _TYPES.get(status, "invalid_request" if status < 500 else "server_error")
    error = {"message": message, "type": kind, "param": param, "code": code}
    return JSONResponse({"error": error, "request_id": getattr(request.state, "id", "")}, status)
