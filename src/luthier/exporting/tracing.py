"""A torch model to a graph of ONNX's, by torch.export: whatever number of texts, whatever length."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from luthier.errors import ModelError, first_line
from luthier.graphed import Graphed
from luthier.inference.predict import batches
from luthier.language import t
from luthier.types import Window

OPSET = 20
"""The newest that torch writes without converting (2.13 draws its graphs in 20); ONNX Runtime reads it since 1.17."""
_ROWS, _LEAST = 2, 4
"""Of the windows that are traced: a graph drawn from one text alone would hold for one text alone."""
_LARGEST = 1_900_000_000
"""Bytes in one file: protobuf ends at 2 GiB."""


def write_graph(predictor: Any, windows: Sequence[Window], path: Path) -> None:
    """windows: some of the model's inputs, to trace it with. Errors: ModelError for a model whose graph cannot be drawn
    so that it holds for all lengths."""
    task = predictor.codec.task
    assert isinstance(task, Graphed)
    arrays = predictor.codec.arrays(_sample(windows))
    length = arrays["input_ids"].shape[1]
    model = predictor.model.eval()
    names = list(arrays)
    traced = _Traced(model, task, names).eval()
    tensors = tuple(torch.from_numpy(array) for array in arrays.values())
    dynamic = torch.export.Dim.DYNAMIC
    shapes = [{0: dynamic, **({1: dynamic} if array.ndim > 1 and array.shape[1] == length else {})}
              for array in arrays.values()]  # fmt: skip
    with torch.inference_mode():
        outputs = list(task.outputs(model, dict(zip(names, tensors, strict=True))))
    try:
        with _silent(), torch.no_grad():
            program: Any = torch.onnx.export(
                traced, tensors, dynamo=True, opset_version=OPSET, input_names=names, output_names=outputs,
                dynamic_shapes=(tuple(shapes),), verbose=False,
            )  # fmt: skip
            _drop_unused(program.model.graph)
            heavy = sum(p.numel() * p.element_size() for p in model.parameters()) > _LARGEST
            program.save(str(path), external_data=heavy)
    except Exception as error:  # the library raises many kinds
        reason = first_line(error)
        what = t("its graph cannot be drawn: {reason}", reason=reason)
        fix = t("use --format merged, which every model has")
        raise ModelError.at(predictor.name, what, fix, code="no-graph") from error


class _Traced(nn.Module):
    """The model with what its task makes a graph of."""

    def __init__(self, model: nn.Module, task: Graphed, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self._task, self._names = model, task, tuple(names)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        said = self._task.outputs(self.model, dict(zip(self._names, tensors, strict=True)))
        return tuple(said.values())


def _sample(windows: Sequence[Window]) -> list[Window]:
    """Two windows of different lengths that go together, so that one is padded; the shorter ones are traced faster."""
    alike = max(batches(windows, 2**31), key=len)
    by_length = sorted((windows[i] for i in alike), key=len)
    long = next((i for i, window in enumerate(by_length) if len(window) >= _LEAST), len(by_length) - 1)
    chosen = by_length[max(0, long - 1) : long + 1]
    return (chosen * _ROWS)[:_ROWS] if len(chosen) < _ROWS else chosen


def _drop_unused(graph: Any) -> None:
    """Inputs that the model is not given, such as whose window it is."""
    used = [one for one in graph.inputs if one.uses()]
    graph.inputs.clear()
    graph.inputs.extend(used)


@contextmanager
def _silent() -> Iterator[None]:
    """The exporter speaks of its own inside."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
