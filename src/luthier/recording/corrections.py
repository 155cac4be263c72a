"""What a client says is right, as a row of labelled data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.errors import DataError, Place, shown
from luthier.formats.format import classes_of
from luthier.language import t
from luthier.task import AnyTask
from luthier.types import Example, Row


def corrected(task: AnyTask, sent: Any, label: Any, place: Place) -> tuple[dict[str, Any], Example[Any, Any]]:
    """The row under the task's own names of columns, and the example in it. sent: an input as POST /predict takes it.
    label: the answer's cell; where it takes several, an object with each under its column's name.

    Errors: DataError where they make no row, or for a label that the model does not have.
    """
    layout = task.format
    inputs = [column.name for column in layout.columns if not column.is_answer]
    answers = [column.name for column in layout.columns if column.is_answer]
    if not answers:
        what = t("{task} has no answers that could be corrected", task=task.name)
        raise DataError.at(place, what, t("use it for another task"), code="no-answers")
    if isinstance(sent, Mapping):
        row = dict(sent)
    elif isinstance(sent, (list, tuple)):
        row = dict(zip(inputs, sent, strict=False))
    else:
        row = {inputs[0]: sent}
    row |= dict(label) if isinstance(label, Mapping) else {answers[0]: label}
    example = layout.parse(Row(row, place))
    known = set(map(str, task.class_names()))
    unknown = [str(name) for name in classes_of(layout.stratum(example.answer)) if known and str(name) not in known]
    if unknown:
        names = ", ".join(map(shown, sorted(known)[:20]))
        fix = t("use one of {names}; for a new one train anew, with rows of it", names=names)
        raise DataError.at(place, t("the model has no label {name}", name=shown(unknown[0])), fix, code="unknown-label")
    return row, example
