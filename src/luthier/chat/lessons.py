"""What is learnt from a conversation: each of its learnt turns once, in as few windows as there can be.

One is enough where the template leaves earlier turns as they were said. Where it does not (what was thought is left
out once a turn is past), and where a conversation is longer than the model reads, a turn is learnt from a window of its
own, in which it is the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from luthier.chat.room import Answered, fit_answered
from luthier.chat.tokens import Chat, Encoded
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation


@dataclass(frozen=True)
class Lesson:
    """A conversation in which turns that are learnt elsewhere have no weight; with the answer and what there was room
    for."""

    conversation: Conversation
    answer: Turn
    answered: Answered


def lessons_of(
    chat: Chat, conversation: Conversation, answer: Turn, most: int, encoded: Encoded | None = None
) -> Iterator[Lesson]:
    """From the last learnt turn back. most: tokens of a window. encoded: of the whole prompt, where that is known.
    Errors: chat.rule.Refused."""
    turns = (*conversation.turns, answer)
    todo = {k for k, turn in enumerate(turns) if turn.weight > 0}
    whole = encoded or chat.prompts([conversation])[0]
    while todo:
        last = max(todo)
        before = replace(conversation, turns=_with_weights(turns[:last], todo))
        asked = turns[last]
        if asked.role == "assistant":
            prompt = whole if last == len(conversation.turns) else chat.earlier(whole, before)
            answered = fit_answered(chat, before, asked, most, prompt)
            there, left = _learnt_there(before, answered)
            kept = replace(before, turns=_with_weights(before.turns, there))
            fitted = replace(answered.fitted, prompt=left)
            yield Lesson(kept, asked, replace(answered, fitted=fitted))
            todo -= there
        todo.discard(last)  # what others say is learnt beside what the assistant answers, or not at all


def _learnt_there(conversation: Conversation, answered: Answered) -> tuple[set[int], Encoded]:
    """Numbers of the earlier turns that have weight and stand in the window as they were said; and the prompt, in which
    others have none."""
    prompt, dropped = answered.fitted.prompt, answered.fitted.dropped
    system = bool(conversation.turns) and conversation.turns[0].role == "system"
    numbers = [span.turn if system and not span.turn else span.turn + dropped for span in prompt.spans]
    wanted = {number for number, span in zip(numbers, prompt.spans, strict=True) if span.weight > 0}
    if not wanted:
        return wanted, prompt
    renderer = prompt.renderer
    found = {one.turn for one in renderer.script.spoken if one.weight and renderer.settled(one)}
    spans = (span if span.turn in found else replace(span, weight=0.0) for span in prompt.spans)
    settled = {number for number, span in zip(numbers, prompt.spans, strict=True) if span.turn in found}
    return wanted & settled, replace(prompt, spans=tuple(spans))


def _with_weights(turns: tuple[Turn, ...], kept: set[int]) -> tuple[Turn, ...]:
    return tuple(turn if not turn.weight or k in kept else replace(turn, weight=0.0) for k, turn in enumerate(turns))
