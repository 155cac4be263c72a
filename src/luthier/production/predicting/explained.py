"""POST /predict?explain=true: beside each prediction which words made it, by gradient × input, or by leaving each word
out where the model is an exported graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from luthier.errors import LuthierError, shown
from luthier.language import t
from luthier.production.batcher import Batcher
from luthier.production.requests import Refusal

if TYPE_CHECKING:  # torch takes seconds to import
    from starlette.requests import Request

    from luthier.production.served import Served

_PARAM = "explain"
_MOST = 16
"""Inputs of a request that are explained: each takes several passes through the model."""


def wants_explanation(request: Request) -> bool:
    """Errors: Refusal for a word that is neither true nor false."""
    asked = request.query_params.get(_PARAM, "false")
    if asked not in ("true", "false"):
        what = t("{name} is true or false, not {value}", name=_PARAM, value=shown(asked))
        raise Refusal(400, what, param=_PARAM, code="bad-value")
    return asked == "true"


def check_explainable(served: Served, inputs: Sequence[Any]) -> None:
    """Before anything is answered. Errors: Refusal."""
    task = served.predictor.codec.task
    if not task.can_claim() or not isinstance(served.worker, Batcher) or served.chooses:
        what = t("what a model of {task} says is not explained here", task=task.name)
        raise Refusal(400, what, param=_PARAM, code="no-explanation")
    if len(inputs) > _MOST:
        raise Refusal(413, t("more than {most} inputs", most=_MOST), param="inputs", code="too-many-inputs")


async def explanations(served: Served, inputs: Sequence[Any]) -> list[dict[str, Any]]:
    """One an input, in order. Errors: Refusal."""
    worker = served.worker
    assert isinstance(worker, Batcher)  # check_explainable

    def explained() -> list[dict[str, Any]]:
        from luthier.explaining.why import explain

        return [one.as_json() for one in explain(served.predictor, inputs)]

    try:
        return await worker.alone(explained)
    except LuthierError as error:
        raise Refusal(400, error.problems[0].what, param="inputs", code=error.problems[0].code) from None
