"""ONNX with weights in eight bits: a quarter of the size, faster, and a little of the score."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.exporting.compare import loss_of, share_alike
from luthier.exporting.exporter import Done, Gate
from luthier.exporting.formats.onnx import Onnx
from luthier.exporting.original import Original
from luthier.inference.artifact import Predictor
from luthier.language import t
from luthier.models.run import GRAPH

_WHOLE = "whole.onnx"


class OnnxInt8(Onnx):
    """Dynamic quantisation: weights once, a scale a channel; activations as they come, a scale a tensor (Jacob et al.
    2018). Weights keep seven of the eight bits, so that 16-bit sums cannot overflow on processors without VNNI."""

    def write(self, original: Original, folder: Path) -> Mapping[str, Any]:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        facts = super().write(original, folder)
        whole = folder / _WHOLE
        (folder / GRAPH).rename(whole)
        level = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            quantize_dynamic(whole, folder / GRAPH, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        finally:
            logging.disable(level)
            for left in (whole, folder / f"{GRAPH}.data"):
                left.unlink(missing_ok=True)
        return {**facts, "quantisation": "dynamic, weights int8 per channel"}

    def judge(self, original: Original, exported: Predictor, folder: Path, max_loss: float, done: Done) -> Gate:
        predictions = exported.answers(original.examples, done)
        equal = share_alike(exported.codec.task, original.predictions, predictions)
        loss = loss_of(original, predictions)
        passed = loss.lost.high <= max_loss
        said = t("{metric} {before:.4f} → {after:.4f} on {rows} {part} rows: lost {lost:.4f} (95 % interval {low:+.4f} "
                 "to {high:+.4f}); {equal:.1%} of the rows have the same answer",
                 metric=loss.metric, before=loss.before, after=loss.after, rows=len(original.examples),
                 part=t(original.part), lost=loss.lost.value, low=loss.lost.low, high=loss.lost.high,
                 equal=equal)  # fmt: skip
        lost = loss.lost.high if math.isfinite(loss.lost.high) else 1.0
        asked = t("the interval may not reach above {bound:g}: judge on more validation rows, or allow "
                  "--max-loss {more:g}", bound=max_loss, more=math.ceil(lost * 1000) / 1000)  # fmt: skip
        return Gate(
            passed, said if passed else f"{said}; {asked}", equal, bound=max_loss, metric=loss.metric,
            before=loss.before, after=loss.after, lost=loss.lost,
        )  # fmt: skip
