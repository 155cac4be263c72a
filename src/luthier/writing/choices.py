"""How likely a language model finds each of some given answers: classification and multiple choice by likelihood."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.cache_utils import Cache

from luthier.models.head import unwrapped
from luthier.types import IGNORE
from luthier.writing.handed import decoder_start, has_encoder, learns_prompts
from luthier.writing.likelihood import is_tried, token_nlls
from luthier.writing.modes import evaluating

Choices = Sequence[Sequence[int]]
_TOKENS = 2**14
"""Of prompts and answers that go through the model at once."""


def score_choices(
    model: Any,
    prompts: Sequence[np.ndarray | Sequence[int]],
    choices: Sequence[Choices],
    *,
    pad_id: int,
    device: str = "cpu",
    start_ids: Sequence[int] | None = None,
    max_tokens: int = _TOKENS,
) -> list[np.ndarray]:
    """For each prompt the log-likelihood of each of its choices, in nats, float64 [C]: the sum over all tokens of the
    choice, so that the token that ends an answer counts where the choice has it.

    Each prompt is read once, whatever the number of its choices. prompts: not empty; of an encoder-decoder the
    sources. start_ids: what a decoder begins with; None for what its folder says.
    """
    start = decoder_start(model) if start_ids is None else list(start_ids)
    texts = [[int(i) for i in ids] for ids in prompts]
    found = [np.zeros(len(each)) for each in choices]
    score = _from_source if has_encoder(model) else _after_prompt
    with torch.inference_mode(), evaluating(model):
        for batch in _batches(texts, max_tokens):
            pairs = [(row, i) for row in batch for i in range(len(choices[row]))]
            reader = score(model, [texts[row] for row in batch], start, pad_id, device)
            for some in _pieces(pairs, [len(choices[row][i]) for row, i in pairs], len(texts[batch[0]]), max_tokens):
                rows = [batch.index(row) for row, _ in some]
                nlls = reader(rows, [list(choices[row][i]) for row, i in some])
                for (row, i), nll in zip(some, nlls.tolist(), strict=True):
                    found[row][i] = -nll
    return found


def _after_prompt(model: Any, prompts: list[list[int]], _: Any, pad_id: int, device: str) -> Any:
    """What scores answers to some of the prompts of a decoder. All but the last token of each are read beforehand."""
    read = [ids[:-1] for ids in prompts]
    known, mask_BT = _padded(read, pad_id, device, left=True)
    cache = None
    if known.shape[1] and not learns_prompts(model):
        if not is_tried(model):  # on rows of which nothing is kept
            ids_BT, all_BT = _padded(prompts, pad_id, device)
            token_nlls(model, {"input_ids": ids_BT, "attention_mask": all_BT}, ids_BT)
        options = {"position_ids": _positions(mask_BT)} if _takes_positions(model) else {}
        out = unwrapped(model).base_model(input_ids=known, attention_mask=mask_BT, use_cache=True, **options)
        cache = getattr(out, "cache", None)

    def score(rows: list[int], answers: list[list[int]]) -> Tensor:
        if not isinstance(cache, Cache) or all(cache.is_linear):
            return _read_whole(model, [prompts[row] for row in rows], answers, pad_id, device)
        asked = [[prompts[row][-1], *answer[:-1]] for row, answer in zip(rows, answers, strict=True)]
        ids_NS, new_NS = _padded(asked, pad_id, device)
        mask_NT = torch.cat([mask_BT[rows], new_NS], 1)
        kept = copy.deepcopy(cache)
        chosen: Any = torch.tensor(rows, device=device)
        kept.reorder_cache(chosen)
        inputs = {"input_ids": ids_NS, "attention_mask": mask_NT, "cache": kept}
        if _takes_positions(model):
            inputs["position_ids"] = _positions(mask_NT)[:, -ids_NS.shape[1] :]
        return token_nlls(model, inputs, _targets(answers, device))

    return score


def _read_whole(model: Any, prompts: list[list[int]], answers: list[list[int]], pad_id: int, device: str) -> Tensor:
    texts = [[*ids, *answer[:-1]] for ids, answer in zip(prompts, answers, strict=True)]
    targets = [[IGNORE] * (len(ids) - 1) + answer for ids, answer in zip(prompts, answers, strict=True)]
    ids_NT, mask_NT = _padded(texts, pad_id, device)
    return token_nlls(model, {"input_ids": ids_NT, "attention_mask": mask_NT}, _targets(targets, device))


def _from_source(model: Any, sources: list[list[int]], start: list[int], pad_id: int, device: str) -> Any:
    """What scores answers to some of the sources of an encoder-decoder, which are read beforehand."""
    ids_BT, mask_BT = _padded(sources, pad_id, device)
    given: dict[str, Any] = {"input_ids": ids_BT, "attention_mask": mask_BT}
    states = None
    if not learns_prompts(model):
        states = unwrapped(model).get_encoder()(**given)

    def score(rows: list[int], answers: list[list[int]]) -> Tensor:
        texts = [[*start, *answer[:-1]] for answer in answers]
        targets = _targets([[IGNORE] * (len(start) - 1) + answer for answer in answers], device)
        inputs: dict[str, Any] = {name: tensor[rows] for name, tensor in given.items()}
        if states is not None:
            del inputs["input_ids"]
            inputs["encoder_outputs"] = type(states)(last_hidden_state=states.last_hidden_state[rows])
        return token_nlls(model, {**inputs, "decoder_input_ids": _padded(texts, pad_id, device)[0]}, targets)

    return score


def _padded(texts: Sequence[Sequence[int]], pad_id: int, device: str, left: bool = False) -> tuple[Tensor, Tensor]:
    """Ids [B, T], and a mask of the same shape."""
    width = max(len(ids) for ids in texts)
    ids_BT = torch.full((len(texts), width), pad_id)
    mask_BT = torch.zeros_like(ids_BT)
    for i, ids in enumerate(texts):
        place = slice(width - len(ids), width) if left else slice(0, len(ids))
        ids_BT[i, place], mask_BT[i, place] = torch.tensor(ids, dtype=torch.long), 1
    return ids_BT.to(device), mask_BT.to(device)


def _targets(texts: Sequence[Sequence[int]], device: str) -> Tensor:
    return _padded(texts, IGNORE, device)[0]


def _positions(mask_BT: Tensor) -> Tensor:
    return (mask_BT.cumsum(1) - 1).clamp_min(0)


def _takes_positions(model: Any) -> bool:
    return "position_ids" in inspect.signature(unwrapped(model).forward).parameters


def _batches(texts: Sequence[Sequence[int]], max_tokens: int) -> Iterator[list[int]]:
    """Numbers of prompts of nearly one length, the longest first."""
    batch: list[int] = []
    for row in sorted(range(len(texts)), key=lambda row: (-len(texts[row]), row)):
        if batch and len(texts[batch[0]]) * (len(batch) + 1) > max_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _pieces(
    pairs: Sequence[tuple[int, int]], lengths: Sequence[int], longest: int, max_tokens: int
) -> Iterator[list[tuple[int, int]]]:
    """Answers that are scored together, of nearly one length. longest: of the prompts."""
    piece: list[tuple[int, int]] = []
    order = sorted(range(len(pairs)), key=lambda k: (-lengths[k], k))
    for k in order:
        if piece and (longest + lengths[order[0]]) * (len(piece) + 1) > max_tokens:
            yield piece
            piece = []
        piece.append(pairs[k])
    if piece:
        yield piece
