"""What a template writes around each plain answer, where it writes the same around all: so that where the assistant
speaks in a long conversation is found in one pass, and not by rendering the beginning of it for every turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.chat.rule import ChatRule, Refused
from luthier.formats.chat.turns import Turn
from luthier.text.marks import Marks

MANY = 6
"""Turns of the assistant from which it is worth it."""
_ASKED, _SAID = Turn("user", "kbqdx"), Turn("assistant", "wvjzq")


@dataclass(frozen=True)
class Steady:
    """opening: with which a prompt ends that asks for an answer; it holds a control token, so that nobody's words are
    taken for it. before, behind: what stands around the words of an answer, once it is past as well."""

    opening: str
    before: str
    behind: str

    def starts(self, prompt: str, turns: Sequence[Turn]) -> dict[int, int]:
        """By the number of each turn of the assistant where it begins in a prompt; nothing where that is not clear."""
        speaks = [k for k, turn in enumerate(turns) if turn.role == "assistant"]
        found: list[int] = []
        at = prompt.find(self.opening)
        while at >= 0:
            found.append(at + len(self.opening))
            at = prompt.find(self.opening, found[-1])
        clear = len(found) == len(speaks) + 1 and found[-1] == len(prompt)
        return dict(zip(speaks, found, strict=False)) if clear else {}

    def is_as_said(self, said: str, words: str) -> bool:
        """Whether what stands there is an answer of these words as it was when it was new."""
        return said in (self.before + words + self.behind, self.before + words.strip() + self.behind)


def steady(rule: ChatRule, marks: Marks) -> Steady | None:
    """None where a template writes past turns otherwise than new ones, or this cannot be told."""

    def text(*turns: Turn, prompt: bool) -> str:
        return rule.rendered(rule.heard(turns), "", prompt=prompt, change=lambda words, _: words)

    try:
        asked, plain = text(_ASKED, prompt=True), text(_ASKED, prompt=False)
        answered = text(_ASKED, _SAID, prompt=False)
        past = text(_ASKED, _SAID, _ASKED, prompt=True)
    except Refused:
        return None
    opening, said = asked[len(plain) :], answered[len(asked) :]
    before, words, rest = said.partition(_SAID.content)
    behind = rest[: rest.find(rule.end) + len(rule.end)] if rule.end in rest else ""
    whole = asked.startswith(plain) and answered.startswith(asked) and bool(words) and bool(behind)
    kept = past.startswith(asked + before + words + behind) and past.endswith(opening)
    return Steady(opening, before, behind) if whole and kept and marks.first_in(opening) else None
