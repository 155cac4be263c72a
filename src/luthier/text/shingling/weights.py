"""Pieces to weighted counts (TF-IDF), a row a text: the fast way, without a text being looked at again."""

from __future__ import annotations

from typing import Any

import numpy as np

from luthier.text.shingling.pieces import Pieces, mixed

_SHORTEST, _LONGEST = 3, 5
_LONG_WORD = 40


def word_weights(pieces: Pieces) -> Any:
    """CSR float32 [N, F]: words and pairs of words, of unspaced texts one to three characters."""
    rows = np.repeat(np.arange(len(pieces)), pieces.lengths)
    keys, owners, row = [pieces.hashes], [rows], pieces.hashes
    for more in range(1, 3 if pieces.unspaced.mean() > 0.5 else 2):
        row = mixed(row[:-1] ^ (pieces.hashes[more:] >> np.uint64(1)))
        whole = rows[more:] == rows[:-more]
        keys.append(row[whole])
        owners.append(rows[more:][whole])
    found, columns = np.unique(np.concatenate(keys), return_inverse=True)
    return _weighted(_matrix(np.concatenate(owners), columns, (len(pieces), len(found))))


def character_weights(pieces: Pieces) -> Any:
    """CSR float32 [N, F]: three to five characters that follow each other within a word or its edge.

    Each different word is cut up once; the texts' counts are a product of two matrices.
    """
    known: dict[str, int] = {}
    columns: list[int] = []
    words: list[int] = []
    for number, word in enumerate(pieces.words):
        parts = _cut(word)
        columns += [known.setdefault(part, len(known)) for part in parts]
        words += [number] * len(parts)
    of_words = _matrix(np.array(words), np.array(columns), (len(pieces.words), len(known)))
    rows = np.repeat(np.arange(len(pieces)), pieces.lengths)
    of_texts = _matrix(rows, pieces.numbers.astype(np.int64), (len(pieces), len(pieces.words)))
    return _weighted(of_texts @ of_words)


def _cut(word: str) -> list[str]:
    if len(word) > _LONG_WORD:
        return [word]
    edged = f" {word} "
    sizes = range(min(_SHORTEST, len(edged)), min(_LONGEST, len(edged)) + 1)
    return [edged[i : i + size] for size in sizes for i in range(len(edged) - size + 1)]


def _matrix(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Any:
    """CSR, of each row how often it has each column."""
    from scipy.sparse import csr_matrix

    made = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape)
    made.sum_duplicates()
    return made


def _weighted(counts: Any) -> Any:
    """1 + log of the count, times rarity; rows scaled to length 1; what one text alone has is then left out, for
    nothing can be learnt from it."""
    from scipy.sparse import diags

    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = (np.log((1 + counts.shape[0]) / (1 + texts)) + 1).astype(np.float32)
    counts.data = (1 + np.log(counts.data)) * rarity[counts.indices]
    lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(1)).ravel())
    scaled = diags((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ counts
    return scaled.tocsc()[:, np.flatnonzero(texts > 1)].tocsr()
