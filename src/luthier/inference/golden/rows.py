"""golden.json in a model folder: rows of the evaluation with the answers that the model gave there.

Whoever loads the folder on another machine, with other versions of the libraries or after a copy that went wrong, asks
the model the same again. Texts that are written token by token are left out: where two tokens are about as likely,
another processor may take the other one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from luthier.errors import FindingError, LuthierError, ModelError, Place, shown
from luthier.files import write_text
from luthier.graphed import Graphed
from luthier.inference.artifact import Predictor
from luthier.language import t
from luthier.task import AnyTask
from luthier.types import Example, Row

FILE = "golden.json"
BOUND = 1e-3
"""How far a number of an answer may lie from the one that was evaluated; words are the same. Sums in another order move
scores by 0.00001, a wrong tokenizer or a damaged weight moves some by far more."""
_FORMAT = 1
_ROWS, _LONGEST = 8, 1000


def keep_golden(folder: Path, predictor: Predictor, examples: Sequence[Example[Any, Any]]) -> None:
    """Writes golden.json into a model folder, where its task has such rows. predictor: of that folder. examples: those
    of its evaluation."""
    rows = [
        {"asked": _row(predictor.codec.task, one), "said": _alone(predictor, one)}
        for one in _chosen(predictor.codec.task, examples)
    ]
    if rows:
        write_text(folder / FILE, json.dumps({"format": _FORMAT, "rows": rows}, ensure_ascii=False, indent=1))


def _alone(predictor: Predictor, example: Example[Any, Any]) -> Any:
    """What is said of the row when no other is asked about: the best of some passages hangs on which there are."""
    (said,) = predictor.answers([example])
    return json.loads(json.dumps(predictor.codec.task.show(said)))


def _chosen(task: AnyTask, examples: Sequence[Example[Any, Any]]) -> list[Example[Any, Any]]:
    """Some examples, from all over the data, that a file can hold: none of a task that writes, or needs
    more than the row."""
    if not isinstance(task, Graphed) or task.reads_with_torch:
        return []
    step = max(1, len(examples) // _ROWS)
    return [one for one in examples[::step] if _travels(task, one)][:_ROWS]


def check_golden(predictor: Predictor, folder: Path) -> int:
    """How many rows the model answered as it did when it was evaluated; 0 where the folder has none.

    Errors: FindingError where an answer is another one; ModelError for a file that is not as it was written.
    """
    path = folder / FILE
    if not path.is_file():
        return 0
    task = predictor.codec.task
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        examples = [task.format.parse(Row(row["asked"], Place(FILE, i))) for i, row in enumerate(rows, 1)]
        expected = [row["said"] for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, LuthierError) as error:
        what = t("{file} is not as it was written ({error})", file=FILE, error=type(error).__name__)
        raise ModelError.at(str(path), what, t("copy the folder again"), code="bad-golden") from None
    for number, (example, before) in enumerate(zip(examples, expected, strict=True), 1):
        now = _alone(predictor, example)
        if not same(now, before):
            what = t("the model answers row {number} with {now}; when it was evaluated it said {before}",
                     number=number, now=shown(json.dumps(now)), before=shown(json.dumps(before)))  # fmt: skip
            fix = t("copy the folder again, and install the versions of the run's environment.json")
            raise FindingError.at(str(path), what, fix, code="golden")
    return len(expected)


def same(one: Any, two: Any, bound: float = BOUND) -> bool:
    """Whether two answers have the same words in the same places and numbers within the bound."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(same(one[name], two[name], bound) for name in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(same(*pair, bound) for pair in zip(one, two, strict=True))
    if isinstance(one, float) or isinstance(two, float):
        return isinstance(one, (int, float)) and isinstance(two, (int, float)) and _near(one, two, bound)
    return bool(one == two)


def _near(one: float, two: float, bound: float) -> bool:
    return math.isclose(one, two, rel_tol=bound, abs_tol=bound)


def _row(task: AnyTask, example: Example[Any, Any]) -> dict[str, Any]:
    return task.format.as_row(example.input, example.answer)


def _travels(task: AnyTask, example: Example[Any, Any]) -> bool:
    """Whether the row, as JSON, is the same row again."""
    if len(task.format.plain_text(example.input)) > _LONGEST:
        return False
    try:
        row = json.loads(json.dumps(_row(task, example)))
        again = task.format.parse(Row(row, example.place, example.row))
    except (LuthierError, ValueError, TypeError, KeyError, NotImplementedError):
        return False
    return replace(again, mark=example.mark, group=example.group) == example
