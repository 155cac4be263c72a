"""A model folder to a model and its tokenizer. No code from the folder is run and nothing is unpickled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from luthier.errors import ModelError
from luthier.language import t
from luthier.models.own.mean_pooled import MEAN_POOLED
from luthier.text.tokenizer import FILE, read_tokenizer

if not logging.getLogger("luthier").isEnabledFor(logging.INFO):  # what it warns of is checked and said here
    transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


_TOKENIZER_FILES = (
    FILE, "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "tekken.json",
)  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """A model in fp32. fresh: names of weights that were not in the folder and start at random."""

    model: PreTrainedModel
    fresh: tuple[str, ...]


Loading = Callable[[PreTrainedModel, str], Mapping[str, Any]]
"""A model of the same make without weights, and the device, to further keyword arguments for from_pretrained."""
_loading: ContextVar[Loading | None] = ContextVar("loading", default=None)


@contextmanager
def loading_with(loading: Loading | None) -> Iterator[None]:
    """Inside the block models are loaded so, whichever task loads them and however many: in four bits, say."""
    token = _loading.set(loading)
    try:
        yield
    finally:
        _loading.reset(token)


def load_model(folder: Path, auto_class: str, head_options: Mapping[str, Any], *, seed: int, device: str) -> Loaded:
    """seed: a new head's random weights depend on nothing else.

    Errors: ModelError where the folder holds no such model, or its weights are damaged.
    """
    try:
        loader = _loader(folder, auto_class)
        how = _more(loader, folder, head_options, device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model, info = loader.from_pretrained(
                str(folder),
                dtype=torch.float32,
                trust_remote_code=False,
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **head_options,
                **how,
            )
    except Exception as error:  # the library raises many kinds, SafetensorError and RuntimeError among them
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        what = t("cannot be loaded as {kind}: {reason}", kind=auto_class, reason=reason)
        fix = t("is this the right kind of model, and its file whole?")
        raise ModelError.at(str(folder), what, fix, code="bad-model") from error
    mismatched = {key if isinstance(key, str) else key[0] for key in info["mismatched_keys"]}
    fresh = tuple(sorted(set(info["missing_keys"]) | mismatched))
    nn.Module.to(model, device)  # transformers' own `to` is the same, behind a decorator without types
    return Loaded(model, fresh)


def _more(loader: Any, folder: Path, head_options: Mapping[str, Any], device: str) -> Mapping[str, Any]:
    loading = _loading.get()
    if loading is None:
        return {}
    config = transformers.AutoConfig.from_pretrained(
        str(folder), trust_remote_code=False, local_files_only=True, **head_options
    )
    with torch.device("meta"):
        return loading(loader.from_config(config) if hasattr(loader, "from_config") else loader(config), device)


def _loader(folder: Path, auto_class: str) -> Any:
    config = transformers.AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    if auto_class == "AutoModelForSequenceClassification" and config.model_type in MEAN_POOLED:
        return MEAN_POOLED[config.model_type]
    return getattr(transformers, auto_class)


def pad_alike(loaded: Loaded, pad_id: int) -> None:
    """Decoders that classify look for the last token that is not padding, by its id: it has to be the id that batches
    are filled up with."""
    config: Any = loaded.model.config
    known = getattr(config, "pad_token_id", pad_id)  # a model of several encoders has none of its own
    if known is None or hasattr(loaded.model, "score"):
        config.pad_token_id = pad_id


def fresh_body(loaded: Loaded) -> list[str]:
    """Weights of the pretrained body, not of the task's head, that start at random: a sign of a wrong model."""
    model = loaded.model
    prefix = "" if model.base_model is model else model.base_model_prefix + "."
    return [name for name in loaded.fresh if name.startswith(prefix) and "pooler." not in name]


@dataclass(frozen=True)
class LoadedTokenizer:
    """backend: what encodes, here and in serving. pad_id: fills batches up. wrapped: transformers' own object,
    for writing the files by which plain transformers loads the same tokenizer."""

    backend: Tokenizer
    pad_id: int
    wrapped: PreTrainedTokenizerBase


def load_tokenizer(folder: Path) -> LoadedTokenizer:
    """A fast tokenizer; a folder of an older kind (vocab.txt alone) is converted.

    Errors: ModelError where the folder has none.
    """
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        read_tokenizer(folder)  # raises, naming the file that is missing; the library would make up an empty one
    try:
        wrapped = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except Exception as error:
        what = t("has no usable tokenizer: {reason}", reason=str(error).strip().splitlines()[0][:200])
        raise ModelError.at(str(folder), what, t("fetch the model again"), code="bad-tokenizer") from error
    if not wrapped.is_fast:
        fix = t("choose a model with a {file}", file=FILE)
        raise ModelError.at(str(folder), t("has only a slow tokenizer"), fix, code="no-tokenizer")
    pad = wrapped.pad_token_id if wrapped.pad_token_id is not None else wrapped.eos_token_id
    return LoadedTokenizer(Tokenizer.from_str(wrapped.backend_tokenizer.to_str()), int(pad or 0), wrapped)
