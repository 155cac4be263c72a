"""How alike queries and documents are by what costs little: how often a document is wanted, which words they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from luthier.evaluation.baselines import word_counter
from luthier.formats.retrieval import Passages, QueryRows
from luthier.searching.rank import Rows, Similar, texts_of


def by_count(train: Sequence[Passages], judged: Rows) -> Similar:
    """A document is the more alike the oftener a training row names it."""
    queries, documents = texts_of(judged)
    counts = Counter(text for answer in train for text in answer.positives)
    counts_M = np.array([counts[document.text] for document in documents], np.float32)
    return lambda rows: np.tile(counts_M, (len(queries[rows]), 1))


def by_words(train: Rows, judged: Rows) -> Similar:
    """The cosine of TF-IDF vectors; how rare a word is, is counted over the training rows and the documents."""
    queries, documents = texts_of(judged)
    plain = QueryRows().plain_text
    texts = [document.text for document in documents]
    counter = word_counter(texts)
    counter.fit([*texts, *(text for e in train for text in (plain(e.input), *e.answer.positives))])
    words_NV, words_MV = counter.transform([plain(query) for query in queries]), counter.transform(texts)
    return lambda rows: (words_NV[rows] @ words_MV.T).toarray()
