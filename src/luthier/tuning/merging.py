"""An adapter becomes part of the weights, and what comes out is held against what was trained."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.initialization import no_init_weights

from luthier.errors import Place, Problem, StoppedError
from luthier.extras import need
from luthier.language import t
from luthier.tuning.parts import Ask

if TYPE_CHECKING:
    from peft import PeftModel

BOUND = 1e-3
"""Of the largest number that the model gives: sums in another order stay a hundred times below it in fp32, also in
deep models; a merge that forgets a scale, a transposition or a layer does not."""
NARROW_BOUND = 5e-2
"""The same where one of the two computed in half precision."""
_MOST_NUMBERS = 2**22
"""Kept of one answer: evenly picked where there are more."""


def merged(adapted: PeftModel, ask: Ask | None) -> PreTrainedModel:
    """The plain model, in fp32. A base in half precision or in four bits is widened first: an update added to rounded
    weights would be rounded away with them.

    Errors: StoppedError where states or logits differ by more than BOUND.
    """
    adapted.eval()
    before = _answers(adapted.get_base_model(), adapted, ask)
    wide = _widened(adapted)
    if wide is not None:
        narrow, before = before, _answers(wide.get_base_model(), wide.eval(), ask)
        _check(narrow, before, NARROW_BOUND)
    last = wide if wide is not None else adapted
    _take_heads(last.get_base_model())
    plain: Any = last.merge_and_unload()
    _check(before, _answers(plain, plain, ask), BOUND)
    return plain


def _take_heads(plain: nn.Module) -> None:
    """In place: what learned whole, instead of PEFT's wrapper of that and of what it was copied from. Some methods' own
    merge leaves the wrapper, some stumble over it."""
    from peft.utils import ModulesToSaveWrapper

    for name, part in list(plain.named_modules()):
        if isinstance(part, ModulesToSaveWrapper):
            above, _, last = name.rpartition(".")
            setattr(plain.get_submodule(above), last, part.modules_to_save[part.active_adapters[0]])


def _answers(plain: Any, model: nn.Module, ask: Ask | None) -> list[Tensor]:
    """What the body and the whole model gave while `ask` was using them, in order."""
    if ask is None:
        return []
    with _watched(plain) as given:
        ask(model)
    return given


@contextmanager
def _watched(plain: Any) -> Iterator[list[Tensor]]:
    given: list[Tensor] = []

    def keep(_: nn.Module, __: Any, said: Any) -> None:
        values = said.values() if isinstance(said, dict) else said if isinstance(said, tuple) else [said]
        for value in values:
            if isinstance(value, Tensor) and value.is_floating_point():
                flat = value.detach().flatten()
                given.append(flat[:: -(-len(flat) // _MOST_NUMBERS) or 1].float().cpu())

    parts = {id(part): part for part in (plain.base_model, plain)}
    hooks = [part.register_forward_hook(keep) for part in parts.values()]
    try:
        yield given
    finally:
        for hook in hooks:
            hook.remove()


def _check(before: list[Tensor], after: list[Tensor], bound: float) -> None:
    for a, b in zip(before, after, strict=True):
        if not a.numel():
            continue
        apart, largest = float((a - b).abs().max()), float(a.abs().max())
        if not apart <= bound * max(largest, 1e-6):
            what = t("after merging the model answers otherwise than it was trained: numbers of up to {largest:.3g} "
                     "differ by up to {apart:.3g}, more than {bound:g} of them", largest=largest, apart=apart,
                     bound=bound)  # fmt: skip
            fix = t("nothing was lost: the adapter lies in the run's adapter/ folder, for PEFT to load; or train with "
                    "tuning.method=lora")  # fmt: skip
            raise StoppedError(Problem(Place("tuning.method"), what, fix, "merge-differs"))


def _widened(adapted: PeftModel) -> PeftModel | None:
    """With a base in fp32; None where it was."""
    plain: Any = adapted.get_base_model()
    if any(getattr(p, "quant_state", None) is not None for p in plain.parameters()):
        return _from_four_bits(adapted)
    if any(p.is_floating_point() and p.dtype != torch.float32 for p in plain.parameters()):
        return adapted.float()
    return None


def _from_four_bits(adapted: PeftModel) -> PeftModel:
    """The same adapter on a model of the same make in fp32 with the numbers that the four bits stand for."""
    from peft import PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    config: Any = copy.deepcopy(adapted.peft_config["default"])
    learned = {name: value.detach().cpu() for name, value in get_peft_model_state_dict(adapted).items()}
    narrow: Any = adapted.unload()
    made = copy.deepcopy(narrow.config)
    if hasattr(made, "quantization_config"):
        del made.quantization_config
    with no_init_weights():
        wide = type(narrow)(made)
    wide.tie_weights()
    narrow_values = {**dict(narrow.named_parameters()), **dict(narrow.named_buffers())}
    with torch.no_grad():
        for name, value in [*wide.named_parameters(), *wide.named_buffers()]:
            turned = type(wide.get_submodule(name.rpartition(".")[0])).__name__ == "Conv1D"
            value.copy_(_dequantised(narrow_values[name], turned))
    config.inference_mode = False
    again = get_peft_model(wide, config)
    assert isinstance(again, PeftModel)
    set_peft_model_state_dict(again, learned)
    return again


def _dequantised(value: Tensor, turned: bool) -> Tensor:
    """fp32 on the CPU. turned: for a Conv1D, whose four bits lie the other way round, as a linear layer's do."""
    state = getattr(value, "quant_state", None)
    if state is not None:
        value = need("bitsandbytes.functional").dequantize_4bit(value.data, state)
        value = value.t() if turned else value
    return value.detach().float().cpu()
