"""What of a conversation a model has room for: the oldest turns are left out first, the system's never."""

from __future__ import annotations

from dataclasses import dataclass, replace

from luthier.chat.tokens import Chat, Encoded
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation


@dataclass(frozen=True)
class Fitted:
    """prompt: of what is left of a conversation. dropped: turns that were left out. cut: tokens that were. shortened:
    whether what is left is not whole either."""

    prompt: Encoded
    dropped: int = 0
    cut: int = 0
    shortened: bool = False


@dataclass(frozen=True)
class Answered:
    """A prompt with the ids of its answer, together no longer than there is room. lost: tokens of the answer that did
    not fit."""

    fitted: Fitted
    said: list[int]
    lost: int = 0


def fit_prompt(chat: Chat, conversation: Conversation, most: int, encoded: Encoded | None = None) -> Fitted:
    """At most so many tokens. What the last turns say is cut where they alone are too long. encoded: of the whole,
    where that is known. Errors: chat.rule.Refused."""
    whole = encoded or chat.prompts([conversation])[0]
    if len(whole.ids) <= most:
        return Fitted(whole)
    starts = _starts(conversation)
    number = _guess(whole, starts, most)
    prompt = chat.prompts([_from(conversation, starts[number])])[0]
    while len(prompt.ids) > most and number < len(starts) - 1:
        number += 1
        prompt = chat.prompts([_from(conversation, starts[number])])[0]
    while number > 1 and len(prompt.ids) <= most:
        longer = chat.prompts([_from(conversation, starts[number - 1])])[0]
        if len(longer.ids) > most:
            break
        number, prompt = number - 1, longer
    shortened = len(prompt.ids) > most
    if shortened:
        prompt = _shortened(chat, _from(conversation, starts[number]), prompt, most)
    return Fitted(prompt, starts[number] - starts[0], len(whole.ids) - len(prompt.ids), shortened)


def _guess(whole: Encoded, starts: list[int], most: int) -> int:
    """Which of the starts will do, by how many tokens stand before each in the whole."""
    for number, start in enumerate(starts[1:], 1):
        before = max((span.end for span in whole.spans if span.turn < start), default=0)
        if len(whole.ids) - before <= most:
            return number
    return len(starts) - 1


def fit_answered(
    chat: Chat, conversation: Conversation, answer: Turn, most: int, encoded: Encoded | None = None
) -> Answered:
    """At most so many tokens. Nothing is said where what asks for it leaves no room: an answer is not learnt from a
    question that is cut. Errors: chat.rule.Refused."""
    prompt = encoded or chat.prompts([conversation])[0]
    said = chat.answer_ids(prompt, answer)
    if len(prompt.ids) + len(said) <= most:
        return Answered(Fitted(prompt), said)
    starts = _starts(conversation)
    fitted = fit_prompt(chat, conversation, most - len(said), prompt) if len(said) < most else None
    if fitted is None or fitted.shortened:  # the last round whole, and as much of the answer as there is room for
        last = chat.prompts([_from(conversation, starts[-1])])[0]
        fitted = Fitted(last, starts[-1] - starts[0], len(prompt.ids) - len(last.ids))
    kept = said[: max(0, most - len(fitted.prompt.ids))]
    return Answered(fitted, kept, len(said) - len(kept))


def _starts(conversation: Conversation) -> list[int]:
    """Numbers of the turns with which what is left may begin: those of the user, and the first."""
    first = 1 if conversation.turns[:1] and conversation.turns[0].role == "system" else 0
    later = [k for k, turn in enumerate(conversation.turns) if k > first and turn.role == "user"]
    return [first, *later]


def _from(conversation: Conversation, start: int) -> Conversation:
    turns = conversation.turns
    system = turns[:1] if turns[:1] and turns[0].role == "system" and start else ()
    return replace(conversation, turns=(*system, *turns[start:]))


def _shortened(chat: Chat, conversation: Conversation, prompt: Encoded, most: int) -> Encoded:
    """The longest of what is said loses its end, again and again until all fits."""
    while len(prompt.ids) > most:
        turns = conversation.turns
        k = max(range(len(turns)), key=lambda i: len(turns[i].content))
        text = turns[k].content
        if not text:
            break
        over = (len(prompt.ids) - most) / len(prompt.ids)
        keep = min(len(text) - 1, int(len(text) * (1 - over)))
        turns = (*turns[:k], replace(turns[k], content=text[:keep]), *turns[k + 1 :])
        conversation = replace(conversation, turns=turns)
        prompt = chat.prompts([conversation])[0]
    return prompt
