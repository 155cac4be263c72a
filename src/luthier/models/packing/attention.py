"""Several windows in one row of the model's input, none of which sees another: no token is padding.

The row says where windows begin by its position ids, which start again there. transformers would then build a mask of
T × T and multiply everything by everything; here attention takes each run of equally long windows by itself, so that
what lies outside is not masked but absent, and the cost is the sum of the squares of the lengths. Which keys a position
sees within its window (all, those before it, the last few) is what the model's own mask says. On a GPU in half
precision one kernel takes the whole row (Dao et al. 2022, FlashAttention over sequences of different lengths).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, sdpa_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from luthier.models.head import unwrapped
from luthier.models.packing import short

_NAME = "luthier_packed"
FLASH = "flash_attention"
"""How the names of the kernels begin that transformers itself hands the position ids to."""
_ENOUGH = 64
"""Positions that show whether a mask without a local rule is causal."""
_WIDEST = 256
"""Numbers of a head that torch's kernel for rows takes."""


@dataclass(eq=False)
class Row:
    """Where the windows of the present forward pass lie. lengths: of each, in order; none where it is no such row."""

    lengths: tuple[int, ...] = ()

    @property
    def runs(self) -> list[tuple[int, int]]:
        """(how many, how long) for each run of equally long windows."""
        return [(len(list(run)), length) for length, run in groupby(self.lengths)]


@dataclass(frozen=True, eq=False)
class Sight:
    """Stands where a model has its mask: what a position sees within its window. causal: all before it; else all,
    unless `seen` says which: bool [T, T] for the longest window, and so for the beginning of each."""

    runs: Sequence[tuple[int, int]]
    causal: bool
    seen: Tensor | None
    ends: Tensor = field(repr=False)
    """int32 [windows + 1]: where each begins, and the end."""
    most: int = 0
    """Tokens that no window is longer than."""

    @cached_property
    def _hidden(self) -> Tensor | None:
        if self.seen is None and not self.causal:
            return None
        size, device = max(length for _, length in self.runs), self.ends.device
        seen = torch.ones(size, size, dtype=torch.bool, device=device).tril() if self.seen is None else self.seen
        return torch.zeros(size, size, device=device).masked_fill(~seen, -torch.inf)

    def hidden(self, length: int) -> Tensor | None:
        """float32 [length, length]: -inf where a key of such a window is not seen; None where all are."""
        return None if self._hidden is None else self._hidden[:length, :length]


class Laid(Protocol):
    """What has to know how windows lie: dropout whose noise belongs to a window."""

    def lay(self, lengths: Sequence[int]) -> None:
        """The lengths of the row's windows, before each forward pass; none for other input."""

    def only(self, first: int, count: int) -> AbstractContextManager[None]:
        """Inside the block attention is given these windows of the row, each in a row of its own."""
        ...


def position_ids(lengths: Sequence[int]) -> Tensor:
    """Of windows of these lengths, one after another; int64 [1, T]."""
    return torch.cat([torch.arange(length) for length in lengths])[None]


@contextmanager
def packed_attention(model: nn.Module, laid: Laid | None = None, longest: int = 0) -> Iterator[None]:
    """Inside the block rows with position ids that start again are read window by window; other input as ever.

    longest: tokens of a window, where no window is longer, so that kernels are compiled but once.
    """
    row = Row()
    body = body_of(model)
    takes_cache = "use_cache" in inspect.signature(body.forward).parameters
    changed = configs_of(model, "_attn_implementation")
    inner = changed[0][1] if changed else "sdpa"

    def look(_: nn.Module, words: tuple[Any, ...], given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        row.lengths = _lengths(given)
        if laid is not None:
            laid.lay(row.lengths)
        # with a cache transformers no longer looks for where windows begin, and keeps what nobody reads
        return words, {**given, "use_cache": False} if row.lengths and takes_cache else given

    with ExitStack() as stack:
        stack.callback(body.register_forward_pre_hook(look, with_kwargs=True).remove)
        if not inner.startswith(FLASH):
            AttentionInterface.register(_NAME, _attention(inner, laid))
            AttentionMaskInterface.register(_NAME, _mask(row, inner, longest))
            for config, before in changed:
                config._attn_implementation = _NAME
                stack.callback(setattr, config, "_attn_implementation", before)
        yield


def body_of(model: Any) -> Any:
    """The part that reads token ids, inside PEFT's wrapper and below the head."""
    plain = unwrapped(model)
    return getattr(plain, "base_model", plain)


def configs_of(model: nn.Module, attribute: str) -> list[tuple[Any, str]]:
    """Each of the model's configurations, with its value of the attribute."""
    found = {id(part.config): part.config for part in model.modules() if hasattr(part, "config")}
    return [(config, getattr(config, attribute)) for config in found.values() if getattr(config, attribute, None)]


def _lengths(given: dict[str, Any]) -> tuple[int, ...]:
    """Of the windows of a row [1, T], by its position ids; none where it is no such row, or has one window alone."""
    ids = given.get("position_ids")
    if ids is None or given.get("attention_mask") is not None or ids.shape[0] != 1 or ids.ndim != 2:
        return ()
    starts = (ids[0].diff() != 1).nonzero()[:, 0] + 1
    ends = [0, *starts.tolist(), ids.shape[1]]
    return tuple(end - begin for begin, end in pairwise(ends)) if len(ends) > 2 else ()


def _mask(row: Row, inner: str, most: int) -> Any:
    """In place of the model's mask what a position sees within its window."""
    plain = ALL_MASK_ATTENTION_FUNCTIONS[inner]

    def make(*words: Any, **given: Any) -> Any:
        """As transformers calls it, with the model's rule as mask_function(window, head, position, key)."""
        size = sum(row.lengths)
        if not row.lengths or (given["q_length"], given["kv_length"]) != (size, size):
            return plain(*words, **given)
        begin = [sum(row.lengths[:i]) for i in range(len(row.lengths) + 1)]
        longest = max(row.lengths)
        offset = begin[row.lengths.index(longest)]
        local, odd = given.get("local_size"), given.get("use_vmap", False)
        tried = longest if odd or (local is not None and local < longest) else min(longest, _ENOUGH)
        given |= {"q_length": tried, "kv_length": tried, "q_offset": offset, "kv_offset": offset}
        given |= {"allow_is_causal_skip": False, "allow_is_bidirectional_skip": False, "attention_mask": None}
        seen = sdpa_mask(*words, **given)
        assert seen is not None  # nothing was allowed to be left out
        seen_TT = seen[0, 0]
        causal = bool(seen_TT.equal(torch.ones_like(seen_TT).tril()))
        usual = causal or bool(seen_TT.all())
        ends = torch.tensor(begin, dtype=torch.int32, device=seen.device)
        return Sight(row.runs, causal, None if usual else seen_TT, ends, max(longest, most))

    return make


def _attention(inner: str, laid: Laid | None) -> Any:
    """Attention of each run of windows by itself, as `inner` does it."""
    plain = ALL_ATTENTION_FUNCTIONS[inner]

    def attend(
        module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, dropout: float = 0.0,
        scaling: float | None = None, **given: Any,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """As transformers calls it: query, key, value [1, heads, T, d]. Returns [1, T, heads, d]."""
        if not isinstance(attention_mask, Sight):
            return plain(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **given)
        kind = _kernel_type(attention_mask, query, value) if _is_plain(dropout, given) else None
        if kind is not None:
            return _in_one(attention_mask, query.to(kind), key.to(kind), value.to(kind), scaling), None
        return uncompiled(module, attention_mask, query, key, value, dropout, scaling, given), None

    def by_runs(
        module: nn.Module, sight: Sight, query: Tensor, key: Tensor, value: Tensor, dropout: float,
        scaling: float | None, given: dict[str, Any],
    ) -> Tensor:  # fmt: skip
        whole = {**given, "dropout": dropout, "scaling": scaling, "is_causal": sight.causal}
        plainly = _is_plain(dropout, given)
        sizes = [count * length for count, length in sight.runs]
        split = zip(sight.runs, *(states.split(sizes, dim=2) for states in (query, key, value)), strict=True)
        said: list[Tensor] = []
        first = 0
        for (count, length), *parts in split:
            q, k, v = (states[0].unflatten(1, (count, length)).transpose(0, 1) for states in parts)
            seen = None if sight.seen is None else sight.seen[None, None, :length, :length]
            if plainly and short.fits(q, length):
                scale = q.shape[-1] ** -0.5 if scaling is None else scaling
                mixed = short.attend(q, k, v, sight.hidden(length), scale).transpose(1, 2)
            else:
                with laid.only(first, count) if laid is not None else nullcontext():
                    mixed, _ = plain(module, q, k, v, seen, **whole)
            said.append(mixed.flatten(0, 1))
            first += count
        return torch.cat(said)[None]

    uncompiled: Any = torch.compiler.disable(by_runs)  # every row has other runs
    return attend


def _is_plain(dropout: float, given: dict[str, Any]) -> bool:
    """Whether attention is nothing but a softmax of products."""
    return dropout == 0 and given.get("position_bias") is None


def _kernel_type(sight: Sight, query: Tensor, value: Tensor) -> torch.dtype | None:
    """In which torch's kernel on a GPU takes the whole row; None where it does not."""
    if not query.is_cuda or sight.seen is not None or not query.shape[-1] == value.shape[-1] <= _WIDEST:
        return None
    kind = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else query.dtype
    return kind if kind in (torch.float16, torch.bfloat16) else None


def _in_one(sight: Sight, query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> Tensor:
    """The whole row in one kernel."""
    from torch.nn.attention.varlen import varlen_attn

    q, k, v = (states[0].transpose(0, 1) for states in (query, key, value))
    if (shared := q.shape[1] // k.shape[1]) > 1:  # torch 2.11's kernel wants as many heads of keys as of queries
        k, v = (states.repeat_interleave(shared, dim=1) for states in (k, v))
    said = varlen_attn(
        q, k, v, sight.ends, sight.ends, sight.most, sight.most, scale=scaling,
        window_size=(-1, 0) if sight.causal else (-1, -1),
    )  # fmt: skip
    assert isinstance(said, Tensor)
    return said[None]
