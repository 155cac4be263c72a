"""ONNX in fp32: the same answers, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from luthier.errors import ConfigError
from luthier.exporting.compare import apart, outputs_of, share_alike
from luthier.exporting.exporter import Done, Exporter, Gate
from luthier.exporting.original import Original
from luthier.graphed import Graphed
from luthier.inference.artifact import Predictor
from luthier.language import t
from luthier.models.run import GRAPH
from luthier.task import AnyTask

BOUND = 1e-4
"""Of the largest logit: sums in another order stay a hundred times below it in fp32, also in deep models; a mask that
is wrong or a position that is off does not."""


class Onnx(Exporter):
    needs: ClassVar[tuple[str, ...]] = ("torch", "transformers", "onnx", "onnxscript", "onnxruntime")

    def check(self, task: AnyTask, config: Mapping[str, Any], folder: Path) -> None:
        if not isinstance(task, Graphed):
            what = t("{task} writes token by token, which is no graph", task=task.name)
            raise ConfigError.at("--format", what, t("use --format merged or gguf"), code="conflict")
        if task.reads_with_torch:
            what = t("{task} reads images or sounds with a model that needs torch", task=task.name)
            raise ConfigError.at("--format", what, t("use --format merged"), code="conflict")

    def write(self, original: Original, folder: Path) -> Mapping[str, Any]:
        from luthier.exporting.tracing import OPSET, write_graph

        predictor = original.predictor
        windows = [window for group in predictor.codec.encode(original.inputs[:_SEEN]) for window in group]
        write_graph(predictor, windows, folder / GRAPH)
        return {"opset": OPSET}

    def judge(self, original: Original, exported: Predictor, folder: Path, max_loss: float, done: Done) -> Gate:
        found, _ = apart(original, outputs_of(exported), done)
        equal = share_alike(exported.codec.task, original.predictions, exported.answers(original.examples))
        passed = equal == 1 and found.within(BOUND)
        said = t("{equal:.1%} of {rows} {part} rows have the same answer, logits differ by {furthest:.1e} at most",
                 equal=equal, rows=len(original.examples), part=t(original.part), furthest=found.furthest)  # fmt: skip
        asked = t("100 % and at most {bound:g} of the largest logit are asked for", bound=BOUND)
        return Gate(passed, said if passed else f"{said}; {asked}", equal, found.furthest, BOUND)


_SEEN = 64
"""Inputs among which some are traced."""
