"""Losses that teach vectors: what belongs together comes close, everything else in the step goes away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

QUERY, POSITIVE, NEGATIVE = range(3)
_NEVER = -1e9
"""A logit of what does not count. Finite, so that a query without negatives has a gradient, of 0."""
_LEAST_ALIKE = 1e-6


@dataclass(frozen=True)
class Texts:
    """What the losses know of some texts, [B] each. kind: what all of them are. row: the window that a text is of.
    key: the same for equal texts. topic: the same for windows that want the same, 0 where nothing is known.
    score: of the window's pair."""

    kind: int
    row: np.ndarray
    key: np.ndarray
    topic: np.ndarray
    score: np.ndarray

    @staticmethod
    def joined(parts: Sequence[Texts]) -> tuple[np.ndarray, Texts]:
        """The kinds [M] and all arrays of several parts, one after the other."""
        kinds = np.concatenate([np.full(len(part.row), part.kind) for part in parts])
        arrays = {n: np.concatenate([getattr(p, n) for p in parts]) for n in ("row", "key", "topic", "score")}
        return kinds, Texts(-1, **arrays)


def at_each_length(vectors_MD: Tensor, dimensions: Sequence[int]) -> list[Tensor]:
    """Unit vectors of the whole length, then of their first d numbers each."""
    from torch.nn.functional import normalize

    return [normalize(vectors_MD[:, :d], dim=1) for d in (vectors_MD.shape[1], *dimensions)]


def multiple_negatives(unit_MD: Tensor, texts: Sequence[Texts], temperature: float, *, symmetric: bool) -> Tensor:
    """The sum over the queries of -log softmax of what is right against all documents of the step that are not known
    to be right (Henderson et al. 2017; van den Oord et al. 2018), the mean over its right documents.

    Right is what a row of the same query, or of the same topic, names as positive, wherever in the step it stands; so
    no copy of an answer is pushed away from a question that it answers. Nor is a document that is the query itself.
    symmetric: half of it is asked the other way, from the document to the queries.
    """
    import torch

    kind_M, every = Texts.joined(texts)
    q, d = np.flatnonzero(kind_M == QUERY), np.flatnonzero(kind_M != QUERY)
    right_QD = torch.from_numpy(_right(kind_M, every, q, d)).to(unit_MD.device)
    same_QD = torch.from_numpy(every.key[q][:, None] == every.key[d]).to(unit_MD.device)
    logits_QD = unit_MD[torch.from_numpy(q)] @ unit_MD[torch.from_numpy(d)].T / temperature
    total = _contrast(logits_QD, right_QD, right_QD | same_QD).sum()
    if not symmetric:
        return total
    answers = right_QD.any(0)
    back_D = _contrast(logits_QD.T[answers], right_QD.T[answers], (right_QD | same_QD).T[answers])
    return (total + back_D.mean() * len(q)) / 2


def _contrast(logits: Tensor, right: Tensor, apart: Tensor) -> Tensor:
    """[A], of each row the mean over what is right of its loss against what is not `apart`."""
    import torch

    others = logits.masked_fill(apart, _NEVER).logsumexp(1, keepdim=True)
    each = (torch.logaddexp(logits, others) - logits) * right
    return each.sum(1) / right.sum(1).clamp(min=1)


def _right(kind_M: np.ndarray, every: Texts, q: np.ndarray, d: np.ndarray) -> np.ndarray:
    """bool [Q, D]: which documents are known to be right for which queries."""
    _, text_D = np.unique(every.key[d], return_inverse=True)
    row_of = {int(row): i for i, row in enumerate(every.row[q])}
    named_QU = np.zeros((len(q), int(text_D.max(initial=-1)) + 1), np.float32)
    for text, row, kind in zip(text_D, every.row[d], kind_M[d], strict=True):
        if kind == POSITIVE:
            named_QU[row_of[int(row)], text] = 1
    key_Q, topic_Q = every.key[q], every.topic[q]
    alike_QQ = (key_Q[:, None] == key_Q) | ((topic_Q[:, None] == topic_Q) & (topic_Q != 0))
    return (alike_QQ.astype(np.float32) @ named_QU > 0)[:, text_D]


def ordered_cosines(unit_MD: Tensor, texts: Sequence[Texts], temperature: float) -> Tensor:
    """CoSENT (Su 2022): of any two pairs in the step the one with the higher score should have the higher cosine.
    log(1 + the sum of exp(how far they are in the wrong order)), times the number of pairs."""
    import torch

    kind_M, every = Texts.joined(texts)
    q, d = np.flatnonzero(kind_M == QUERY), np.flatnonzero(kind_M == POSITIVE)
    first = {int(row): int(i) for i, row in zip(d[::-1], every.row[d][::-1], strict=True)}
    partners = np.array([first[int(row)] for row in every.row[q]])
    cosine_Q = (unit_MD[torch.from_numpy(q)] * unit_MD[torch.from_numpy(partners)]).sum(1) / temperature
    above_QQ = torch.from_numpy(every.score[q][:, None] > every.score[q]).to(unit_MD.device)
    wrong_QQ = (cosine_Q[None, :] - cosine_Q[:, None]).masked_fill(~above_QQ, _NEVER)
    return torch.cat([wrong_QQ.new_zeros(1), wrong_QQ.flatten()]).logsumexp(0) * len(q)


def supervised_contrast(unit_MD: Tensor, alike_MM: np.ndarray, temperature: float) -> Tensor:
    """The mean over texts of -log softmax of those that want the same against all others of the step (Khosla et al.
    2020, the sum outside of the logarithm). alike: 0 to 1, how much two texts want the same; the terms of a text are
    weighted by it. A text that is like no other of the step has no term; 0 where none is.
    """
    import torch

    itself_MM = torch.eye(len(unit_MD), dtype=torch.bool, device=unit_MD.device)
    weights_MM = torch.from_numpy(alike_MM).to(unit_MD).masked_fill(itself_MM, 0.0)
    logits_MM = (unit_MD @ unit_MD.T / temperature).masked_fill(itself_MM, _NEVER)
    each_M = -(logits_MM.log_softmax(1) * weights_MM).sum(1) / weights_MM.sum(1).clamp(min=_LEAST_ALIKE)
    counted = (weights_MM.sum(1) > 0).sum().clamp(min=1)
    return each_M.sum() / counted
