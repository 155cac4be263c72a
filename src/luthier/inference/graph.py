"""A model as a graph of ONNX's, answering through ONNX Runtime: neither torch nor transformers is needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from luthier.codec import Codec
from luthier.errors import ModelError
from luthier.extras import need
from luthier.graphed import Graphed
from luthier.inference.predict import answered
from luthier.inference.written import check_written
from luthier.language import t
from luthier.models.run import GRAPH
from luthier.types import Window


@dataclass(frozen=True)
class Graph:
    """session: of ONNX Runtime. inputs, outputs: their names. Called with arrays, of which it takes those it knows."""

    session: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __call__(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """arrays: [B, T, …] each. By name the outputs."""
        said = self.session.run(self.outputs, {name: arrays[name] for name in self.inputs})
        return dict(zip(self.outputs, said, strict=True))


def open_graph(folder: Path) -> Graph:
    """The graph in a folder that `luthier export` wrote.

    Errors: LuthierError without ONNX Runtime, ModelError for a file that is not as it was written.
    """
    runtime = need("onnxruntime")
    check_written(folder, GRAPH)
    return session_of(runtime, folder / GRAPH)


def session_of(runtime: Any, path: Path) -> Graph:
    """runtime: the module onnxruntime. Its threads are as many as the process may use cores, or as OMP_NUM_THREADS
    says. Errors: ModelError."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = thread_count()
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library raises many kinds
        what = t("cannot be loaded as {kind}: {reason}", kind="ONNX", reason=str(error).strip()[:200])
        raise ModelError.at(str(path), what, t("export it again"), code="bad-model") from None
    names = (tuple(one.name for one in ends) for ends in (session.get_inputs(), session.get_outputs()))
    return Graph(session, *names)


def predict_by_graph(
    model: Graph, codec: Codec, inputs: Sequence[Any], *, device: str = "cpu", max_tokens: int,
    done: Callable[[int], None] = lambda count: None,
) -> list[Any]:  # fmt: skip
    """As `predict` by a torch model. device: the processor alone."""
    task = codec.task
    assert isinstance(task, Graphed), f"{task.name} has no graph"

    def infer(windows: Sequence[Window]) -> Sequence[Any]:
        return task.read(model(codec.arrays(windows)), tuple(map(len, windows)))

    return answered(codec, inputs, infer, max_tokens=max_tokens, done=done)


def thread_count() -> int:
    """What OMP_NUM_THREADS says, as torch does; else as many as the process may use cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) else len(os.sched_getaffinity(0))
