"""What the untuned model sees of a set of texts, kept on disk: whoever looks at the same texts with the same model, in
another run, another strategy or another trial of a search, need not look again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from luthier.caching import Cache, NoRoom, key_of
from luthier.models.head import logits_layer
from luthier.runtime import Runtime
from luthier.seen import Features
from luthier.types import Window
from luthier.weights import OF_THE_ANSWERS, bits

_RAGGED = ("token_inputs", "states")
"""Fields with an array of its own for each input: kept one behind the other, with their lengths."""


def features_key(model: PreTrainedModel, windows: Sequence[Window], runtime: Runtime, facts: dict[str, Any]) -> str:
    """facts: of what the features also depend on. What makes the logits of what is seen is no part of it."""
    config: Any = model.config
    shape = {name: value for name, value in config.to_dict().items() if name not in OF_THE_ANSWERS}
    logits = logits_layer(model)
    apart = {id(p) for p in logits.parameters()} if logits is not None else set()
    named = [*model.named_parameters(), *model.named_buffers()]
    arrays = {name: bits(value) for name, value in named if id(value) not in apart}
    environment = {"device": runtime.device.partition(":")[0], "precision": runtime.precision,
                   "threads": torch.get_num_threads(), "torch": torch.__version__}  # fmt: skip
    made = {**facts, **environment, "kind": type(model).__name__, "config": shape}
    return key_of(made, arrays, *(window.arrays for window in windows))


def find_features(cache: Cache, key: str, windows: Sequence[Window]) -> Features | None:
    """None where nothing is kept under that name."""
    path = cache.find(key)
    if path is None:
        return None
    try:
        vectors = np.load(path / "vectors.npy", allow_pickle=False)
        given = np.load(path / "head_inputs.npy") if (path / "head_inputs.npy").is_file() else None
        token_inputs, states = (_read_ragged(path, name) for name in _RAGGED)
        parts = [np.load(file, allow_pickle=False) for file in sorted(path.glob("part-*.npy"))]
        return Features(windows, vectors, given, token_inputs, _as_states(states), parts)
    except (OSError, ValueError):
        return None  # thrown out by another process between two lines


def keep_features(cache: Cache, key: str, features: Features) -> None:
    """A cache that has no room, or cannot be written, is left as it is."""
    whole = {"vectors": features.vectors, "head_inputs": features.head_inputs}
    whole |= {f"part-{i}": part for i, part in enumerate(features.parts)}
    ragged = {"token_inputs": features.token_inputs, "states": [_as_array(state) for state in features.states]}
    needed = sum(array.nbytes for array in whole.values() if array is not None)
    needed += sum(array.nbytes for arrays in ragged.values() for array in arrays)
    try:
        with cache.adding(key, needed, {}) as folder:
            for name, array in whole.items():
                if array is not None:
                    np.save(folder / f"{name}.npy", array, allow_pickle=False)
            for name, arrays in ragged.items():
                if len(arrays):
                    np.save(folder / f"{name}.npy", np.concatenate(list(arrays)), allow_pickle=False)
                    np.save(folder / f"{name}-lengths.npy", np.array(list(map(len, arrays))), allow_pickle=False)
    except (NoRoom, OSError):
        pass


def _read_ragged(path: Path, name: str) -> list[np.ndarray]:
    if not (path / f"{name}.npy").is_file():
        return []
    lengths = np.load(path / f"{name}-lengths.npy", allow_pickle=False)
    flat = np.load(path / f"{name}.npy", mmap_mode="c", allow_pickle=False)
    return np.split(flat, np.cumsum(lengths)[:-1])


def _as_array(state: Tensor) -> np.ndarray:
    """numpy knows no bfloat16."""
    return state.contiguous().view(torch.int16).numpy()


def _as_states(arrays: Sequence[np.ndarray]) -> list[Tensor]:
    return [torch.from_numpy(np.asarray(array)).view(torch.bfloat16) for array in arrays]
