"""POST /feedback: what is right, from who knows better than the model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request

from luthier.errors import LuthierError, Place, shown
from luthier.language import t
from luthier.production.requests import Refusal, read_body
from luthier.production.served import Models, Served

if TYPE_CHECKING:  # SQLAlchemy may not be installed
    from luthier.recording.recorder import Recorder

_FIELDS = ("request_id", "index", "label", "input", "model")


def add_feedback_route(app: FastAPI, models: Models, recorder: Recorder | None, *, texts: bool) -> None:
    """texts: whether texts may be sent to be kept, though those of requests are not."""

    @app.post("/feedback")
    async def feedback(request: Request) -> dict[str, Any]:
        if recorder is None:
            what = t("nothing is recorded: start the server with --record ADDRESS")
            raise Refusal(404, what, code="no-record")
        body = _read(await read_body(request, models.most_request_bytes))
        served = models.of(body.get("model"))
        if "input" in body and not (texts or recorder.texts):
            what = t(
                "this server keeps no texts, and a correction is learnt from with its text: start it with --feedback"
            )
            raise Refusal(403, what, param="input", code="texts-not-kept")
        try:
            await asyncio.to_thread(_store, recorder, served, body)
        except LuthierError as error:
            what = t("the correction is not stored: {reason}", reason=error.problems[0].what)
            raise Refusal(503, what, code="record-failed", retry_after=5) from None
        return {"stored": True, "request_id": request.state.id}


def _read(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise Refusal(400, t('write {"request_id": …, "index": …, "label": …}'), code="not-an-object")
    unknown = sorted(set(body) - set(_FIELDS))
    if unknown:
        raise Refusal(400, t("unknown field {name}", name=shown(unknown[0])), param=unknown[0], code="unknown-field")
    if body.get("label") is None:
        raise Refusal(400, t("the field label is missing"), param="label", code="missing-field")
    if "input" not in body and not isinstance(body.get("request_id"), str):
        what = t("name the request_id of an answer, or send the input")
        raise Refusal(400, what, param="request_id", code="missing-field")
    index = body.get("index", 0)
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < 2**31:
        raise Refusal(400, t("index is a whole number from 0"), param="index", code="bad-value")
    return body


def _store(recorder: Recorder, served: Served, body: Mapping[str, Any]) -> None:
    """Errors: Refusal for what cannot be learnt from; LuthierError where the database fails."""
    request_id, item = body.get("request_id"), body.get("index", 0)
    sent, model = body.get("input"), recorder.model_id(served.predictor)
    if "input" not in body:
        found = recorder.store.answered(str(request_id), item)
        if found is None:
            what = t("no answer {index} of the request {name} is recorded", index=item, name=shown(str(request_id)))
            raise Refusal(404, what, param="request_id", code="no-such-answer")
        if found["input"] is None:
            what = t("the text of that request was not kept: send it as input, to a server with --feedback, or start "
                     "the server with --record-texts")  # fmt: skip
            raise Refusal(400, what, param="input", code="texts-not-kept")
        sent, model = json.loads(found["input"]), found["model"]
    _check(served, sent, body["label"])
    recorder.store.add_feedback({
        "time": time.time(), "request_id": None if request_id is None else str(request_id)[:64], "item": item,
        "model": model, "label": json.dumps(body["label"], ensure_ascii=False),
        "input": json.dumps(sent, ensure_ascii=False) if "input" in body else None,
    })  # fmt: skip


def _check(served: Served, sent: Any, label: Any) -> None:
    from luthier.recording.corrections import corrected

    task = served.predictor.codec.task
    try:
        task.as_sent(sent)
        corrected(task, sent, label, Place("feedback"))
    except LuthierError as error:
        problem = error.problems[0]
        param = "label" if problem.code == "unknown-label" else None
        raise Refusal(400, f"{problem.what}; {problem.fix}", param=param, code=problem.code) from None
