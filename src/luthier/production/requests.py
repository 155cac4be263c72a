"""What comes in over HTTP and what goes out when it cannot be answered: JSON of one shape, whatever a client sends."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from luthier.errors import LuthierError, shown
from luthier.language import t

if TYPE_CHECKING:  # torch takes seconds to import; the server answers /health/live before
    from luthier.inference.artifact import Predictor

_log = logging.getLogger("luthier")
MOST_ITEMS = 256
MOST_DEPTH = 32
"""Of lists and objects in each other."""
CLIENT_GONE = 499
"""What nginx logs for a client that closed its connection; nobody reads it."""
HARMLESS = r"[A-Za-z0-9._-]{1,64}"
"""The pattern of a request's id that is taken from the client."""
_REQUEST_ID = re.compile(HARMLESS)
_KEY, _COUNT = secrets.token_bytes(32), count()
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}

Replied = Callable[[str, "str | None", int, float], None]
"""Is told of each reply: the request's id, the route as it is declared, the status, seconds."""


class Refusal(Exception):  # noqa: N818  an answer to the client, not a failure of ours
    """A request that cannot be answered. status: of HTTP. param: the field that is wrong. retry_after: seconds after
    which a server that is loading or full may be asked again."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = {503: {"retry-after": str(retry_after)}, 401: {"www-authenticate": "Bearer"}}.get(status, {})

    def content(self, name: str) -> dict[str, Any]:
        """Of the reply. name: the request's id, empty where it has none."""
        return {"error": self.as_json(), "request_id": name}

    def as_json(self) -> dict[str, Any]:
        """As OpenAI's clients read it."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"message": self.message, "type": kind, "param": self.param, "code": self.code}


def new_name() -> str:
    """Of a request: nobody guesses it, and no other has it. Asking the system for random bytes each time would let go
    of Python's lock, which whoever computes then takes."""
    return blake2b(next(_COUNT).to_bytes(8), key=_KEY, digest_size=8).hexdigest()


class Named:
    """Around the application: every request has an id, taken from the client where it is harmless, and every reply
    tells it, that to what failed unforeseen too, after which the connection can be used again. In plain ASGI, so that a
    reply can be streamed and a client that goes away is noticed."""

    def __init__(self, app: Any, told: Replied = lambda name, route, status, seconds: None) -> None:
        self._app, self._told = app, told

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _REQUEST_ID.fullmatch(given) else new_name()
        scope.setdefault("state", {})["id"] = name

        status, begin = 0, time.perf_counter()

        async def send_named(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = name
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except Exception as error:
            if status:
                raise
            _log.exception("request %s failed", name)
            await refusal_reply(Request(scope), model_failed(error))(scope, receive, send_named)
        finally:
            route = getattr(scope.get("route"), "path", None)
            self._told(name, route, status or 499, time.perf_counter() - begin)


class Direct:
    """Around the application: what is posted to one path goes straight to what answers it. Between them lie a router,
    parameters that there are not, and places for errors, and they take as long as all the rest."""

    def __init__(self, app: Any, path: str, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._app, self._path, self._answer = app, path, answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            reply = await self._answer(request)
        except Refusal as refusal:
            reply = refusal_reply(request, refusal)
        await reply(scope, receive, send)


def tell_errors(app: FastAPI) -> None:
    """Every refusal is JSON of one shape."""

    @app.exception_handler(Refusal)
    async def refuse(request: Request, refusal: Refusal) -> JSONResponse:
        return refusal_reply(request, refusal)

    @app.exception_handler(HTTPException)
    async def refuse_http(request: Request, error: HTTPException) -> JSONResponse:
        code = _CODES.get(error.status_code, "error")
        return refusal_reply(request, Refusal(error.status_code, str(error.detail), code=code))


def model_failed(error: Exception) -> Refusal:
    return Refusal(500, t("the model failed ({kind})", kind=type(error).__name__), code="model-failed")


async def read_body(request: Request, most: int) -> Any:
    """most: bytes."""
    if int(request.headers.get("content-length") or 0) > most:
        raise Refusal(413, t("the body is larger than {most} bytes", most=most), code="body-too-large")
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                raise Refusal(413, t("the body is larger than {most} bytes", most=most), code="body-too-large")
    except ClientDisconnect:
        raise Refusal(CLIENT_GONE, t("the client went away"), code="client-gone") from None
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        if body.count(b"[") + body.count(b"{") > MOST_DEPTH:
            _check_depth(value)
        return value
    except (ValueError, RecursionError) as error:
        raise Refusal(400, t("the body is not JSON: {error}", error=error), code="not-json") from None


def _check_depth(value: Any) -> None:
    """Errors: Refusal for lists in lists in lists."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [
            inner
            for one in level
            if isinstance(one, (list, dict))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise Refusal(400, t("JSON is nested deeper than {most} levels", most=MOST_DEPTH), code="too-deep")


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def read_object(body: Any, *others: str) -> dict[str, Any]:
    """The body, which has the field inputs and may have others."""
    if not isinstance(body, dict):
        raise Refusal(400, t('write {"inputs": text or list of texts}'), code="not-an-object")
    unknown = sorted(set(body) - {"inputs", *others})
    if unknown:
        what = t("unknown field {name}", name=shown(unknown[0]))
        raise Refusal(400, what, param=unknown[0], code="unknown-field")
    return body


def read_top_k(body: dict[str, Any]) -> int | None:
    top_k = body.get("top_k")
    if top_k is not None and (isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1):
        raise Refusal(400, t("top_k is a whole number from 1"), param="top_k", code="bad-value")
    return top_k


def read_inputs(
    predictor: Predictor, body: dict[str, Any], wrap: Callable[[Any], Any] = lambda item: item
) -> list[Any]:
    """The inputs in the task's own form. wrap: what is made of each before the task reads it."""
    if "inputs" not in body:
        raise Refusal(400, t("the field inputs is missing"), param="inputs", code="missing-field")
    given = body["inputs"]
    items = given if isinstance(given, list) else [given]
    if len(items) > MOST_ITEMS:
        raise Refusal(413, t("more than {most} inputs", most=MOST_ITEMS), param="inputs", code="too-many-inputs")
    return read_items(predictor, [wrap(item) for item in items], "inputs")


def read_items(predictor: Predictor, items: list[Any], param: str) -> list[Any]:
    """In the task's own form. param: the field that they stood in."""
    try:
        return [_item(predictor, item, param) for item in items]
    except LuthierError as error:
        raise Refusal(400, error.problems[0].what, param=param, code=error.problems[0].code) from None


def _item(predictor: Predictor, item: Any, param: str) -> Any:
    value = predictor.codec.task.as_sent(item)
    text = predictor.codec.task.format.plain_text(value)
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise Refusal(400, t("a text holds a lone surrogate"), param=param, code="lone-surrogate")
    return value


def refusal_reply(request: Request, refusal: Refusal) -> JSONResponse:
    return JSONResponse(refusal.content(getattr(request.state, "id", "")), refusal.status, refusal.headers)
