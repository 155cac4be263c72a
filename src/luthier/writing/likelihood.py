"""How likely a language model finds a text, in memory that does not grow with vocabulary × sequence.

The model's body runs as it is. Its output layer is given one position only, enough to see what the architecture does
to the logits afterwards, and is then applied to the learnt positions in chunks, each of which is forgotten once its
loss and its gradient are known. Nothing is computed twice: the loss is a sum, so its gradient by the states is known
up to one factor before the way back begins (as in Liger Kernel, Hsu et al. 2024). For any model of transformers,
wrapped by PEFT or not, that has an output layer; whether its logits come out as the model's own is tried once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from luthier.models.head import unwrapped
from luthier.types import IGNORE
from luthier.writing.after_head import AfterHead
from luthier.writing.chunks import rows_at_once, summed_in_chunks
from luthier.writing.modes import dropped_alike, evaluating, undropped

_TRIED: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()
"""Of each output layer met so far, whether it can be applied by itself."""
_UNFIT = (RuntimeError, TypeError, ValueError, LookupError, AttributeError)


@dataclass(frozen=True, eq=False)
class _Body:
    """states_BTD: what the output layer is given. width: of the vocabulary. learning: what else the logits have a
    gradient by, and what stands for it."""

    head: nn.Module
    states_BTD: Tensor
    after: AfterHead
    width: int
    learning: list[tuple[Tensor, Tensor]]

    def logits(self, states_ND: Tensor) -> Tensor:
        """[N, V]"""
        return self.after(self.head(states_ND[None]))[0]


def learnt_loss(
    model: Any, inputs: Mapping[str, Tensor], targets_BT: Tensor, weights_BT: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """The SUM of the cross-entropy over the positions that have a target, float32; times their weights where given.

    inputs: keyword arguments of the model. targets: the id to be predicted AT each position, already shifted; IGNORE
    where none is. For an encoder-decoder T are the decoder's positions. label_smoothing: share of the target that is
    spread over the whole vocabulary (Szegedy et al. 2016).
    """
    learnt_BT = targets_BT != IGNORE
    targets_N = targets_BT[learnt_BT]
    weights_N = None if weights_BT is None else weights_BT[learnt_BT]

    def loss(logits_NV: Tensor, piece: slice) -> Tensor:
        loss_N = F.cross_entropy(logits_NV.float(), targets_N[piece], reduction="none", label_smoothing=label_smoothing)
        return loss_N.sum() if weights_N is None else loss_N @ weights_N[piece].float()

    body = _body(model, inputs)
    if body is None:
        return loss(_chosen(_own_logits(model, inputs), learnt_BT), slice(None))
    states_ND = _chosen(body.states_BTD, learnt_BT)
    choose = partial(_chosen, learnt_BT=learnt_BT)
    with dropped_alike(body.head, body.states_BTD, choose) as at:

        def chunk(states: Tensor, piece: slice) -> Tensor:
            at(piece)
            return loss(body.logits(states), piece)

        size = rows_at_once(body.width, states_ND.shape[-1])
        return summed_in_chunks(chunk, states_ND, body.learning, size)


def token_nlls(
    model: Any, inputs: Mapping[str, Tensor], targets_BT: Tensor, weights_BT: Tensor | None = None
) -> Tensor:
    """[B] float32: of each row the sum of the negative log-likelihood over its targets, in nats, without a graph.
    Otherwise as `learnt_loss`."""
    with torch.no_grad():
        rows_N = (targets_BT != IGNORE).nonzero()[:, 0]
        nll_N = torch.cat([*learnt_nlls(model, inputs, targets_BT), torch.zeros(0, device=rows_N.device)])
        if weights_BT is not None:
            nll_N = nll_N * weights_BT[targets_BT != IGNORE].float()
        return torch.zeros(len(targets_BT), device=rows_N.device).index_add_(0, rows_N, nll_N)


def row_nlls(
    model: Any, inputs: Mapping[str, Tensor], targets_BT: Tensor, weights_BT: Tensor | None = None
) -> Tensor:  # fmt: skip
    """As `token_nlls`; where torch records gradients, row by row with one."""
    if not torch.is_grad_enabled():
        return token_nlls(model, inputs, targets_BT, weights_BT)
    rows = [slice(b, b + 1) for b in range(len(targets_BT))]
    return torch.stack([
        learnt_loss(model, {name: tensor[row] for name, tensor in inputs.items()}, targets_BT[row],
                    None if weights_BT is None else weights_BT[row])
        for row in rows
    ])  # fmt: skip


def learnt_nlls(model: Any, inputs: Mapping[str, Tensor], targets_BT: Tensor) -> Iterator[Tensor]:
    """In pieces, the negative log-likelihood of each target, in their order row by row. Without a graph."""
    learnt_BT = targets_BT != IGNORE
    targets_N = targets_BT[learnt_BT]
    with torch.no_grad():
        body = _body(model, inputs)
        if body is None:
            yield F.cross_entropy(_chosen(_own_logits(model, inputs), learnt_BT).float(), targets_N, reduction="none")
            return
        states_ND = _chosen(body.states_BTD, learnt_BT)
        size = rows_at_once(body.width, states_ND.shape[-1])
        for begin in range(0, len(targets_N), size):
            piece = slice(begin, begin + size)
            yield F.cross_entropy(body.logits(states_ND[piece]).float(), targets_N[piece], reduction="none")


def _chosen(values_BTX: Tensor, learnt_BT: Tensor) -> Tensor:
    """Of the learnt positions. PEFT may have put learnt states before the text."""
    return values_BTX[:, -learnt_BT.shape[1] :][learnt_BT]


def is_tried(model: Any) -> bool:
    """Whether it is known if the model's output layer can be applied by itself; else the next call passes more than
    once through the model."""
    head = _head(model)
    return head is None or head in _TRIED


def _body(model: Any, inputs: Mapping[str, Tensor]) -> _Body | None:
    """None where the output layer cannot be applied by itself."""
    head = _head(model)
    if head is None:
        return None
    if head not in _TRIED:
        _TRIED[head] = _fits(model, head, inputs)
    return _watched(model, head, inputs) if _TRIED[head] else None


def _head(model: Any) -> nn.Module | None:
    try:
        head = model.get_output_embeddings()
    except (AttributeError, NotImplementedError):
        return None
    return head if isinstance(head, nn.Module) else None


def _fits(model: Any, head: nn.Module, inputs: Mapping[str, Tensor]) -> bool:
    """Whether logits made by themselves are the model's own, at the first positions of each row."""
    with torch.no_grad(), evaluating(model):
        try:
            body = _watched(model, head, inputs)
            batch, length, size = body.states_BTD.shape
            few = max(1, min(length, rows_at_once(body.width, size) // batch))
            with _narrowed(head, lambda states: states[:, :few]):
                own_BTV = _own_logits(model, inputs)
            mine_BTV = body.logits(body.states_BTD[:, :few].flatten(0, 1)).view_as(own_BTV)
        except torch.OutOfMemoryError:
            raise
        except _UNFIT:
            return False
        exact = own_BTV.dtype == torch.float32 and not torch.is_autocast_enabled(own_BTV.device.type)
        near = 1e-4 if exact else 3e-2  # matrices of another shape are added up in another order
        bound = near * max(1.0, own_BTV[own_BTV.isfinite()].abs().max().item())
        return torch.allclose(own_BTV.float(), mine_BTV.float(), rtol=0, atol=bound, equal_nan=True)


def _watched(model: Any, head: nn.Module, inputs: Mapping[str, Tensor]) -> _Body:
    """One pass through the body, watching what comes behind the output layer. Errors: LookupError."""
    after = AfterHead()
    seen: list[Tensor] = []

    def one_position(states_BTD: Tensor) -> Tensor:
        seen.append(states_BTD)
        return states_BTD[:1, :1].detach()

    def watch(_: nn.Module, __: Any, given: Any) -> None:
        after.begin(given)

    watching = head.register_forward_hook(watch)
    try:
        with _narrowed(head, one_position), undropped(head):  # what dropout does to one position is of no use
            logits = _own_logits(model, inputs)
    finally:
        watching.remove()
        after.stop()
    if len(seen) != 1 or seen[0].ndim != 3:
        raise LookupError("the output layer is not called once")
    after.end(logits)
    return _Body(head, seen[0], after, logits.shape[-1], after.learning(logits))


@contextmanager
def _narrowed(head: nn.Module, some: Callable[[Tensor], Tensor]) -> Iterator[None]:
    hook = head.register_forward_pre_hook(lambda _, given: (some(given[0]), *given[1:]))
    try:
        yield
    finally:
        hook.remove()


def _own_logits(model: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """[B, T, V]. Nothing is kept for a next token."""
    takes = inspect.signature(unwrapped(model).forward).parameters
    return model(**inputs, **({"use_cache": False} if "use_cache" in takes else {})).logits
