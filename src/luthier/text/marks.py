"""The tokens by which a chat template marks who speaks, and how a text is encoded so that it holds none of them.

A tokenizer looks for its added tokens in a text before anything else, so that `<|im_end|>` typed by a person would
become the token that ends a turn. Where a person's text holds one it is broken in two by BREAK, and what lies on the
two sides is encoded apart: neither is the token any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tokenizers import Tokenizer

BREAK = "\ufdd0\ufdd1"
"""Two code points that Unicode keeps out of all text (its chapter 23.7): nobody writes them to each other."""
_MOST_ROUNDS = 8


@dataclass(frozen=True)
class Marks:
    """control: tokens that no person's text may hold, by name. soft: those that only an answer may hold, such as
    `<think>`, which models write themselves. spelt: whether each is matched letter for letter, so that a text without
    their letters needs no second look."""

    tokenizer: Tokenizer
    control: dict[str, int]
    soft: dict[str, int]
    spelt: bool
    greedy: frozenset[str] = field(default=frozenset())
    """Control tokens that swallow white space beside them."""

    @classmethod
    def of(cls, tokenizer: Tokenizer, template: str) -> Marks:
        """All special tokens, and of the other added ones those that the template writes; white space, which templates
        write as ordinary text, is none."""
        tokenizer.no_truncation()
        tokenizer.no_padding()
        control: dict[str, int] = {}
        soft: dict[str, int] = {}
        greedy: set[str] = set()
        spelt = True
        for id, token in tokenizer.get_added_tokens_decoder().items():
            if token.special or (token.content in template and not token.content.isspace()):
                (control if token.special else soft)[token.content] = id
                spelt = spelt and not (token.normalized and tokenizer.normalizer is not None)
                if token.lstrip or token.rstrip:
                    greedy.add(token.content)
        return cls(tokenizer, control, soft, spelt, frozenset(greedy))

    def broken(self, text: str, *, answer: bool = False) -> str:
        """The text with every such token in it broken. answer: whether soft ones may stand."""
        marks = self.control if answer else {**self.control, **self.soft}
        if not marks or (self.spelt and not (self._begun.search(text) and any(mark in text for mark in marks))):
            return text
        wanted = set(marks.values())
        for _ in range(_MOST_ROUNDS):
            pieces = [self._broken_once(piece, wanted) for piece in text.split(BREAK)]
            found = BREAK.join(pieces)
            if found == text:
                return text
            text = found
        return text

    def _broken_once(self, text: str, wanted: set[int]) -> str:
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        made, last = "", 0
        for id, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if id in wanted and end > start and start >= last:
                inside = start + max(1, (end - start) // 2)
                if end - start == 1:
                    made, last = made + text[last:start] + BREAK, end  # a mark of one letter can only be left out
                else:
                    made, last = made + text[last:inside] + BREAK, inside
        return made + text[last:]

    def ids(self, texts: Sequence[tuple[str, str]]) -> list[list[int]]:
        """Of each (before, text) the ids of the text, no special tokens added.

        before: the control token in whose wake it stands, "" for the beginning of everything: tokenizers treat the
        beginning of a text in a way of its own.
        """
        self.tokenizer.no_truncation()
        asked: list[str] = []
        numbers: list[list[tuple[int, int]]] = []
        for before, text in texts:
            own: list[tuple[int, int]] = []
            for k, piece in enumerate(text.split(BREAK)):
                lead = before if not k else self.quiet
                if piece:
                    own.append((len(asked), self.control.get(lead, -1)))
                    asked.append(lead + piece)
            numbers.append(own)
        encoded = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(asked, add_special_tokens=False)]
        return [[id for i, lead in own for id in _behind(encoded[i], lead)] for own in numbers]

    @cached_property
    def _begun(self) -> re.Pattern[str]:
        """The first letter of any: most texts have none of these, which is soon seen."""
        return re.compile("[" + re.escape("".join({name[0] for name in (*self.control, *self.soft)})) + "]")

    @property
    def quiet(self) -> str:
        """A control token that leaves white space beside it alone; "" where there is none."""
        return next((name for name in self.control if name not in self.greedy), "")

    def first_in(self, text: str) -> str:
        """The control token that comes first in a text, "" where there is none."""
        found = [(text.find(name), -len(name), name) for name in self.control if name in text]
        return min(found)[2] if found else ""

    def ending(self, text: str, end: int) -> str:
        """The control token that ends there in a text, "" where none does."""
        found = (name for name in self.control if text.endswith(name, 0, end))
        return max(found, key=len, default="")

    def last_end(self, text: str) -> int:
        """Where the last control token in a text ends; 0 where there is none."""
        return max((text.rfind(name) + len(name) for name in self.control if name in text), default=0)


def _behind(ids: list[int], lead: int) -> Iterable[int]:
    return ids[1:] if lead >= 0 and ids[:1] == [lead] else ids
