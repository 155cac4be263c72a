"""What stands around a model while it learns: the shortcuts that change no result, and where its dropout draws from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn

from luthier.codec import Codec
from luthier.models.first_position import first_position_only
from luthier.models.packing.attention import packed_attention
from luthier.runtime import KINDS, Runtime
from luthier.training.dropout import Noise, cheap_dropout
from luthier.training.frozen.vocabulary import trimmed_embedding
from luthier.training.gradient.compiled import compiled_layers
from luthier.training.gradient.narrow import narrow_frozen
from luthier.training.gradient.neftune import noisy_embeddings
from luthier.types import IDS, Example, LabelledWindow


@contextmanager
def as_it_learns(
    model: nn.Module,
    codec: Codec,
    windows: Sequence[LabelledWindow],
    validation: Sequence[Example[Any, Any]],
    runtime: Runtime,
    *,
    seed: int,
    packing: bool,
    neftune_alpha: float,
    any_token: bool,
    compiling: Callable[[str], None] | None = None,
) -> Iterator[Noise]:
    """Inside the block the model is as training has it. Yields where its dropout draws from.

    windows, validation: all that it will meet. any_token: whether it may meet other tokens than theirs. compiling: who
    is told about it where the layers are to be compiled; None leaves them as they are.
    """
    with ExitStack() as stack:
        noise = Noise(seed)
        if runtime.device == "cpu":  # on a GPU these cost more than they save
            if not any_token:
                seen = codec.encode(codec.task.questions(validation))
                met = [*(w.window for w in windows), *(window for group in seen for window in group)]
                arrays = [ids for window in met for name, ids in window.arrays.items() if name.endswith(IDS)]
                stack.enter_context(trimmed_embedding(model, arrays, codec.text.pad_id))
            noise = stack.enter_context(cheap_dropout(model, seed))
        if runtime.precision != "fp32":
            stack.enter_context(narrow_frozen(model, KINDS[runtime.precision]))
            if hasattr(model, "peft_config"):
                from peft.helpers import disable_input_dtype_casting

                stack.enter_context(disable_input_dtype_casting(model))  # autocast would only cast it back
        stack.enter_context(noisy_embeddings(model, noise, neftune_alpha))
        stack.enter_context(first_position_only(model))
        if packing:
            stack.enter_context(packed_attention(model, noise, max(map(len, windows), default=0)))
        if compiling is not None:
            stack.enter_context(compiled_layers(model, runtime, compiling, packing=packing))
        yield noise
