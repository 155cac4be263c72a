"""After training: a temperature chosen on validation rows becomes part of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from luthier.calibrating.temperature import Fitted, fit_temperature
from luthier.codec import Codec
from luthier.language import t
from luthier.types import Batch, Example

if TYPE_CHECKING:  # the report of an exported model, which needs no torch, tells of it
    from torch import nn

FEWEST = 50
"""Validation rows: fewer tell too little of how sure is too sure."""
_ASKED = 8
_SAME = 1e-4

Asked = bool | Literal["auto"]


@dataclass(frozen=True)
class Calibration:
    """temperature: what the logits are divided by; 1 where nothing was changed. folded: into the head's weights, so
    that plain transformers is as sure; else the Codec does it. rows: of validation. before, after: nats a row,
    cross-validated; None where nothing was fitted. reason: in words."""

    temperature: float
    folded: bool
    rows: int
    before: float | None
    after: float | None
    reason: str

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def calibrate(
    model: nn.Module, codec: Codec, validation: Sequence[Example[Any, Any]], said: Sequence[Any], asked: Asked,
    *, device: str, seed: int,
) -> tuple[Codec, Calibration]:  # fmt: skip
    """Divides the logits of the trained model, in place where its head can take it; the Codec that comes back does it
    else. said: what the model says of the validation rows. asked: auto leaves a model alone that it would not help."""
    found = codec.task.temperature_nats(said, [example.answer for example in validation])
    rows = found[1] if found is not None else 0
    if found is None or (asked == "auto" and rows < FEWEST):
        reason = t("not calibrated: {rows} validation rows are too few (from {fewest} on, or train.calibrate=true)",
                   rows=rows, fewest=FEWEST)  # fmt: skip
        return codec, Calibration(1.0, True, rows, None, None, reason)
    fitted = fit_temperature(*found, seed)
    if asked == "auto" and not fitted.helps:
        reason = t("not calibrated: no temperature does better on held-out validation rows ({after:.4f} nats a row "
                   "against {before:.4f})", before=fitted.before, after=fitted.after)  # fmt: skip
        return codec, Calibration(1.0, True, rows, fitted.before, fitted.after, reason)
    windows = [group[0] for group in codec.encode([example.input for example in validation[:_ASKED]])]
    alike = [window for window in windows if window.arrays.keys() == windows[0].arrays.keys()]
    batch = codec.collate(alike).to(device)
    folded = _divided(model, batch, fitted.temperature)
    if not folded:
        codec = replace(codec, task=codec.task.with_temperature(fitted.temperature))
    return codec, Calibration(fitted.temperature, folded, rows, fitted.before, fitted.after, _told(fitted, rows))


def _told(fitted: Fitted, rows: int) -> str:
    was = t("it was too sure") if fitted.temperature > 1 else t("it was not sure enough")
    return t("calibrated: logits divided by {temperature:.2f}, for {was} ({before:.4f} nats a row became {after:.4f} "
             "on {rows} validation rows, cross-validated)",
             temperature=fitted.temperature, was=was, before=fitted.before, after=fitted.after, rows=rows)  # fmt: skip


def _divided(model: nn.Module, batch: Batch, temperature: float) -> bool:
    """Whether the head now gives the logits divided: asked before and after, since something may stand behind the
    layer. Where not, it is as it was."""
    import torch

    layer = _plain_layer(model)
    if layer is None:
        return False
    kept = [parameter.detach().clone() for parameter in layer.parameters()]
    model.eval()
    with torch.inference_mode():
        expected_BC = model(**batch.tensors).logits.float() / temperature
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.div_(temperature)
    with torch.inference_mode():
        found_BC = model(**batch.tensors).logits.float()
    if torch.allclose(found_BC, expected_BC, rtol=_SAME, atol=_SAME):
        return True
    with torch.no_grad():
        for parameter, value in zip(layer.parameters(), kept, strict=True):
            parameter.copy_(value)
    return False


def _plain_layer(model: nn.Module) -> Any:
    """The layer that makes the logits, where there is one of plain numbers."""
    from luthier.models.head import logits_layer, unwrapped

    layer = logits_layer(unwrapped(model))
    return layer if layer is not None and layer.weight.is_floating_point() else None
