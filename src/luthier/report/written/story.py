"""What report.json tells of texts that a model wrote: samples, what was forgotten, what was learnt by heart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from luthier.evaluation.baselines import Baseline, spread
from luthier.evaluation.written.forgetting import Forgetting
from luthier.evaluation.written.memory import Memory, memory_of
from luthier.formats.format import AnyFormat
from luthier.types import Example
from luthier.writer import Written

MOST_SAMPLES = 20
_UNTUNED = "untuned"

Examples = Sequence[Example[Any, Any]]


def written_story(
    layout: AnyFormat, examples: Examples, predictions: Sequence[Any], baselines: Sequence[Baseline],
    trained: Examples, forgotten: Forgetting | None,
) -> dict[str, Any]:  # fmt: skip
    """examples, predictions, baselines: of the rows that were judged. trained: what was learnt from. None for what
    there is not: a model that writes nothing has none of it."""
    written = [i for i, said in enumerate(predictions) if isinstance(said, Written) and said.text is not None]
    memory = _memory(layout, examples, predictions, written, trained) if written else None
    return {
        "general": forgotten.as_json() if forgotten else None,
        "memorised": memory.as_json() if memory else None,
        "samples": _samples(layout, examples, predictions, baselines, written) if written else None,
    }


def _memory(
    layout: AnyFormat, examples: Examples, predictions: Sequence[Written], written: Sequence[int], trained: Examples
) -> Memory | None:
    known = [text for example in trained if (text := layout.answer_text(example.answer))]
    if not known:
        return None
    said = [predictions[i].text or "" for i in written]
    right = [layout.answer_text(examples[i].answer) for i in written]
    return memory_of(said, right, known)


def _samples(
    layout: AnyFormat, examples: Examples, predictions: Sequence[Written], baselines: Sequence[Baseline],
    written: Sequence[int],
) -> dict[str, Any]:  # fmt: skip
    """Rows spread evenly over those that were answered, none of them picked; and how long all answers are."""
    untuned: Sequence[Any] = next((one.predictions for one in baselines if one.name == _UNTUNED), ())
    rows: list[dict[str, Any]] = []
    for i in spread(written, MOST_SAMPLES):
        said = predictions[i]
        rows.append({
            "line": examples[i].place.line,
            "asked": layout.told(examples[i].input),
            "reference": layout.answer_text(examples[i].answer),
            "tuned": said.text,
            "untuned": untuned[i].text if untuned else None,
            "tokens": said.tokens,
            "stopped": said.stopped,
        })  # fmt: skip
    lengths = [predictions[i].tokens for i in written]
    return {
        "answers": len(written),
        "stopped": sum(predictions[i].stopped for i in written) / len(written),
        "median_tokens": statistics.median(lengths),
        "longest_tokens": max(lengths),
        "rows": rows,
    }
