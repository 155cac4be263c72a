"""POST /v1/embeddings."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from fastapi import FastAPI, Request

from luthier.language import t
from luthier.production.requests import MOST_ITEMS, read_items
from luthier.production.served import Models
from luthier.production.v1 import asked
from luthier.production.vectors import KINDS, as_kind, vectors_of

_FORMATS = ("float", "base64")


def add_embedding_route(app: FastAPI, models: Models) -> None:
    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> dict[str, Any]:
        served, body = await asked.read_asked(request, models)
        predictor = served.predictor
        asked.check_fields(body, asked.EMBEDDINGS, {})
        wanted = body.get("encoding_format") or "float"
        if wanted not in _FORMATS:
            raise asked.bad_value("encoding_format", t("encoding_format is float or base64"))
        inputs = read_items(predictor, [as_kind(text, _kind(body)) for text in _texts(body)], "input")
        made = await vectors_of(served, inputs)
        made.check(param="input", status=400, code="context_length_exceeded")
        unit_MD = [_shortened(vector, body.get("dimensions")) for vector in made.said]
        data = [
            {"object": "embedding", "index": i, "embedding": _written(vector, wanted)}
            for i, vector in enumerate(unit_MD)
        ]  # fmt: skip
        tokens = sum(len(group[0]) for group in predictor.codec.encode(inputs))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": predictor.name, "usage": usage}


def _texts(body: Mapping[str, Any]) -> list[str]:
    given = body.get("input")
    if given is None:
        raise asked.missing("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise asked.bad_value("input", t("input is a text or a list of texts, none empty; token ids are not taken"))
    if len(texts) > MOST_ITEMS:
        raise asked.bad_value("input", t("more than {most} inputs", most=MOST_ITEMS))
    return texts


def _kind(body: Mapping[str, Any]) -> str:
    """What OpenAI's models do not tell apart and many others do."""
    kind = body.get("input_type") or KINDS[0]
    if kind not in KINDS:
        raise asked.bad_value("input_type", t("input_type is query or document"))
    return kind


def _shortened(vector_D: np.ndarray, dimensions: Any) -> np.ndarray:
    """The first numbers, of length 1 again; how good they are is for who trained with task.dimensions to say."""
    if dimensions is None:
        return vector_D
    whole = isinstance(dimensions, int) and not isinstance(dimensions, bool)
    if not whole or not 1 <= dimensions <= len(vector_D):
        what = t("dimensions is a whole number from 1 to {most}", most=len(vector_D))
        raise asked.bad_value("dimensions", what)
    first_K = vector_D[:dimensions]
    return first_K / max(float(np.linalg.norm(first_K)), 1e-12)


def _written(vector_D: np.ndarray, wanted: str) -> Any:
    numbers = vector_D.astype("<f4")
    return numbers.tolist() if wanted == "float" else base64.b64encode(numbers.tobytes()).decode("ascii")
