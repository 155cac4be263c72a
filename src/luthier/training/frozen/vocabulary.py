"""Only the embedding rows that the data use take part in training.

A small encoder's embedding table is half of its weights, and most of its rows belong to tokens that no text of the
data holds. They have no gradient, yet a dense optimiser reads and writes them at every step. Taken out for the time
of the training they cost nothing, and keep their pretrained values; the other rows learn exactly as before.
(Weight decay would have shrunk the unused rows a little. Nothing that has no gradient is trained here.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

_WORTH = 0.8
"""Where more of the table than this is used, there is little to win."""


class TrimmedEmbedding(nn.Module):
    """nn.Embedding over some rows of a larger one. Ids keep their meaning. One that has no row is an IndexError while
    the model is trained; else it has the larger one's row, for a model that writes may write any token."""

    def __init__(self, whole: nn.Embedding, rows: Tensor) -> None:
        super().__init__()
        weight = whole.weight.detach()
        self.weight = nn.Parameter(weight[rows], requires_grad=whole.weight.requires_grad)
        self._whole = weight
        self.padding_idx: int | None = None
        place = torch.full((weight.shape[0],), -1, dtype=torch.long, device=weight.device)
        place[rows] = torch.arange(len(rows), device=weight.device)
        self.register_buffer("place", place, persistent=False)
        if whole.padding_idx is not None and int(place[whole.padding_idx]) >= 0:
            self.padding_idx = int(place[whole.padding_idx])

    def forward(self, ids: Tensor) -> Tensor:
        places = self.place[ids]  # pyright: ignore[reportIndexIssue]
        unmet = places < 0
        if self.training or not unmet.any():
            return F.embedding(places, self.weight, self.padding_idx)
        states = F.embedding(places.clamp_min(0), self.weight, self.padding_idx)
        return torch.where(unmet[..., None], F.embedding(ids, self._whole).to(states.dtype), states)


@contextmanager
def trimmed_embedding(model: nn.Module, arrays: Iterable[np.ndarray], pad_id: int) -> Iterator[float]:
    """Inside the block the model's input embedding has only the rows of the ids in `arrays` and of pad_id.

    Yields the share of rows that it has: 1.0 where the table does not learn, is shared with an output layer, does
    more than look up, or is used almost whole, and so was left as it is. One that an encoder and a decoder share is
    trimmed for both.
    """
    whole = model.get_input_embeddings()  # pyright: ignore[reportCallIssue]
    holders = _holders(model, whole) if isinstance(whole, nn.Embedding) else []
    if not isinstance(whole, nn.Embedding) or not whole.weight.requires_grad or not _only_look_up(holders):
        yield 1.0
        return
    used = np.unique(np.concatenate([np.array([pad_id]), *(np.unique(ids) for ids in arrays)]))
    share = len(used) / whole.num_embeddings
    if share > _WORTH:
        yield 1.0
        return
    rows = torch.from_numpy(used.astype(np.int64)).to(whole.weight.device)
    trimmed = TrimmedEmbedding(whole, rows)
    places = _swap(model, holders, trimmed)
    try:
        yield share
    finally:
        with torch.no_grad():
            whole.weight[rows] = trimmed.weight
        for part, name, child in places:
            setattr(part, name, child)


def _holders(model: nn.Module, embedding: nn.Embedding) -> list[nn.Module]:
    """Parts that have this very table, each once."""
    return [part for part in model.modules() if getattr(part, "weight", None) is embedding.weight]


def _only_look_up(holders: Sequence[nn.Module]) -> bool:
    """Some kinds of embedding scale what they look up; an output layer needs every row."""
    return all(type(part) is nn.Embedding for part in holders)


def _swap(model: nn.Module, old: Sequence[nn.Module], new: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """Where the old ones were: the part, its name for it, and the old one."""
    places = [
        (part, name, child)
        for part in model.modules()
        for name, child in part._modules.items()
        if any(child is each for each in old) and child is not None
    ]
    for part, name, _ in places:
        setattr(part, name, new)
    return places
