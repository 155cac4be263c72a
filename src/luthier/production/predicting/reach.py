"""How far a model reads. What is longer has its end cut off: only where the client asked for that, and the reply tells
how much."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from luthier.codec import Codec
from luthier.errors import LuthierError
from luthier.language import t
from luthier.production.requests import Refusal

TRUNCATE = "truncate"


class Reach:
    """Of one model. With a tokenizer of its own: that of the model is in use by other threads, and how it cuts is
    state."""

    def __init__(self, codec: Codec) -> None:
        copied = type(codec.text.tokenizer).from_str(codec.text.tokenizer.to_str())
        self._codec = replace(codec, text=replace(codec.text, tokenizer=copied))
        self._lock = asyncio.Lock()
        self._surely = self._sure_characters()

    async def cut(self, inputs: Sequence[Any]) -> list[int]:
        """Of each input how many tokens the model does not read."""
        cut = [0] * len(inputs)
        if long := [i for i, item in enumerate(inputs) if not self._surely_fits(item)]:
            async with self._lock:
                groups = await asyncio.to_thread(self._codec.encode, [inputs[i] for i in long])
            for i, windows in zip(long, groups, strict=True):
                cut[i] = max((window.cut for window in windows), default=0)
        return cut

    async def check(self, inputs: Sequence[Any], *, param: str, status: int = 413, code: str = "too-long") -> None:
        """Errors: Refusal for an input of which the model would not read the end."""
        for number, tokens in enumerate(await self.cut(inputs)):
            if tokens:
                what = t("input {number} has {tokens} tokens more than the {most} that the model reads", number=number,
                         tokens=tokens, most=self._codec.text.max_length)  # fmt: skip
                more = t('with "truncate": true its end is left out') if code == "too-long" else ""
                raise Refusal(status, "; ".join(filter(None, (what, more))), param=param, code=code)

    async def asked(self, body: Mapping[str, Any], inputs: Sequence[Any]) -> dict[str, list[int]]:
        """What the reply tells of it: nothing where the client did not ask for cutting. Errors: as of `check`."""
        wanted = body.get(TRUNCATE, False)
        if not isinstance(wanted, bool):
            raise Refusal(400, t("truncate is true or false"), param=TRUNCATE, code="bad-value")
        if wanted:
            return {"truncated": await self.cut(inputs)}
        await self.check(inputs, param="inputs")
        return {}

    def _surely_fits(self, item: Any) -> bool:
        """Without tokenising: no token is shorter than an ASCII character."""
        text = self._codec.task.format.plain_text(item)
        return len(text) <= self._surely and text.isascii()

    def _sure_characters(self) -> int:
        """How many, beside what the task puts around a text; 0 where it asks more than a text."""
        try:
            around = len(self._codec.encode([self._codec.task.as_sent("a")])[0][0]) - 1
        except LuthierError:
            return 0
        return self._codec.text.max_length - around
