"""The shapes of what goes in and comes out, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(inner: Schema) -> Schema:
    return {"type": "array", "items": inner}


def record(needed: Mapping[str, Schema], more: Mapping[str, Schema] | None = None, *, open: bool = False) -> Schema:
    """needed, more: properties that must and may be there. open: others may be there as well."""
    properties = {**needed, **(more or {})}
    return {"type": "object", "properties": properties, "required": list(needed), "additionalProperties": open}


TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 1}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
ANYTHING: Schema = {}
_INPUT: Schema = {"description": "a text; for other tasks an object with the columns of the training data",
                  "oneOf": [TEXT, {"type": "object"}]}  # fmt: skip
_USAGE = record({"prompt_tokens": WHOLE, "total_tokens": WHOLE}, {"completion_tokens": WHOLE})
_INPUTS: Schema = {"oneOf": [_INPUT, {**list_of(_INPUT), "maxItems": 256}]}
_TOP_K: Schema = {**COUNT, "description": "the k best answers each"}
_TRUNCATE: Schema = {**FLAG, "default": False, "description": "whether the end of what is too long may be left out"}
_TRUNCATED: Schema = {**list_of(WHOLE), "description": "with truncate, of each input the tokens that were left out"}
_MODEL: Schema = {**TEXT, "description": "the folder's name; the first where none is named"}
_WISH: Mapping[str, Schema] = {
    "temperature": {"type": "number", "minimum": 0, "maximum": 2, "default": 0},
    "top_p": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "max_tokens": COUNT,
    "seed": WHOLE,
    "stop": {"oneOf": [TEXT, {**list_of(TEXT), "maxItems": 4}]},
    "stream": FLAG,
    "stream_options": record({}, {"include_usage": FLAG}),
}
_CHOICE = {"index": WHOLE, "finish_reason": {"enum": ["stop", "length", "tool_calls"]}}

SCHEMAS: Mapping[str, Schema] = {
    "Error": record(
        {"error": record({"message": TEXT, "type": TEXT, "param": {"type": ["string", "null"]}, "code": TEXT}),
         "request_id": TEXT}
    ),
    "Asked": record({"inputs": _INPUTS}, {"top_k": _TOP_K, "model": _MODEL, "truncate": _TRUNCATE}),
    "Predictions": record(
        {"predictions": {**list_of(ANYTHING), "description": "one an input, in order, as the task shows them"},
         "model": TEXT, "request_id": TEXT},
        {"explanations": {**list_of({"type": "object"}), "description": "with ?explain=true, one an input"},
         "truncated": _TRUNCATED},
    ),
    "Feedback": record({"label": {"description": "what the answer should have been"}},
                       {"request_id": TEXT, "index": {**WHOLE, "minimum": 0, "default": 0}, "input": _INPUT,
                        "model": _MODEL}),
    "Stored": record({"stored": {"const": True}, "request_id": TEXT}),
    "Embed": record({"inputs": _INPUTS},
                    {"kind": {"enum": ["query", "document"]}, "model": _MODEL, "truncate": _TRUNCATE}),
    "Vectors": record({"embeddings": list_of(list_of(NUMBER)), "model": TEXT, "request_id": TEXT},
                      {"truncated": _TRUNCATED}),
    "Search": record({"inputs": _INPUTS},
                     {"top_k": {**_TOP_K, "maximum": 100, "default": 5}, "truncate": _TRUNCATE}),
    "Hits": record({"results": list_of(list_of({"type": "object"})), "model": TEXT, "request_id": TEXT},
                   {"truncated": _TRUNCATED}),
    "State": record({"status": {"enum": ["live", "ready", "loading", "draining", "failing"]}}),
    "Model": record({"id": TEXT, "object": {"const": "model"}, "created": WHOLE, "owned_by": TEXT}),
    "Models": record({"object": {"const": "list"}, "data": list_of(ref("Model"))}),
    "Chat": record({"model": TEXT, "messages": list_of(record({"role": TEXT}, {"content": ANYTHING}, open=True))},
                   {**_WISH, "max_completion_tokens": COUNT, "tools": list_of({"type": "object"}),
                    "tool_choice": {"enum": ["auto", "none"]}}, open=True),
    "ChatReply": record({"id": TEXT, "object": TEXT, "created": WHOLE, "model": TEXT,
                         "choices": list_of(record({**_CHOICE, "message": {"type": "object"}}, open=True)),
                         "usage": _USAGE}, open=True),
    "Completion": record({"model": TEXT, "prompt": {"oneOf": [TEXT, list_of(TEXT)]}}, _WISH, open=True),
    "CompletionReply": record({"id": TEXT, "object": TEXT, "created": WHOLE, "model": TEXT,
                               "choices": list_of(record({**_CHOICE, "text": TEXT}, open=True)),
                               "usage": _USAGE}, open=True),
    "EmbeddingsAsked": record({"model": TEXT, "input": {"oneOf": [TEXT, list_of(TEXT)]}},
                              {"encoding_format": {"enum": ["float", "base64"]}, "dimensions": COUNT,
                               "input_type": {"enum": ["query", "document"]}}, open=True),
    "EmbeddingsReply": record({"object": TEXT, "model": TEXT, "usage": _USAGE,
                               "data": list_of(record({"object": TEXT, "index": WHOLE, "embedding": ANYTHING}))}),
}  # fmt: skip
