"""Chat and completions of a run whose answers are chosen among a few texts: nothing is written, and nothing drawn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from fastapi import Request

from luthier.production.listening import EventStream, while_here
from luthier.production.served import Served
from luthier.production.v1 import asked
from luthier.production.v1.messages import prompt_of, read_messages, read_prompts
from luthier.production.v1.replies import DONE, Envelope, Told, event
from luthier.production.watching.record import record

_WITHOUT_MEANING = ("stop", "tools", "max_tokens", "max_completion_tokens")
"""Parameters of an answer that is written."""


async def chosen(request: Request, served: Served, body: Mapping[str, Any], *, chat: bool) -> Any:
    """The reply. Errors: Refusal for what would have a meaning only if the answer were written."""
    from luthier.writing.rows import Generation

    predictor = served.predictor
    wish = asked.read_wish(body, Generation(), chat=chat)
    for name in _WITHOUT_MEANING:
        if body.get(name):
            raise asked.unsupported(name)
    if wish.how.temperature > 0:
        raise asked.unsupported("temperature")
    read = (lambda: [read_messages(predictor, body)[0]]) if chat else (lambda: read_prompts(predictor, body))
    inputs = await asyncio.to_thread(read)
    answered = await while_here(request.receive, served.answer(inputs))
    answered.check(param="messages" if chat else "prompt", status=400, code="context_length_exceeded")
    said = answered.said
    sent = [{"messages": body["messages"]}] if chat else [prompt_of(body, i) for i in range(len(inputs))]
    record(request, predictor, inputs, said, sent)
    lengths = [len(windows[0]) for windows in await asyncio.to_thread(predictor.codec.encode, inputs)]
    answers = [Told(one.text or "", "stop", count, one.tokens) for one, count in zip(said, lengths, strict=True)]
    envelope = Envelope.new(predictor.name, time.time(), chat=chat, counts=wish.count_at_end)
    return EventStream(_events(envelope, answers), lambda: None) if wish.stream else envelope.whole(answers)


async def _events(envelope: Envelope, answers: Sequence[Told]) -> AsyncIterator[bytes]:
    for i, told in enumerate(answers):
        first = envelope.first(i)
        for content in [*([first] if first else []), envelope.piece(i, told.text), *envelope.last(i, told)]:
            yield event(content)
    if envelope.counts:
        yield event(envelope.counted(answers))
    yield DONE
