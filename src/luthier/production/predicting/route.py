"""POST /predict."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.routing import Route

from luthier.production.listening import while_here
from luthier.production.predicting.explained import check_explainable, explanations, wants_explanation
from luthier.production.predicting.reach import TRUNCATE, told_of_cut, wants_cut
from luthier.production.requests import read_body, read_inputs, read_object, read_top_k
from luthier.production.served import Models
from luthier.production.watching.record import record

PATH = "/predict"


def add_predict_route(app: FastAPI, models: Models) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Gives what answers it."""

    async def predict(request: Request) -> JSONResponse:
        request.scope["route"] = route  # as FastAPI does: what counts requests asks for it
        body = read_object(await read_body(request, models.most_request_bytes), "top_k", "model", TRUNCATE)
        served = models.of(body.get("model"))
        top_k = read_top_k(body)
        inputs = read_inputs(served.predictor, body)
        explains = wants_explanation(request)
        if explains:
            check_explainable(served, inputs)
        may_cut = wants_cut(body)

        async def work() -> tuple[Sequence[Any], dict[str, Any]]:
            answers = await served.answer(inputs)
            more: dict[str, Any] = dict(told_of_cut(answers, may_cut))
            return answers.said, {**more, "explanations": await explanations(served, inputs)} if explains else more

        said, more = await while_here(request.receive, work())
        sent = body["inputs"] if isinstance(body["inputs"], list) else [body["inputs"]]
        record(request, served.predictor, inputs, said, sent)
        shown_ = [served.predictor.codec.task.show(prediction, top_k) for prediction in said]
        told = {"predictions": shown_, **more, "model": served.name, "request_id": request.state.id}
        return JSONResponse(told)

    # Starlette's route: FastAPI's looks for parameters that there are not, and costs half as much again
    route = Route(PATH, predict, methods=["POST"])
    app.router.routes.append(route)
    return predict
