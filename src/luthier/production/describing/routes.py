"""What each route is for, what it takes, what it gives, and by which errors it refuses. For /openapi.json and /docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.production.describing.schemas import SCHEMAS, ref

_WRONG = (400, 401, 413, 421, 500, 503)
_WRITES = (400, 401, 404, 413, 421, 500, 503)
ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("bad-value", "a wrong value, an unknown field, or no JSON"),
    401: ("invalid_api_key", "no key, or a wrong one"),
    403: ("texts-not-kept", "a text for a server that keeps none"),
    404: ("model_not_found", "another model than those that are served, or nothing that could take it"),
    413: ("body-too-large", "a body of over 1 MiB, or over 256 inputs"),
    421: ("wrong-host", "asked for under a name that is not this machine's"),
    500: ("model-failed", "the model failed on it"),
    503: ("overloaded", "loading, full, late or ending; Retry-After says when to come back"),
}


@dataclass(frozen=True)
class Route:
    """asked, given: names of schemas. example: what is asked and what is answered. errors: by status."""

    about: str
    given: str = ""
    asked: str = ""
    example: tuple[Any, Any] = (None, None)
    errors: tuple[int, ...] = (401, 421)
    media: str = "application/json"


_USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
_HEAD = {"id": "cmpl-1", "created": 1764140000, "model": "tickets-1", "usage": _USAGE}
_ASK = {"inputs": ["where is my parcel?"]}
_ID = {"model": "tickets-1", "request_id": "5f2c9a"}
_MODEL = {"id": "tickets-1", "object": "model", "created": 1764140000, "owned_by": "luthier"}
_CHAT = {"model": "tickets-1", "messages": [{"role": "user", "content": "where is my parcel?"}]}
_TOLD = {"role": "assistant", "content": "It is on its way."}
_STOP = {"index": 0, "finish_reason": "stop"}

ROUTES: Mapping[tuple[str, str], Route] = {
    ("post", "/predict"): Route(
        "Answers to inputs, as `luthier predict` gives them. Every task. With ?explain=true, for at most 16 inputs, "
        "which words made the model say so.", "Predictions", "Asked",
        (_ASK, {"predictions": [{"label": "delivery", "score": 0.97}], **_ID}), _WRITES,
    ),
    ("post", "/feedback"): Route(
        "What is right, from who knows better; with --record.", "Stored", "Feedback",
        ({"request_id": "5f2c9a", "index": 0, "label": "refund"}, {"stored": True, "request_id": "77b01c"}),
        (400, 401, 403, 404, 413, 421, 503),
    ),
    ("post", "/embed"): Route(
        "Vectors of texts. Runs of retrieval.", "Vectors", "Embed",
        ({**_ASK, "kind": "query"}, {"embeddings": [[0.1, -0.2]], **_ID}), _WRITES,
    ),
    ("post", "/search"): Route(
        "The nearest rows of the file that was indexed; with --index.", "Hits", "Search",
        ({**_ASK, "top_k": 1}, {"results": [[{"score": 0.8, "row": {"text": "parcels"}}]], **_ID}), _WRITES,
    ),
    ("post", "/v1/chat/completions"): Route(
        "OpenAI's chat, as a whole or streamed. Runs of sft.", "ChatReply", "Chat",
        (_CHAT, {**_HEAD, "object": "chat.completion", "choices": [{**_STOP, "message": _TOLD}]}), _WRITES,
    ),
    ("post", "/v1/completions"): Route(
        "OpenAI's completions, as a whole or streamed. Runs that write text.", "CompletionReply", "Completion",
        ({"model": "tickets-1", "prompt": "where is my parcel?"},
         {**_HEAD, "object": "text_completion", "choices": [{**_STOP, "text": "It is on its way."}]}), _WRITES,
    ),
    ("post", "/v1/embeddings"): Route(
        "OpenAI's embeddings. Runs of retrieval.", "EmbeddingsReply", "EmbeddingsAsked",
        ({"model": "tickets-1", "input": "where is my parcel?"},
         {"object": "list", "model": "tickets-1", "usage": {"prompt_tokens": 7, "total_tokens": 7},
          "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -0.2]}]}), _WRITES,
    ),
    ("get", "/v1/models"): Route(
        "The models, by the names of their folders.", "Models",
        example=(None, {"object": "list", "data": [_MODEL]}), errors=(401, 421, 503),
    ),
    ("get", "/v1/models/{name}"): Route("One model.", "Model", example=(None, _MODEL), errors=(401, 404, 421, 503)),
    ("get", "/health/live"): Route("Whether the process is there.", "State", example=(None, {"status": "live"}),
                                   errors=(421,)),
    ("get", "/health/ready"): Route(
        "Whether it answers: 200 when the models are loaded and have answered their golden rows as they did when they "
        "were evaluated, else 503.", "State", example=(None, {"status": "ready"}), errors=(421,),
    ),
    ("get", "/metrics"): Route("Counters for Prometheus.", media="text/plain"),
    ("get", "/openapi.json"): Route("This description.", example=(None, {"openapi": "3.1.0"})),
    ("get", "/docs"): Route("This description as a page.", media="text/html"),
}  # fmt: skip


def described(paths: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The description of a server with these paths, in OpenAPI 3.1. paths: of FastAPI's, with their methods; what is
    not known here is told as FastAPI tells it."""
    told = {
        path: {method: _operation(path, method, own) for method, own in methods.items()}
        for path, methods in paths.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Luthier", "version": version, "description": "A tuned model over HTTP."},
        "security": [{}, {"key": []}],
        "paths": told,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(path: str, method: str, own: Mapping[str, Any]) -> dict[str, Any]:
    route = ROUTES.get((method, path.replace("{name:path}", "{name}")))
    if route is None:
        return dict(own)
    found: dict[str, Any] = {"summary": route.about, "operationId": own["operationId"]}
    if own.get("parameters"):
        found["parameters"] = own["parameters"]
    asked, given = route.example
    if route.asked:
        content = {"application/json": {"schema": ref(route.asked), "example": asked}}
        found["requestBody"] = {"required": True, "content": content}
    schema = ref(route.given) if route.given else {"type": "object" if route.media.endswith("json") else "string"}
    content = {route.media: {"schema": schema, **({"example": given} if given is not None else {})}}
    found["responses"] = {"200": {"description": "the answer", "content": content}}
    if path == "/health/ready":
        found["responses"]["503"] = {"description": "not ready", "content": {route.media: {"schema": schema}}}
    for status in route.errors:
        found["responses"][str(status)] = _error(status)
    return found


def _error(status: int) -> dict[str, Any]:
    code, about = ERRORS[status]
    kind = "invalid_request_error" if status < 500 else "server_error"
    example = {"error": {"message": about, "type": kind, "param": None, "code": code}, "request_id": "5f2c9a"}
    headers = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}} if status == 503 else None
    content = {"application/json": {"schema": ref("Error"), "example": example}}
    return {"description": about, "content": content, **({"headers": headers} if headers else {})}
