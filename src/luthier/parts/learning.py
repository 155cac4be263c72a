"""Losses and answers of several parts from one pass of the model that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.models.head import logits_layer
from luthier.models.own.several import picked
from luthier.parts.windows import BY_TOKEN, plain, shares
from luthier.seen import Features, Frozen, Seen
from luthier.task import AnyTask
from luthier.types import LabelledBatch

if TYPE_CHECKING:
    from torch import Tensor


def summed_loss(parts: Mapping[str, AnyTask], model: Any, batch: LabelledBatch, weights: Mapping[str, float]) -> Tensor:
    """Over the windows of a batch and the parts of each the mean over the part's targets there, times its weight.

    Where log variances s are learnt, times exp(-s) instead, and s / 2 is added for each window and part (Kendall et
    al. 2018).
    """
    said = model(**plain(batch.inputs).tensors)
    total = said.last_hidden_state.float().sum() * 0  # of a batch without targets
    for p, (name, part) in enumerate(parts.items()):
        learnt = None if said.log_variances is None else said.log_variances[p].float()
        for share in shares(batch, p, by_token=part.auto_class == BY_TOKEN):
            answer = picked(said.parts[name], share.rows)
            own = part.loss(lambda answer=answer, **_: answer, share.batch) / share.each
            if learnt is None:
                total = total + own * weights.get(name, 1.0)
            else:
                total = total + own * (-learnt).exp() + learnt / 2 * len(share.rows)
    return total


def seen_by_head(head: Any, frozen: Frozen[Any, Any]) -> Frozen[Any, Any]:
    """What the layer that makes a head's logits is given, from the trunk's states, as if the model had this head alone.

    frozen: its token_inputs are the trunk's last states.
    """

    def own(seen: Seen[Any, Any]) -> Seen[Any, Any]:
        return Seen(seen.examples, _given(head, seen.features))

    return Frozen(own(frozen.train), own(frozen.validation) if frozen.validation else None, own(frozen.judged))


_AT_ONCE = 64


def _given(head: Any, features: Features) -> Features:
    import torch

    layer = logits_layer(head)
    if layer is None or not features.token_inputs:
        return replace(features, token_inputs=())
    seen: list[Tensor] = []
    found: list[np.ndarray] = []
    device = next(head.parameters()).device
    hook = layer.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    head.eval()
    try:
        with torch.inference_mode():
            for start in range(0, len(features.windows), _AT_ONCE):
                states = [torch.from_numpy(s).float() for s in features.token_inputs[start : start + _AT_ONCE]]
                windows = features.windows[start : start + _AT_ONCE]
                ids = [torch.from_numpy(w.arrays["input_ids"].astype(np.int64)) for w in windows]
                pad = head.config.pad_token_id or 0
                ids_BT = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=pad)
                states_BTD = torch.nn.utils.rnn.pad_sequence(states, batch_first=True)
                lengths_B = torch.tensor([len(s) for s in states])
                mask_BT = (torch.arange(states_BTD.shape[1]) < lengths_B[:, None]).long()
                head(
                    input_ids=ids_BT.to(device), attention_mask=mask_BT.to(device),
                    inputs_embeds=states_BTD.to(device),
                )  # fmt: skip
                given = seen.pop().float().cpu().numpy()
                found += [row[: len(s)] if given.ndim == 3 else row for row, s in zip(given, states, strict=True)]
    finally:
        hook.remove()
    if found[0].ndim == 1:
        return replace(features, head_inputs=np.stack(found), token_inputs=())
    return replace(features, head_inputs=None, token_inputs=[row.astype(np.float16) for row in found])
