"""Text to ids and back: the only file that talks to a tokenizer, with its many moods.

It needs the `tokenizers` library alone, so that serving needs no more either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Encoding, Tokenizer

from luthier.errors import ModelError
from luthier.language import t
from luthier.types import Window

FILE = "tokenizer.json"
_LARGEST_FILE = 200 * 2**20


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
        tokens in that text, in characters.

        overlap: tokens that two neighbours share, at most half of what a window has room for. The first text of a pair
        stands whole in every window: it must leave room.
        """
        pair = bool(inputs) and not isinstance(inputs[0], str)
        longest = max((len(self._alone(text[0])) for text in inputs), default=0) if pair else 0
        room = self.max_length - self.tokenizer.num_special_tokens_to_add(pair) - longest
        if room < 1:
            raise ValueError("the first text leaves no room for the second")
        strategy = "only_second" if pair else "longest_first"
        self.tokenizer.enable_truncation(self.max_length, stride=min(overlap, room // 2), strategy=strategy)
        encodings = self.tokenizer.encode_batch(list(inputs))
        return [[self._placed(part, int(pair)) for part in (first, *first.overflowing)] for first in encodings]

    def _alone(self, text: str) -> list[int]:
        """A text's ids without special tokens, not cut."""
        self.tokenizer.no_truncation()
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def _placed(self, encoding: Encoding, sequence: int) -> Window:
        """With the spans of the tokens of that sequence of a pair: 0 or 1."""
        inside = np.array([number == sequence for number in encoding.sequence_ids])
        spans = np.where(inside[:, None], np.array(encoding.offsets, np.int64).reshape(-1, 2), 0)
        return Window(self._arrays(encoding), spans=spans)

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
