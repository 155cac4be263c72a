"""A model folder to a model and its tokenizer. No code from the folder is run and nothing is unpickled."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr
from contextvars import ContextVar
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.generation.configuration_utils import GenerationConfig

from luthier.errors import ModelError, first_line
from luthier.language import t
from luthier.models.find import has_weights
from luthier.models.own.mean_pooled import MEAN_POOLED
from luthier.models.run import GGUF
from luthier.text.tokenizer import FILE, read_tokenizer

if not logging.getLogger("luthier").isEnabledFor(logging.INFO):  # what it warns of is checked and said here
    transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


_TOKENIZER_FILES = (
    FILE, "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "tekken.json",
)  # fmt: skip

_PADS = (
    "<|pad|>", "<pad>", "[PAD]", "<|padding|>", "<|finetune_right_pad_id|>", "<|endoftext|>", "<unk>", "[UNK]",
)  # fmt: skip
"""What tokenizers call a token for filling up; then others that no text is made of."""
_LARGE = 2**32
"""Bytes of weights."""


@dataclass(frozen=True)
class Loaded:
    """A model in fp32. fresh: names of weights that were not in the folder and start at random."""

    model: PreTrainedModel
    fresh: tuple[str, ...]


def afresh(loaded: Loaded, seed: int) -> Loaded:
    """With all weights at random, as the model's make begins them, from the seed alone."""
    model: Any = loaded.model
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(seed)
        begun = type(model)(model.config)
    model.load_state_dict(begun.state_dict())
    return Loaded(model, ())


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
    """From a folder that holds no weights, as one of `luthier tokenizer`, a model of that make, all of it at random.

    seed: what the folder lacks depends on nothing else.

    Errors: ModelError where the folder holds no such model, or its weights are damaged.
    """
    try:
        loader = _loader(folder, auto_class)
        how = {**_straight(folder, device), **_more(loader, folder, head_options, device)}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if not has_weights(folder):
                return _untrained(folder, loader, head_options, device)
            told = (folder / GGUF).is_file()
            with redirect_stderr(StringIO()) if told else nullcontext():  # it draws a bar that nobody can switch off
                model, info = loader.from_pretrained(
                    str(folder),
                    dtype=torch.float32,
                    trust_remote_code=False,
                    local_files_only=True,
                    ignore_mismatched_sizes=True,
                    output_loading_info=True,
                    **({"gguf_file": GGUF} if told else {"use_safetensors": True}),
                    **head_options,
                    **how,
                )
    except Exception as error:  # the library raises many kinds, SafetensorError and RuntimeError among them
        reason = first_line(error)
        what = t("cannot be loaded as {kind}: {reason}", kind=auto_class, reason=reason)
        fix = t("is this the right kind of model, and its file whole?")
        raise ModelError.at(str(folder), what, fix, code="bad-model") from error
    mismatched = {key if isinstance(key, str) else key[0] for key in info["mismatched_keys"]}
    fresh = tuple(sorted(set(info["missing_keys"]) | mismatched))
    nn.Module.to(model, device)  # transformers' own `to` is the same, behind a decorator without types
    return Loaded(model, fresh)


def _untrained(folder: Path, loader: Any, head_options: Mapping[str, Any], device: str) -> Loaded:
    model = _of_config(folder, loader, head_options)
    if (folder / "generation_config.json").is_file() and hasattr(model, "generation_config"):
        model.generation_config = GenerationConfig.from_pretrained(str(folder))
    nn.Module.to(model.float(), device)
    return Loaded(model, tuple(name for name, _ in model.named_parameters()))


def _straight(folder: Path, device: str) -> Mapping[str, Any]:
    """Large models are widened on the GPU, and do not lie in the host's memory first."""
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return {"device_map": {"": device}} if device != "cpu" and size >= _LARGE else {}


def _more(loader: Any, folder: Path, head_options: Mapping[str, Any], device: str) -> Mapping[str, Any]:
    loading = _loading.get()
    if loading is None:
        return {}
    with torch.device("meta"):
        return loading(_of_config(folder, loader, head_options), device)


def _of_config(folder: Path, loader: Any, head_options: Mapping[str, Any]) -> Any:
    """A model of the folder's make and size, whose weights nobody has read."""
    kept = {"trust_remote_code": False, "local_files_only": True}
    config = transformers.AutoConfig.from_pretrained(str(folder), **kept, **head_options)
    return loader.from_config(config) if hasattr(loader, "from_config") else loader(config)


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

    @property
    def names(self) -> dict[str, str]:
        """Special tokens by what they are for, such as eos_token."""
        return {key: str(token) for key, token in self.wrapped.special_tokens_map.items() if isinstance(token, str)}

    @property
    def begins(self) -> bool:
        """Whether it puts the token that begins a sequence before a text by itself."""
        first = self.wrapped.bos_token_id
        return first is not None and self.backend.encode("a").ids[:1] == [first]

    def with_tokens(self, tokens: Sequence[str]) -> LoadedTokenizer:
        """A copy that knows these special tokens; new ones come behind all others."""
        known = self.backend.get_added_tokens_decoder().values()
        special = {token.content for token in known if token.special}
        missing = [token for token in tokens if token not in special]
        if not missing:
            return self
        wrapped = copy.deepcopy(self.wrapped)
        wrapped.add_special_tokens({"extra_special_tokens": missing}, replace_extra_special_tokens=False)
        return replace(self, backend=_backend(wrapped), wrapped=wrapped)

    def with_template(self, source: str) -> LoadedTokenizer:
        """A copy whose files say that conversations are written by this Jinja template."""
        own = self.wrapped.chat_template
        if source == (own.get("default") if isinstance(own, dict) else own):
            return self
        wrapped = copy.deepcopy(self.wrapped)
        wrapped.chat_template = source
        return replace(self, wrapped=wrapped)

    def padded_apart(self, ends: Sequence[int]) -> LoadedTokenizer:
        """A copy that fills up with another token than those with which something ends, where it has one that is made
        for it, or for nothing else."""
        pad = self.wrapped.pad_token_id
        if pad is not None and pad not in ends:
            return self
        ids = (self.backend.token_to_id(name) for name in _PADS)
        other = next((id for id in ids if id is not None and id not in ends), None)
        wrapped = copy.deepcopy(self.wrapped)
        wrapped.pad_token = self.backend.id_to_token(self.pad_id if other is None else other)
        return replace(self, pad_id=self.pad_id if other is None else other, wrapped=wrapped)


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
    return LoadedTokenizer(_backend(wrapped), int(pad or 0), wrapped)


def _backend(wrapped: PreTrainedTokenizerBase) -> Tokenizer:
    inner: Any = wrapped
    return Tokenizer.from_str(inner.backend_tokenizer.to_str())
