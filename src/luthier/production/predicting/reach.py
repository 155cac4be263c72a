"""How far a model reads. What is longer has its end cut off: only where the client asked for that, and the reply tells
how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.language import t
from luthier.production.requests import Refusal

TRUNCATE = "truncate"


@dataclass(frozen=True)
class Answers:
    """said: the task's own predictions, one an input. cut: of each input how many tokens the model did not read."""

    said: Sequence[Any]
    cut: Sequence[int]

    def check(self, *, param: str = "inputs", status: int = 413, code: str = "too-long", fix: str = "") -> None:
        """Errors: Refusal where an end was cut off. fix: what the client can do."""
        for number, tokens in enumerate(self.cut):
            if tokens:
                what = t("input {number} has {tokens} tokens more than the model reads", number=number, tokens=tokens)
                raise Refusal(status, f"{what}; {fix}" if fix else what, param=param, code=code)


def wants_cut(body: Mapping[str, Any]) -> bool:
    """Errors: Refusal for what is neither true nor false."""
    wanted = body.get(TRUNCATE, False)
    if not isinstance(wanted, bool):
        raise Refusal(400, t("truncate is true or false"), param=TRUNCATE, code="bad-value")
    return wanted


def told_of_cut(answers: Answers, wanted: bool) -> dict[str, list[int]]:
    """What the reply tells of it: nothing where the client did not ask for cutting. Errors: Refusal, as of `check`."""
    if wanted:
        return {"truncated": list(answers.cut)}
    answers.check(fix=t('with "truncate": true its end is left out'))
    return {}
