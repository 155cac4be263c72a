"""Text to ids and back: the only file that talks to a tokenizer, with its many moods.

It needs the `tokenizers` library alone, so that serving needs no more either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from tokenizers import Encoding, Tokenizer

from luthier.errors import ConfigError, ModelError
from luthier.language import t
from luthier.text.marks import Marks
from luthier.types import Window

FILE = "tokenizer.json"
_LARGEST_FILE = 200 * 2**20
_PROBE = "a"


@dataclass(frozen=True)
class TextRule:
    """How a text becomes ids, wherever it happens.

    tokenizer: taken over; its own cutting and padding are set here. max_length: the most tokens in one model
    input, special tokens included. pad_id: fills batches up. has_segments: whether the model tells a first from
    a second text by token_type_ids.
    """

    tokenizer: Tokenizer
    max_length: int
    pad_id: int
    has_segments: bool

    def __post_init__(self) -> None:
        self.tokenizer.no_padding()

    def windows(self, inputs: Sequence[str | tuple[str, str]]) -> list[Window]:
        """One window each: a text, or a pair, with the model's special tokens, cut to max_length.

        Of a pair the longer text is cut first.
        """
        self.tokenizer.enable_truncation(self.max_length, strategy="longest_first")
        return [self._window(encoding) for encoding in self.tokenizer.encode_batch_fast(list(inputs))]

    def overlapping(self, inputs: Sequence[str] | Sequence[tuple[str, str]], overlap: int) -> list[list[Window]]:
        """As many windows as a text needs, of a pair its second text; nothing of it is lost. Each has the spans of its
        tokens in that text, in characters. What becomes of one input does not depend on the others.

        overlap: tokens that two neighbours share, at most half of what a window has room for. The first text of a pair
        stands whole in every window, unless it is longer than half of what a window holds: then its end is cut off.
        Errors: ConfigError where a window has no room at all.
        """
        pair = bool(inputs) and not isinstance(inputs[0], str)
        holds = self.max_length - self.tokenizer.num_special_tokens_to_add(pair)
        if holds < 1 + pair:
            what = t("is {length}, which leaves a window no room for text", length=self.max_length)
            raise ConfigError.at("train.max_length", what, t("use a larger number, or auto"), code="out-of-range")
        asked = list(inputs)
        first_N, cut_N = np.zeros(len(asked), np.int64), np.zeros(len(asked), np.int64)
        if pair:
            starts, first_N, cut_N = self._beginnings([text[0] for text in asked], holds // 2)
            asked = [(start, text[1]) for start, text in zip(starts, asked, strict=True)]
        shared_N = np.minimum(overlap, (holds - first_N) // 2)
        windows: list[list[Window]] = [[] for _ in asked]
        for shared in np.unique(shared_N):
            numbers = np.flatnonzero(shared_N == shared)
            strategy = "only_second" if pair else "longest_first"
            self.tokenizer.enable_truncation(self.max_length, stride=int(shared), strategy=strategy)
            for i, first in zip(numbers, self.tokenizer.encode_batch([asked[i] for i in numbers]), strict=True):
                parts = (first, *first.overflowing)
                windows[i] = [self._placed(part, int(pair), int(cut_N[i])) for part in parts]
        return windows

    def pieces(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The ids of texts alone, int32 [T]: no special token joins them, and none that somebody typed is taken for
        one."""
        self.tokenizer.no_truncation()
        return [np.array(ids, np.int32) for ids in self._marks.ids([("", self._marks.broken(text)) for text in texts])]

    def framed(self, pieces: Sequence[np.ndarray]) -> list[Window]:
        """One window each with the model's special tokens around, cut to max_length: of texts as `windows` does."""
        self.tokenizer.no_truncation()
        empty = self.tokenizer.encode("")
        probe = self.tokenizer.encode(_PROBE)
        before = probe.special_tokens_mask.index(0)
        first, last = np.array(empty.ids[:before], np.int32), np.array(empty.ids[before:], np.int32)
        room = max(0, self.max_length - len(empty.ids))
        return [
            Window({"input_ids": np.concatenate([first, ids[:room], last])}, cut=max(0, len(ids) - room))
            for ids in pieces
        ]

    @cached_property
    def _marks(self) -> Marks:
        return Marks.of(self.tokenizer, "")

    def _beginnings(self, texts: Sequence[str], most: int) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Of each text what fits into so many tokens, how many these are, and how many were cut off; int [N]."""
        self.tokenizer.no_truncation()
        distinct = list(dict.fromkeys(texts))
        found = dict(zip(distinct, self.tokenizer.encode_batch(distinct, add_special_tokens=False), strict=True))
        begun = {text: (text, len(encoding), 0) for text, encoding in found.items()}
        for text, encoding in found.items():
            keep = most
            while begun[text][1] > most:  # a beginning alone may be cut into more tokens than it was in the whole
                start = text[: encoding.offsets[keep - 1][1]] if keep else ""
                tokens = len(self.tokenizer.encode(start, add_special_tokens=False))
                begun[text] = (start, tokens, len(encoding) - tokens)
                keep -= 1
        counts = np.array([begun[text][1:] for text in texts], np.int64).reshape(-1, 2)
        return [begun[text][0] for text in texts], counts[:, 0], counts[:, 1]

    def _placed(self, encoding: Encoding, sequence: int, cut: int) -> Window:
        """With the spans of the tokens of that sequence of a pair: 0 or 1."""
        inside = np.array([number == sequence for number in encoding.sequence_ids])
        spans = np.where(inside[:, None], np.array(encoding.offsets, np.int64).reshape(-1, 2), 0)
        return Window(self._arrays(encoding), spans=spans, cut=cut)

    def _window(self, encoding: Encoding) -> Window:
        cut = sum(len(part.ids) - sum(part.special_tokens_mask) for part in encoding.overflowing)
        return Window(self._arrays(encoding), cut=cut)

    def _arrays(self, encoding: Encoding) -> dict[str, np.ndarray]:
        arrays = {"input_ids": np.array(encoding.ids, np.int32)}
        if self.has_segments:
            arrays["token_type_ids"] = np.array(encoding.type_ids, np.int32)
        return arrays


def token_lengths(tokenizer: Tokenizer, texts: Sequence[str | tuple[str, str]]) -> np.ndarray:
    """Tokens of each text as it is, special tokens included, not cut. int64 [N]."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return np.array([len(encoding.ids) for encoding in tokenizer.encode_batch_fast(list(texts))], np.int64)


def read_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer.json of a folder. Errors: ModelError where there is none or it cannot be used."""
    path = folder / FILE
    if not path.is_file():
        fix = t("give a model folder that has one; slow tokenizers are not supported")
        raise ModelError.at(str(folder), t("{file} is missing", file=FILE), fix, code="no-tokenizer")
    if path.stat().st_size > _LARGEST_FILE:
        raise ModelError.at(str(path), t("is too large for a tokenizer"), t("use the original"), code="bad-tokenizer")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        what = t("is no tokenizer: {error}", error=str(error)[:200])
        raise ModelError.at(str(path), what, t("fetch the model again"), code="bad-tokenizer") from None
