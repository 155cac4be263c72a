"""Which layout is it: by the task that is named, else by the columns."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from luthier import formats
from luthier.errors import ConfigError, did_you_mean
from luthier.formats.cells.columns import named
from luthier.formats.format import AnyFormat, Format
from luthier.language import t

_LONG_NAMES = {
    "text-classification": "classification", "sequence-classification": "classification",
    "sentence-pair-classification": "classification", "multi-label-classification": "multilabel",
    "token-classification": "ner", "question-answering": "question_answering", "sentence-similarity": "regression",
    "summarization": "seq2seq", "summarisation": "seq2seq", "translation": "seq2seq",
    "multi-task": "multitask", "text2text-generation": "seq2seq", "text-generation": "sft",
}  # fmt: skip
"""The hub's names of tasks."""


@cache
def all_formats() -> tuple[AnyFormat, ...]:
    """Every Format for the data of a task that a file of this folder defines, in the files' order."""
    found: list[AnyFormat] = []
    for module in pkgutil.walk_packages(formats.__path__, f"{formats.__name__}."):
        for part in vars(importlib.import_module(module.name)).values():
            own = isinstance(part, type) and part.__module__ == module.name
            if own and issubclass(part, Format) and hasattr(part, "tasks"):
                found.append(part())
    return tuple(found)


def full_name(name: str) -> str:
    """Ours for a task that may be called as at the hub."""
    return _LONG_NAMES.get(name, name)


def readable_tasks() -> list[str]:
    """Names of the tasks whose data can be read."""
    return sorted(name for layout in all_formats() for name in layout.tasks)


def format_of_task(name: str) -> AnyFormat:
    """Errors: ConfigError for a task that nobody knows."""
    known = {task: layout for layout in all_formats() for task in layout.tasks}
    if full_name(name) not in known:
        what = t("there is no {kind} '{name}'", kind=t("task"), name=name)
        raise ConfigError.at("task", what, did_you_mean(name, known), code="unknown-choice")
    return known[full_name(name)]


def guess_format(
    columns: Sequence[str], first: Sequence[Mapping[str, Any]], asked: Mapping[str, str] | None = None
) -> AnyFormat:
    """columns: the file's. first: the values of its first rows. asked: what the user said under data.columns, which
    only a format with such columns can be meant by.

    The format with the highest `likeness`, of several that are as like the one that knows more of the columns; text and
    label where none claims the rows.
    """
    ours = {theirs: name for name, theirs in (asked or {}).items()}
    renamed = [ours.get(name, name) for name in columns]
    rows = [{ours.get(name, name): value for name, value in row.items()} for row in first]
    possible = [form for form in all_formats() if {column.name for column in form.columns}.issuperset(asked or ())]
    scores = {layout: layout.likeness(renamed, rows) for layout in possible}
    known = {layout: sum(named(renamed, column) is not None for column in layout.columns) for layout in possible}
    best = max(scores, key=lambda layout: (scores[layout], known[layout]), default=None)
    return best if best is not None and scores[best] > 0 else format_of_task("classification")
