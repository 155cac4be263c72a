"""A conversation as text, and where in it the assistant speaks.

What the assistant says in a turn is what stands behind the prompt that asks for it, up to its end token. So what is
learnt begins where a served model begins to write.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from luthier.chat.read import END_OF_THINKING
from luthier.chat.rule import ChatRule, Refused
from luthier.chat.steady import MANY, Steady
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation
from luthier.language import t
from luthier.text.marks import BREAK, Marks


@dataclass(frozen=True)
class Spoken:
    """turn: its number, from 0, in the conversation as it was given. start, end: in characters of the text. weight: of
    each token of it in the loss."""

    turn: int
    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Script:
    """text: up to where the model is to go on. spoken: in order, of every turn of the assistant that stands as its own
    prompt asks for it, and of others that are learnt."""

    text: str
    spoken: tuple[Spoken, ...]


class Renderer:
    """One conversation and its prompts, as a rule and a tokenizer write them. Nothing that a person wrote in it can
    be a token that marks turns. Errors of its methods: Refused."""

    def __init__(self, rule: ChatRule, marks: Marks, conversation: Conversation, steady: Steady | None = None) -> None:
        self._rule, self._marks, self._tools = rule, marks, conversation.tools
        self.turns = rule.heard(conversation.turns)
        self._added = len(self.turns) - len(conversation.turns)
        many = sum(turn.role == "assistant" for turn in self.turns) >= MANY
        self._steady = steady if many else None

    @cached_property
    def prompt(self) -> str:
        """Everything up to where the model is to write. What the template leaves out of it is refused."""
        text = self._text(self.turns, prompt=True)
        self._check_whole(text)
        return text

    @cached_property
    def script(self) -> Script:
        found = (self._place(k, turn) for k, turn in enumerate(self.turns))
        return Script(self.prompt, tuple(spoken for spoken in found if spoken is not None))

    def answer(self, answer: Turn) -> str:
        """What the model is to write behind the prompt, its end token included."""
        return self._said(self.turns, self._rule.heard([answer])[-1], self.prompt)

    def settled(self, spoken: Spoken) -> bool:
        """Whether an earlier turn of the assistant stands in the prompt as the assistant said it. Templates that leave
        out earlier thinking do not have it so: such a turn cannot be learnt from here."""
        k = spoken.turn + self._added
        turn = self.turns[k]
        if turn.role != "assistant":
            return True
        if self._steady and k in self._starts and not (turn.thinking or turn.calls):
            words = self._change(turn.content, True)
            if self._steady.is_as_said(self.prompt[spoken.start : spoken.end], words):
                return True
        try:
            asked = self._text(self.turns[:k], prompt=True)
            said = self._said(self.turns[:k], turn, asked)
        except Refused:
            return k == 0  # what nobody asked for has no prompt of its own
        return self.prompt[: spoken.end] == asked + said

    # ---- inside

    def _text(self, turns: Sequence[Turn], *, prompt: bool) -> str:
        try:
            return self._rule.rendered(turns, self._tools, prompt=prompt, change=self._change)
        except Refused as refused:
            raise Refused(str(refused), self._refused_at(turns, prompt=prompt)) from None

    def _refused_at(self, turns: Sequence[Turn], *, prompt: bool) -> int:
        """The first turn with which the template refuses; from 1, as the user counts them."""
        for count in range(1 + self._added, len(turns)):
            try:
                self._rule.rendered(turns[:count], self._tools, prompt=prompt, change=self._change)
            except Refused:
                return count - self._added
        return len(turns) - self._added

    def _change(self, text: str, answers: bool) -> str:
        return self._marks.broken(text, answer=answers)

    def _check_whole(self, text: str) -> None:
        """What each says stands in the text, in the turns' order, and which tools there are."""
        for name in _tool_names(self._tools):
            if self._change(name, False) not in text:
                raise Refused(t("it leaves out the tools that may be called"))
        at = 0
        for k, turn in enumerate(self.turns):
            for said in self._sayings(turn):
                as_json = json.dumps(said, ensure_ascii=False)[1:-1]  # as what a tool says is often written
                found = max(text.find(said, at), text.find(as_json, at))
                if found < 0:
                    raise self._missing(said, text, turn, k + 1 - self._added)
                at = found + len(said)

    def _sayings(self, turn: Turn) -> list[str]:
        """What must stand in the text: words, and the names of what is called."""
        texts = (turn.content, *(call.name for call in turn.calls))
        return [said for text in texts if (said := self._change(text, turn.role == "assistant").strip())]

    def _missing(self, said: str, text: str, turn: Turn, number: int) -> Refused:
        """said: what is not where it should be; text: where it may stand all the same."""
        if not said or said != self._change(turn.content, turn.role == "assistant").strip():
            return Refused(t("it leaves out the call of a tool"), number)
        moved = said in text
        return Refused(t("it moves what this turn says") if moved else t("it leaves out what this turn says"), number)

    def _place(self, k: int, turn: Turn) -> Spoken | None:
        """Where the k-th turn is spoken in the prompt; None where that cannot be told, or nobody asks."""
        if turn.role != "assistant" and not turn.weight:
            return None
        start = self._start(k) if turn.role == "assistant" else None
        if start is None and turn.weight:
            start = self._content_start(k)
        if start is None:
            return None
        end = self._end(self.prompt, start)
        return None if end < 0 else Spoken(k - self._added, start, end, turn.weight)

    @cached_property
    def _starts(self) -> dict[int, int]:
        return self._steady.starts(self.prompt, self.turns) if self._steady else {}

    def _start(self, k: int) -> int | None:
        """Behind the prompt that asks for the k-th turn."""
        if k in self._starts:
            return self._starts[k]
        try:
            asked = self._text(self.turns[:k], prompt=True)
        except Refused:
            return None
        asked = asked if self.prompt.startswith(asked) else self._rule.opens_thinking(asked)
        return len(asked) if asked and self.prompt.startswith(asked) else None

    def _content_start(self, k: int) -> int | None:
        """Where its words begin: the text is rendered with others in their place."""
        token = BREAK * 2
        turns = [*self.turns[:k], _with_content(self.turns[k], token), *self.turns[k + 1 :]]
        at = self._text(turns, prompt=True).find(token)
        said = self._change(self.turns[k].content, self.turns[k].role == "assistant").strip()
        return at if at >= 0 and said and self.prompt.startswith(said, at) else None

    def _end(self, text: str, start: int) -> int:
        """Behind the end token of a turn that begins at start; -1 where it has none."""
        at = text.find(self._rule.end, start)
        return at + len(self._rule.end) if at >= 0 else -1

    def _said(self, before: Sequence[Turn], answer: Turn, prompt: str) -> str:
        """What stands behind a prompt once it is answered, up to its end token, which is added where the template
        writes none."""
        number = len(before) + 1 - self._added
        text = self._text([*before, answer], prompt=False)
        opened = self._rule.opens_thinking(prompt)
        if text.startswith(prompt):
            said = text[len(prompt) :]
        elif opened and text.startswith(opened):
            thought = self._change(answer.thinking, True)
            said = f"{thought}\n{END_OF_THINKING}\n\n{text[len(opened) :].lstrip()}"
        else:
            raise Refused(_out_of_place(answer), number)
        words = self._change(answer.content, True).strip()
        if any(one not in said for one in self._sayings(answer)):
            raise self._missing(words if words not in said else "", "", answer, number)
        end = self._end(said, 0)
        if end < 0:  # another control token behind what is said ends it, as after a call
            last = self._marks.last_end(said)
            end = last if last and said.rfind(words, 0, last) >= 0 and not said[last:].strip() else -1
        return said[:end] if end > 0 else said.rstrip() + self._rule.end


def _with_content(turn: Turn, text: str) -> Turn:
    return replace(turn, content=text)


def _out_of_place(answer: Turn) -> str:
    if answer.thinking:
        return t("what was thought has no place behind the prompt; task.thinking=true asks for it, false leaves it out")
    return t("the answer does not stand behind the prompt that asks for it")


def _tool_names(tools: str) -> list[str]:
    found = json.loads(tools) if tools else []
    listed = [found] if isinstance(found, dict) else found
    functions = [tool.get("function", tool) for tool in listed if isinstance(tool, dict)]
    return [str(tool["name"]) for tool in functions if isinstance(tool, dict) and tool.get("name")]
