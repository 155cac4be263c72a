"""What a run keeps of its training data, so that other data can be held against them: counts and numbers, no text.

It lies in the run's folder and not in model/: who is handed the model does not get it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from luthier.codec import Codec
from luthier.errors import ModelError
from luthier.evaluation.elsewhere.traits import Traits, as_arrays, from_arrays
from luthier.files import whole_file
from luthier.formats.format import AnyFormat, classes_of
from luthier.language import t
from luthier.text.words import vocabulary
from luthier.types import Example

FILE = "training.safetensors"
RARE = 3
"""Training rows: a word that stands in fewer is rare."""
_MOST_ROWS, _MOST_HELD = 50_000, 2000
"""Rows whose words are counted, of training and of others."""
_MOST_CHARACTERS = 10_000_000
"""Of them together: a few seconds."""
_MOST_WORDS = 200_000
_MOST_LENGTHS = 2000
_MOST_BYTES = 2 * 2**20
"""Of the vectors."""
_MOST_VECTORS = 1000
_FORMAT = "1"
_LARGEST = 60_000.0
"""Of a number that is kept in half precision."""

Examples = Sequence[Example[Any, Any]]


@dataclass(frozen=True)
class Share:
    """A mean over rows, its standard error, and how many rows."""

    mean: float
    error: float
    rows: int

    @classmethod
    def of(cls, values_N: np.ndarray) -> Share:
        spread = float(values_N.std(ddof=1)) if len(values_N) > 1 else 0.0
        return cls(float(values_N.mean()), spread / np.sqrt(len(values_N)), len(values_N))


@dataclass(frozen=True, eq=False)
class Portrait:
    """rows: of training. labels: of each how many training rows have it. lengths_S: characters of a sample of the
    training rows. words_W: uint32, marks of the words of the training rows, sorted; counts_W: uint8, in how many rows
    each stands, 255 for more. Of rows that were not trained on: rare, the share of their words that are rare in
    training; unknown, the share of their tokens that the tokenizer does not know, None where it knows all there are;
    vectors_SD: float16, what the tuned model makes of a sample of them, empty where it makes none; held: what is kept
    of a sample of those that the model was asked, empty in runs of earlier versions. key: of all marks and hashes,
    which no database holds; empty in those runs."""

    rows: int
    labels: Mapping[str, int]
    lengths_S: np.ndarray
    words_W: np.ndarray
    counts_W: np.ndarray
    rare: Share
    unknown: Share | None
    vectors_SD: np.ndarray
    held: Sequence[Traits] = ()
    key: bytes = b""

    def marks(self, text: str) -> np.ndarray:
        """uint32, of the words of a text, each once."""
        return np.array([_mark(word, self.key) for word in sorted(vocabulary(text))], np.uint32)

    def rare_share(self, text: str) -> float:
        """Of the words of a text, each counted once, how many stand in fewer than three training rows."""
        return self.rare_of(self.marks(text))

    def rare_of(self, marks: np.ndarray) -> float:
        """As `rare_share`, of the marks of a text."""
        if not len(marks):
            return 0.0
        at = np.minimum(np.searchsorted(self.words_W, marks), max(0, len(self.words_W) - 1))
        known = self.words_W[at] == marks if len(self.words_W) else np.zeros(len(marks), bool)
        counts = np.where(known, self.counts_W[at], 0) if len(self.words_W) else np.zeros(len(marks))
        return float((counts < RARE).mean())

    def save(self, path: Path) -> None:
        from safetensors.numpy import save_file

        facts = {
            "rows": self.rows,
            "labels": dict(self.labels),
            "rare": vars(self.rare),
            "unknown": vars(self.unknown) if self.unknown else None,
            "key": self.key.hex(),
        }
        held, facts["held"] = as_arrays(self.held)
        arrays = {"lengths": self.lengths_S, "words": self.words_W, "counts": self.counts_W, "vectors": self.vectors_SD,
                  **held}  # fmt: skip
        with whole_file(path) as temporary:
            save_file(arrays, temporary, metadata={"format": _FORMAT, "facts": json.dumps(facts)})

    @staticmethod
    def load(path: Path) -> Portrait:
        """Errors: ModelError where the file is not as it was written."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), framework="numpy") as file:
                facts = json.loads(file.metadata()["facts"])
                lengths, words, counts, vectors = map(file.get_tensor, ("lengths", "words", "counts", "vectors"))
                held = {name: file.get_tensor(name) for name in file.keys() if name.startswith("held.")}  # noqa: SIM118
            unknown = Share(**facts["unknown"]) if facts["unknown"] else None
            return Portrait(
                facts["rows"], facts["labels"], lengths, words, counts, Share(**facts["rare"]), unknown, vectors,
                from_arrays(held, facts["held"]) if held else (), bytes.fromhex(facts.get("key", "")),
            )  # fmt: skip
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            what = t("{file} is not as it was written ({error})", file=FILE, error=type(error).__name__)
            fix = t("remove it: the shift is then not told")
            raise ModelError.at(str(path), what, fix, code="bad-portrait") from None


def vectors_kept(width: int) -> int:
    """How many vectors of so many numbers are kept."""
    return max(1, min(_MOST_VECTORS, _MOST_BYTES // (2 * width)))


def portray(
    codec: Codec, train: Examples, held: Examples, vectors_SD: np.ndarray | None, seed: int, key: bytes = b""
) -> Portrait:
    """held: rows like those of training that were not trained on; where there are none, training rows. vectors: of a
    sample of them; None where the model makes none. key: of the marks of words."""
    layout = codec.task.format
    rng = np.random.default_rng(seed)
    some = _sampled(layout, train, _MOST_ROWS, rng)
    words_W, counts_W = _counted(some, key)
    lengths = [len(text) for text in some[:_MOST_LENGTHS]]
    vectors = np.zeros((0, 1), np.float16)
    if vectors_SD is not None:
        vectors = np.clip(vectors_SD, -_LARGEST, _LARGEST).astype(np.float16)
    nothing = Share(0.0, 0.0, 0)
    portrait = Portrait(
        len(train), label_counts(layout, train), np.array(lengths, np.int32), words_W, counts_W, nothing, None, vectors,
        key=key,
    )  # fmt: skip
    texts = _sampled(layout, held, _MOST_HELD, rng)
    rare = Share.of(np.array([portrait.rare_share(text) for text in texts])) if texts else nothing
    return replace(portrait, rare=rare, unknown=unknown_share(codec, texts) if texts else None)


def _sampled(layout: AnyFormat, examples: Examples, most: int, rng: np.random.Generator) -> list[str]:
    """Texts of some rows, drawn at random."""
    texts: list[str] = []
    room = _MOST_CHARACTERS
    for i in rng.permutation(len(examples))[:most]:
        texts.append(layout.plain_text(examples[i].input))
        room -= len(texts[-1])
        if room < 0:
            break
    return texts


def label_counts(layout: AnyFormat, examples: Examples) -> dict[str, int]:
    """Of each class how many rows have it; nothing for a task without classes."""
    counts = Counter(str(name) for example in examples for name in classes_of(layout.stratum(example.answer)))
    return dict(counts.most_common())


def unknown_share(codec: Codec, texts: Sequence[str]) -> Share | None:
    """Of the tokens of each text, how many stand for what the tokenizer does not know; None where it knows any byte."""
    shares_N = unknown_shares(codec, codec.text.pieces(texts))
    return None if shares_N is None else Share.of(shares_N)


def unknown_shares(codec: Codec, ids: Sequence[np.ndarray]) -> np.ndarray | None:
    """[N], of the token ids of each text; as `unknown_share`."""
    tokenizer: Any = codec.text.tokenizer
    name = getattr(tokenizer.model, "unk_token", None)
    number = tokenizer.token_to_id(name) if isinstance(name, str) else getattr(tokenizer.model, "unk_id", None)
    if number is None:
        return None
    return np.array([float((own == number).mean()) if len(own) else 0.0 for own in ids])


def _counted(texts: Sequence[str], key: bytes) -> tuple[np.ndarray, np.ndarray]:
    counts: Counter[int] = Counter()
    for text in texts:
        counts.update({_mark(word, key) for word in vocabulary(text)})
    kept = sorted(counts.most_common(_MOST_WORDS))
    words = np.array([mark for mark, _ in kept], np.uint32)
    return words, np.array([min(255, count) for _, count in kept], np.uint8)


def _mark(word: str, key: bytes) -> int:
    """32 bits of a word: two of 50,000 words share one with a chance of a quarter, which no share of words notices."""
    return int.from_bytes(
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4, key=key).digest(), "little"
    )
