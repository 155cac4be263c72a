"""Which tasks are parts of one, as a configuration names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from luthier.errors import ConfigError, Problem, did_you_mean, shown
from luthier.formats.known import full_name, readable_tasks
from luthier.formats.several.joint import INTENT, SLOTS
from luthier.language import t
from luthier.task import AnyTask, task_class

JOINT: Mapping[str, Mapping[str, Any]] = {INTENT: {"task": "classification"}, SLOTS: {"task": "ner"}}
"""The parts of rows that hold an intent and slots."""
DATA = ("train", "validation", "test", "columns")
"""Keys of a part that say what its data are; the others but `task` are the options of its own task."""
_HEADS = ("SequenceClassification", "TokenClassification", "QuestionAnswering")
_KEY = "task.tasks"


def make_parts(sections: Mapping[str, Mapping[str, Any]] | None) -> dict[str, AnyTask]:
    """The task of each part, with its options. None: intent and slots of the same rows.

    Errors: ConfigError for what is no task, cannot share an encoder, or does not fit together.
    """
    if sections is None:
        sections = JOINT
    if not sections:
        raise _error("", t("names no tasks"), t("write the name of each part, and under it its task and train"))
    made = {name: _make(name, section) for name, section in sections.items()}
    with_data = [name for name, section in sections.items() if section.get("train") is not None]
    if not with_data:
        kinds = {name: task.name for name, task in made.items()}
        wanted = {name: section["task"] for name, section in JOINT.items()}
        if kinds != wanted:
            what = t("tasks without data of their own read the same rows, which have an intent and slots")
            fix = t("give each its train: FILE, or name them so: {names}",
                    names=", ".join(f"{name}: {kind}" for name, kind in wanted.items()))  # fmt: skip
            raise _error("", what, fix)
    elif len(with_data) < len(sections):
        without = next(name for name in sections if name not in with_data)
        raise _error(without, t("has no data, and other tasks have"), t("add train: FILE"))
    return made


def data_of(section: Mapping[str, Any]) -> dict[str, Any]:
    """What a part says of its data."""
    return {key: section[key] for key in DATA if section.get(key) is not None}


def has_own_data(sections: Mapping[str, Mapping[str, Any]] | None) -> bool:
    return bool(sections) and all(section.get("train") is not None for section in (sections or {}).values())


def task_section(section: Mapping[str, Any]) -> dict[str, Any]:
    """A part as the section `task` of a run of its own."""
    options = {key: value for key, value in section.items() if key not in DATA and key != "task"}
    return {"name": full_name(str(section["task"])), **options}


def _make(name: str, section: Mapping[str, Any]) -> AnyTask:
    if not name.isidentifier() or name == "loss":
        what = t("is no name for a part: scores and answers stand under it")
        raise _error(name, what, t("use letters, digits and _"))
    if "task" not in section:
        raise _error(name, t("names no task"), t("add task: classification, or another"))
    written = str(section["task"])
    if full_name(written) not in readable_tasks():
        what = t("there is no {kind} '{name}'", kind=t("task"), name=written)
        raise _error(f"{name}.task", what, did_you_mean(written, readable_tasks()), "unknown-choice")
    kind = _kind(name, full_name(written))
    options = {key: value for key, value in task_section(section).items() if key != "name"}
    _check_options(name, kind, options)
    try:
        return kind(**options)
    except ConfigError as error:
        raise ConfigError(*(_below(name, problem) for problem in error.problems)) from None


def _kind(name: str, task: str) -> type[AnyTask]:
    try:
        kind = task_class(task)
    except ModuleNotFoundError:
        what = t("this version does not train the task '{name}' yet", name=task)
        raise _error(f"{name}.task", what, t("leave this part out"), "unknown-choice") from None
    if not kind.auto_class.endswith(_HEADS):
        what = t("the task '{name}' has a model of its own make and cannot share an encoder", name=task)
        raise _error(f"{name}.task", what, t("train it by itself"), "conflict")
    return kind


def _check_options(name: str, kind: type[AnyTask], options: Mapping[str, Any]) -> None:
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(kind)
    known = [f.name for f in fields(kind) if not f.metadata.get("learned")]
    for key, value in options.items():
        if key not in known:
            what = t("unknown setting '{key}'", key=f"{_KEY}.{name}.{key}")
            raise _error(name, what, did_you_mean(key, [*known, *DATA]), "unknown-key")
        try:
            TypeAdapter(hints[key]).validate_python(value, strict=not isinstance(value, int))
        except ValidationError:
            wanted = getattr(hints[key], "__name__", str(hints[key]))
            what = t("is {value}", value=shown(value))
            raise _error(f"{name}.{key}", what, t("it wants {wanted}", wanted=wanted), "bad-value") from None


def _below(name: str, problem: Problem) -> Problem:
    """A part's own error under the key at which the part is written."""
    key = problem.place.file.removeprefix("task.")
    return ConfigError.at(f"{_KEY}.{name}.{key}", problem.what, problem.fix, code=problem.code).problems[0]


def _error(where: str, what: str, fix: str, code: str = "bad-value") -> ConfigError:
    return ConfigError.at(f"{_KEY}.{where}" if where else _KEY, what, fix, code=code)


def check_weights(weights: Mapping[str, float], parts: Mapping[str, AnyTask]) -> None:
    """weights: of the losses, by the names of parts. Errors: ConfigError for a name or number that cannot be meant."""
    for name, weight in weights.items():
        if name not in parts:
            what = t("there is no part {name}", name=shown(name))
            raise ConfigError.at("task.weights", what, did_you_mean(name, parts), code="unknown-key")
        if not 0 <= weight < float("inf"):
            what = t("the weight of {name} is {value}", name=name, value=weight)
            raise ConfigError.at("task.weights", what, t("use a number from 0"), code="out-of-range")
