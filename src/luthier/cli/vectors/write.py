"""Vectors to a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.cli.console import Console
from luthier.errors import Problem
from luthier.language import t

if TYPE_CHECKING:
    from luthier.inference.artifact import Predictor


def write_vectors(predictor: Predictor, inputs: Iterable[Any], out: Path, screen: Console) -> list[Problem]:
    """A row an input, in order; NaN for one that cannot be read."""
    from luthier.files import disk_trouble
    from luthier.inference.stream import answer
    from luthier.production.indexing import as_vector, check_vectors
    from luthier.report.files.vectors import vector_file

    check_vectors(predictor)
    bad: list[Problem] = []
    with (
        disk_trouble(out.parent),
        vector_file(out) as write_row,
        screen.track(t("predicting"), float("inf")) as tracker,
    ):
        for item, prediction in answer(predictor, inputs, tracker.advance):
            if isinstance(item, Problem):
                bad.append(item)
                write_row(None)
            else:
                write_row(as_vector(predictor, prediction))
    return bad
