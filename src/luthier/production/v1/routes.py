"""POST /v1/chat/completions and /v1/completions, GET /v1/models."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request

from luthier.chat.heard import THOUGHT, Reader
from luthier.errors import LuthierError
from luthier.formats.chat.calls import ToolCall
from luthier.formats.chat.turns import Turn
from luthier.language import t
from luthier.production.listening import EventStream, while_here
from luthier.production.requests import Refusal, model_failed
from luthier.production.scribe import Errand
from luthier.production.served import Models, Served
from luthier.production.v1 import asked
from luthier.production.v1.chosen import chosen
from luthier.production.v1.messages import prompt_of, read_messages, read_prompts
from luthier.production.v1.replies import DONE, Envelope, Told, event
from luthier.production.watching.record import when_written

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.speech import Order
    from luthier.writer import Written


def add_model_routes(app: FastAPI, models: Models) -> None:
    began = int(time.time())

    def described(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": began, "owned_by": "luthier"}

    @app.get("/v1/models")
    async def all_models() -> dict[str, Any]:
        models.of()
        return {"object": "list", "data": [described(name) for name in models.names]}

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        return described(models.of(name).name)


def add_writing_routes(app: FastAPI, models: Models) -> None:
    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Any:
        served, body = await asked.read_asked(request, models)
        predictor = served.predictor
        if served.chooses:
            return await chosen(request, served, body, chat=True)
        wish = asked.read_wish(body, served.writer.how(), chat=True)
        input, reader = await asyncio.to_thread(read_messages, predictor, body)
        (order,) = await _orders(served, wish, [input], "messages", reader.marks)
        from luthier.inference.speech import opens_thinking

        reader = replace(reader, opened=opens_thinking(predictor, order))
        return await _reply(request, served, wish, [order], reader, body, chat=True)

    @app.post("/v1/completions")
    async def complete(request: Request) -> Any:
        served, body = await asked.read_asked(request, models)
        if served.chooses:
            return await chosen(request, served, body, chat=False)
        wish = asked.read_wish(body, served.writer.how(), chat=False)
        inputs = await asyncio.to_thread(read_prompts, served.predictor, body)
        orders = await _orders(served, wish, inputs, "prompt")
        return await _reply(request, served, wish, orders, Reader(thinks=False), body, chat=False)


async def _orders(
    served: Served, wish: asked.Wish, inputs: Sequence[Any], param: str, marks: tuple[str, ...] = ()
) -> list[Order]:
    """param: the field that the inputs stood in. Errors: Refusal for one that does not fit."""
    from luthier.inference.speech import order, room_for

    predictor = served.predictor
    try:
        orders = await asyncio.to_thread(
            lambda: [order(predictor, input, wish.how, stops=wish.stops, marks=marks) for input in inputs]
        )
    except LuthierError as error:
        problem = error.problems[0]
        code = "context_length_exceeded" if problem.code == "too-long" else problem.code
        raise Refusal(400, problem.what, param=param, code=code) from None
    room, longest = room_for(predictor), max(len(one.prompt) for one in orders)
    if room is not None and wish.asked_most is not None and longest + wish.asked_most > room:
        what = t("{prompt} tokens of the prompt and {most} of the answer are more than the {room} that the model holds",
                 prompt=longest, most=wish.asked_most, room=room)  # fmt: skip
        raise Refusal(400, what, param="max_tokens", code="context_length_exceeded")
    return orders


async def _reply(
    request: Request, served: Served, wish: asked.Wish, orders: Sequence[Order], reader: Reader,
    body: Mapping[str, Any], *, chat: bool,
) -> Any:  # fmt: skip
    errands = served.scribe.take(orders)
    for item, errand in enumerate(errands):
        asked_for = {"messages": body["messages"]} if chat else prompt_of(body, item)
        errand.heard = when_written(request, served.predictor, item, errand.order.input, asked_for)
    envelope = Envelope.new(served.predictor.name, time.time(), chat=chat, counts=wish.count_at_end)
    if wish.stream:
        return EventStream(_events(errands, envelope, reader), lambda: _leave(errands))
    return envelope.whole(await while_here(request.receive, _whole(errands, reader)))


async def _whole(errands: Sequence[Errand], reader: Reader) -> list[Told]:
    try:
        return [_told(errand, await errand.whole(), reader) for errand in errands]
    finally:
        _leave(errands)


async def _events(errands: Sequence[Errand], envelope: Envelope, reader: Reader) -> AsyncIterator[bytes]:
    """Server-sent events. What fails in the middle is told as an event, for the status is long sent."""
    answers: list[Told] = []
    try:
        for i, errand in enumerate(errands):
            async with aclosing(_pieces(i, errand, envelope, reader, answers)) as pieces:
                async for content in pieces:
                    yield event(content)
        if envelope.counts:
            yield event(envelope.counted(answers))
        yield DONE
    except Exception as error:
        yield event({"error": model_failed(error).as_json()})


async def _pieces(
    index: int, errand: Errand, envelope: Envelope, reader: Reader, answers: list[Told]
) -> AsyncGenerator[dict[str, Any]]:
    """Of one answer. answers: to which it is added, once it is whole."""
    if first := envelope.first(index):
        yield first
    following = reader.follow()
    async with aclosing(errand.pieces()) as pieces:
        async for piece in pieces:
            if isinstance(piece, str):
                told = following.add(piece)
            else:
                answers.append(_told(errand, piece, reader))
                told = following.end(Turn("assistant", answers[-1].text, answers[-1].thinking))
            for kind, text in told:
                yield envelope.piece(index, text, thought=kind == THOUGHT)
    for last in envelope.last(index, answers[-1]):
        yield last


def _told(errand: Errand, written: Written, reader: Reader) -> Told:
    turn = reader.read(written.text or "")
    calls = [_call(call) for call in turn.calls]
    reason = "tool_calls" if calls else "stop" if written.stopped else "length"
    return Told(turn.content, reason, len(errand.order.prompt), written.tokens, turn.thinking, calls)


def _call(call: ToolCall) -> dict[str, Any]:
    id = call.id or f"call_{secrets.token_hex(12)}"
    return {"id": id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _leave(errands: Sequence[Errand]) -> None:
    for errand in errands:
        errand.leave()
