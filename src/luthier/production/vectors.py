"""POST /embed: texts to vectors. POST /search: texts to the nearest rows of an indexed file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import FastAPI, Request

from luthier.language import t
from luthier.production.predicting.reach import TRUNCATE, Answers, told_of_cut, wants_cut
from luthier.production.requests import Refusal, read_body, read_inputs, read_object, read_top_k
from luthier.production.served import Models, Served

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.searching.index import Index

KINDS = ("query", "document")
_HITS, _MOST_HITS = 5, 100


async def vectors_of(served: Served, inputs: Sequence[Any]) -> Answers:
    """With a vector each. Errors: Refusal where the model makes none."""
    task = served.predictor.codec.task
    answers = Answers((), ()) if served.writes else await served.answer(inputs)
    made = [vector for said in answers.said if (vector := task.vector(said)) is not None]
    if len(made) < len(inputs):
        raise Refusal(400, t("{task} makes no vectors", task=task.name), code="no-vectors")
    return replace(answers, said=made)


def as_kind(text: Any, kind: str) -> Any:
    """What a task that tells queries from documents reads."""
    return {"document": text} if kind == "document" else text


def add_vector_routes(app: FastAPI, models: Models, index: Index | None) -> None:
    """index: what is searched, of the first model; None where nothing is."""

    @app.post("/embed")
    async def embed(request: Request) -> dict[str, Any]:
        body = read_object(await read_body(request, models.most_request_bytes), "kind", "model", TRUNCATE)
        served = models.of(body.get("model"))
        kind = body.get("kind", "query")
        if kind not in KINDS:
            raise Refusal(400, t("kind is query or document"), param="kind", code="bad-value")
        inputs = read_inputs(served.predictor, body, lambda text: as_kind(text, kind))
        may_cut, made = wants_cut(body), await vectors_of(served, inputs)
        cut, found = told_of_cut(made, may_cut), [vector.tolist() for vector in made.said]
        return {"embeddings": found, **cut, "model": served.name, "request_id": request.state.id}

    @app.post("/search")
    async def search(request: Request) -> dict[str, Any]:
        served = models.of()
        if index is None:
            raise Refusal(404, t("nothing is indexed: start the server with --index"), code="no-index")
        body = read_object(await read_body(request, models.most_request_bytes), "top_k", TRUNCATE)
        k = read_top_k(body) or _HITS
        if k > _MOST_HITS:
            raise Refusal(400, t("top_k is at most {most}", most=_MOST_HITS), param="top_k", code="bad-value")
        inputs = read_inputs(served.predictor, body)
        may_cut, made = wants_cut(body), await vectors_of(served, inputs)
        cut = told_of_cut(made, may_cut)
        hits = await asyncio.to_thread(index.search, np.stack(made.said), k) if made.said else []
        results = [[hit.as_json() for hit in one] for one in hits]
        return {"results": results, **cut, "model": served.name, "request_id": request.state.id}
