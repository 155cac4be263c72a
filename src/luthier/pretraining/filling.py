"""What a masked language model puts in the places that are hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor

_MOST = 50
"""Tokens that are kept for each place."""


@dataclass(frozen=True, eq=False)
class Hidden:
    """ids: of the text. places: in it, that are hidden. options: for each place (score, id), the likeliest first."""

    ids: Sequence[int]
    places: Sequence[int]
    options: Sequence[Sequence[tuple[float, int]]]


def fill(model: Any, tensors: Mapping[str, Tensor], mask_id: int, lengths: Sequence[int]) -> list[Hidden]:
    """tensors: the model's keyword arguments. lengths: of each row, without padding."""
    ids_BT = tensors["input_ids"]
    logits_BTV = model(**tensors).logits
    found: list[Hidden] = []
    for ids_T, logits_TV, length in zip(ids_BT, logits_BTV, lengths, strict=True):
        places = (ids_T[:length] == mask_id).nonzero()[:, 0]
        likely = logits_TV[places].float().softmax(-1).topk(min(_MOST, logits_TV.shape[-1]))
        options = [list(zip(p, i, strict=True)) for p, i in zip(likely[0].tolist(), likely[1].tolist(), strict=True)]
        found.append(Hidden(ids_T[:length].tolist(), places.tolist(), options))
    return found


def told(hidden: Hidden, tokenizer: Tokenizer) -> list[list[dict[str, Any]]]:
    """For each place the options as Hugging Face's fill-mask has them; in `sequence` other places stay hidden."""

    def option(place: int, score: float, token: int) -> dict[str, Any]:
        ids = [*hidden.ids[:place], token, *hidden.ids[place + 1 :]]
        shown = tokenizer.decode([i for k, i in enumerate(ids) if k not in special or k == place], False)
        return {"score": score, "token": token, "token_str": tokenizer.decode([token]), "sequence": shown}

    special = {k for k, i in enumerate(hidden.ids) if k not in hidden.places and _is_special(tokenizer, i)}
    return [
        [option(place, score, token) for score, token in options]
        for place, options in zip(hidden.places, hidden.options, strict=True)
    ]


def _is_special(tokenizer: Tokenizer, token: int) -> bool:
    added = tokenizer.get_added_tokens_decoder().get(token)
    return added is not None and added.special
