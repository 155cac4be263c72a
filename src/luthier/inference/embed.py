"""Texts to unit vectors by a pretrained model left as it is: for what is asked of the data before anything is tuned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from luthier.batching import cut
from luthier.models.find import ModelFolder
from luthier.models.load import load_model, load_tokenizer
from luthier.models.pooling import masked_mean
from luthier.text.tokenizer import TextRule

_MOST_LENGTH = 128
"""Tokens of a text that are read: what comes later says little about what the text is."""
_MOST_TOKENS = 4096
_CHUNK = 5000


def text_embedder(folder: ModelFolder, device: str) -> Callable[[Sequence[str]], np.ndarray]:
    """From texts to float32 [N, D]: the mean of the last hidden states over the real tokens, scaled to length 1.

    Errors: ModelError where the folder holds no model that reads text.
    """
    tokenizer = load_tokenizer(folder.folder)
    rule = TextRule(tokenizer.backend, min(_MOST_LENGTH, folder.most_tokens), tokenizer.pad_id, has_segments=False)
    model = load_model(folder.folder, "AutoModel", {}, seed=0, device=device).model.eval()

    def embed(texts: Sequence[str]) -> np.ndarray:
        found = [np.zeros((0, folder.hidden_size), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(texts), _CHUNK):
                found.append(_means(model, rule, texts[start : start + _CHUNK], device))
        return np.concatenate(found)

    return embed


def _means(model: torch.nn.Module, rule: TextRule, texts: Sequence[str], device: str) -> np.ndarray:
    ids = [window.arrays["input_ids"] for window in rule.windows(list(texts))]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    means_ND: list[np.ndarray] = [np.zeros(0)] * len(ids)
    for numbers in cut(order, [len(row) for row in ids], _MOST_TOKENS):
        longest = max(len(ids[i]) for i in numbers)
        ids_BT = torch.full((len(numbers), longest), rule.pad_id, dtype=torch.int64)
        mask_BT = torch.zeros((len(numbers), longest), dtype=torch.int64)
        for b, i in enumerate(numbers):
            ids_BT[b, : len(ids[i])] = torch.from_numpy(ids[i].astype(np.int64))
            mask_BT[b, : len(ids[i])] = 1
        mask_BT = mask_BT.to(device)
        last_BTD = model(input_ids=ids_BT.to(device), attention_mask=mask_BT).last_hidden_state.float()
        unit_BD = torch.nn.functional.normalize(masked_mean(last_BTD, mask_BT), dim=1).cpu().numpy()
        for row, i in zip(unit_BD, numbers, strict=True):
            means_ND[i] = row
    return np.stack(means_ND)
