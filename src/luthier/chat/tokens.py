"""Conversations to token ids, and which of them are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from luthier.chat.rule import ChatRule, Refused
from luthier.chat.script import Renderer, Script, Spoken
from luthier.chat.steady import Steady, steady
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation
from luthier.text.marks import Marks


@dataclass(frozen=True)
class Span:
    """Tokens from start to before end that the turn of that number speaks; weight: of each in the loss."""

    turn: int
    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Encoded:
    """ids: of a prompt. spans: in order. before, tail: the control token after which the last stretch of text begins
    that is encoded by itself, and that text; tail_ids: how many ids it became. renderer: of the conversation."""

    ids: list[int]
    spans: tuple[Span, ...]
    before: str
    tail: str
    tail_ids: int
    renderer: Renderer


@dataclass(frozen=True)
class _Stretch:
    """A stretch of text that begins at the beginning or behind a control token, so that nothing before it matters to
    its tokens. asked, said: what stands before the model writes, and what it writes."""

    before: str
    asked: str
    said: str
    spoken: Spoken | None


class Chat:
    """A rule with the tokenizer that it goes with."""

    def __init__(self, rule: ChatRule, marks: Marks) -> None:
        self.rule, self.marks = rule, marks

    def renderer(self, conversation: Conversation) -> Renderer:
        return Renderer(self.rule, self.marks, conversation, self._steady)

    @cached_property
    def _steady(self) -> Steady | None:
        return steady(self.rule, self.marks)

    def prompts(self, conversations: Sequence[Conversation]) -> list[Encoded]:
        """What a model is given to answer each. Errors: Refused."""
        return self.encoded([self.renderer(one) for one in conversations])

    def encoded(self, renderers: Sequence[Renderer]) -> list[Encoded]:
        """Their prompts, at once. Errors: Refused."""
        stretches = [self._stretches(renderer.script) for renderer in renderers]
        asked = [(s.before, text) for own in stretches for s in own for text in _distinct(s)]
        ids = dict(zip(asked, self.marks.ids(asked), strict=True))
        return [self._joined(own, ids, renderer) for own, renderer in zip(stretches, renderers, strict=True)]

    def earlier(self, whole: Encoded, conversation: Conversation) -> Encoded | None:
        """The prompt of the beginning of a conversation, taken from what is known of the whole; None where the whole
        does not begin with it."""
        turn, renderer = len(conversation.turns), self.renderer(conversation)
        end = next((span.start for span in whole.spans if span.turn == turn), None)
        spoken = next((one for one in whole.renderer.script.spoken if one.turn == turn), None)
        if end is None or spoken is None or whole.renderer.prompt[: spoken.start] != renderer.prompt:
            return None
        weights = {one.turn: one.weight for one in renderer.script.spoken}
        spans = tuple(replace(s, weight=weights[s.turn]) for s in whole.spans if s.turn in weights and s.end <= end)
        last = self._stretches(renderer.script)[-1]
        return Encoded(whole.ids[:end], spans, last.before, last.asked, end - (spans[-1].end if spans else 0), renderer)

    def prompts_or_refusals(self, conversations: Sequence[Conversation]) -> list[Encoded | Refused]:
        """Of each its prompt, or why there is none."""
        renderers = [self.renderer(one) for one in conversations]
        refused: dict[int, Refused] = {}
        for number, renderer in enumerate(renderers):
            try:
                _ = renderer.script
            except Refused as error:
                refused[number] = error
        found = iter(self.encoded([r for number, r in enumerate(renderers) if number not in refused]))
        return [refused[number] if number in refused else next(found) for number in range(len(renderers))]

    def answer_ids(self, prompt: Encoded, answer: Turn) -> list[int]:
        """Of what is said behind the prompt. Errors: Refused."""
        said = prompt.renderer.answer(answer)
        stretch = _Stretch(prompt.before, prompt.tail, said, None)
        whole = (prompt.before, prompt.tail + said)
        ids = dict(zip([whole], self.marks.ids([whole]), strict=True))
        ids[prompt.before, prompt.tail] = prompt.ids[len(prompt.ids) - prompt.tail_ids :]
        return self._both(stretch, ids)[1]

    def answered(self, conversation: Conversation, answer: Turn) -> tuple[Encoded, list[int]]:
        """A prompt and what is to be said behind it. Errors: Refused."""
        (prompt,) = self.prompts([conversation])
        return prompt, self.answer_ids(prompt, answer)

    # ---- inside

    def _stretches(self, script: Script) -> list[_Stretch]:
        made: list[_Stretch] = []
        start, before = 0, ""
        for spoken in script.spoken:
            if spoken.start < start:
                continue
            asked, said = script.text[start : spoken.start], script.text[spoken.start : spoken.end]
            made.append(_Stretch(before, asked, said, spoken))
            start, before = spoken.end, self.marks.ending(script.text, spoken.end) or self.marks.quiet
        return [*made, _Stretch(before, script.text[start:], "", None)]

    def _joined(
        self, stretches: Sequence[_Stretch], ids: dict[tuple[str, str], list[int]], renderer: Renderer
    ) -> Encoded:
        joined: list[int] = []
        spans: list[Span] = []
        for stretch in stretches:
            asked, said = self._both(stretch, ids)
            joined += asked
            if stretch.spoken is not None:
                end = len(joined) + len(said)
                spans.append(Span(stretch.spoken.turn, len(joined), end, stretch.spoken.weight))
            joined += said
        last = stretches[-1]
        return Encoded(joined, tuple(spans), last.before, last.asked, len(ids[last.before, last.asked]), renderer)

    def _both(self, stretch: _Stretch, ids: dict[tuple[str, str], list[int]]) -> tuple[list[int], list[int]]:
        """What is asked as a served model is given it, and what is said as it goes on. Where the tokenizer would join
        the end of the one and the beginning of the other into one token, the said is encoded by itself."""
        asked = ids[stretch.before, stretch.asked]
        if not stretch.said:
            return asked, []
        both = ids[stretch.before, stretch.asked + stretch.said]
        if both[: len(asked)] == asked:
            return asked, both[len(asked) :]
        return asked, self.marks.ids([(self.marks.quiet, stretch.said)])[0]


def _distinct(stretch: _Stretch) -> list[str]:
    return [stretch.asked, stretch.asked + stretch.said] if stretch.said else [stretch.asked]
