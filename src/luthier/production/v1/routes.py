"""POST /v1/chat/completions and /v1/completions, GET /v1/models."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request

from luthier.errors import LuthierError
from luthier.language import t
from luthier.production.listening import EventStream, while_here
from luthier.production.requests import Refusal, model_failed, read_body, read_items
from luthier.production.scribe import Errand
from luthier.production.served import Served
from luthier.production.v1 import asked
from luthier.production.v1.messages import Conversed, read_messages
from luthier.production.v1.replies import DONE, Envelope, Told, event

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor
    from luthier.writer import Written


def add_model_routes(app: FastAPI, served: Served) -> None:
    began = int(time.time())

    def described() -> dict[str, Any]:
        return {"id": served.predictor.name, "object": "model", "created": began, "owned_by": "luthier"}

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [described()]}

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        if name != served.predictor.name:
            raise asked.no_such_model(name, served.predictor.name)
        return described()


def add_writing_routes(app: FastAPI, served: Served) -> None:
    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Any:
        predictor, body = await _read(request, served)
        wish = asked.read_wish(body, served.writer.how(), chat=True)
        conversed = read_messages(predictor, body)
        return await _reply(request, served, wish, [conversed.input], conversed)

    @app.post("/v1/completions")
    async def complete(request: Request) -> Any:
        predictor, body = await _read(request, served)
        wish = asked.read_wish(body, served.writer.how(), chat=False)
        return await _reply(request, served, wish, _prompts(predictor, body), None)


async def _read(request: Request, served: Served) -> tuple[Predictor, Mapping[str, Any]]:
    predictor = served.predictor
    body = await read_body(request, predictor.codec.task.most_request_bytes)
    if not isinstance(body, dict):
        raise Refusal(400, t("the body is no JSON object"), code="not-an-object")
    asked.read_model(body, predictor.name)
    return predictor, body


def _prompts(predictor: Predictor, body: Mapping[str, Any]) -> list[Any]:
    prompt = body.get("prompt")
    if prompt is None:
        raise asked.missing("prompt")
    texts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise asked.bad_value("prompt", t("prompt is a text or a list of texts; token ids are not taken"))
    return read_items(predictor, texts, "prompt")


async def _reply(
    request: Request, served: Served, wish: asked.Wish, inputs: Sequence[Any], conversed: Conversed | None
) -> Any:
    """conversed: of a chat, which has one input; None of completions."""
    errands = await _take(served, wish, inputs, conversed)
    envelope = Envelope.new(served.predictor.name, time.time(), chat=conversed is not None, counts=wish.count_at_end)
    if wish.stream:
        return EventStream(request, _events(errands, envelope, conversed))
    answers = await while_here(request.receive, _whole(errands, conversed))
    return envelope.whole(answers)


async def _take(
    served: Served, wish: asked.Wish, inputs: Sequence[Any], conversed: Conversed | None
) -> list[Errand]:
    """The orders, queued. Errors: Refusal for one that does not fit."""
    from luthier.inference.speech import order, room_for

    predictor, marks = served.predictor, conversed.marks if conversed else ()
    try:
        orders = await asyncio.to_thread(
            lambda: [order(predictor, input, wish.how, stops=wish.stops, marks=marks) for input in inputs]
        )
    except LuthierError as error:
        problem = error.problems[0]
        code = "context_length_exceeded" if problem.code == "too-long" else problem.code
        raise Refusal(400, problem.what, param="messages" if conversed else "prompt", code=code) from None
    room = room_for(predictor)
    longest = max(len(one.prompt) for one in orders)
    if room is not None and wish.asked_most is not None and longest + wish.asked_most > room:
        what = t("{prompt} tokens of the prompt and {most} of the answer are more than the {room} that the model holds",
                 prompt=longest, most=wish.asked_most, room=room)  # fmt: skip
        raise Refusal(400, what, param="max_tokens", code="context_length_exceeded")
    return served.scribe.take(orders)


async def _whole(errands: Sequence[Errand], conversed: Conversed | None) -> list[Told]:
    try:
        return [_told(errand, await errand.whole(), conversed) for errand in errands]
    finally:
        _leave(errands)


async def _events(
    errands: Sequence[Errand], envelope: Envelope, conversed: Conversed | None
) -> AsyncIterator[bytes]:
    """Server-sent events. What fails in the middle is told as an event, for the status is long sent."""
    answers: list[Told] = []
    try:
        for i, errand in enumerate(errands):
            async for content in _pieces(i, errand, envelope, conversed, answers):
                yield event(content)
        if envelope.counts:
            yield event(envelope.counted(answers))
        yield DONE
    except Exception as error:
        yield event({"error": model_failed(error).as_json()})
    finally:
        _leave(errands)


async def _pieces(
    index: int, errand: Errand, envelope: Envelope, conversed: Conversed | None, answers: list[Told]
) -> AsyncIterator[dict[str, Any]]:
    if first := envelope.first(index):
        yield first
    sent = 0
    async with aclosing(errand.pieces()) as pieces:
        async for piece in pieces:
            if isinstance(piece, str):
                sent += len(piece)
                yield envelope.piece(index, piece)
                continue
            answers.append(_told(errand, piece, conversed))
            if rest := answers[-1].text[sent:]:
                yield envelope.piece(index, rest)
            for last in envelope.last(index, answers[-1]):
                yield last


def _told(errand: Errand, written: Written, conversed: Conversed | None) -> Told:
    reason = "stop" if written.stopped else "length"
    text, calls = conversed.read(written.text or "") if conversed else (written.text or "", ())
    return Told(text, "tool_calls" if calls else reason, len(errand.order.prompt), written.tokens, calls=calls)


def _leave(errands: Sequence[Errand]) -> None:
    for errand in errands:
        errand.leave()
