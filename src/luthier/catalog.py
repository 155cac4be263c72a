"""What there is to choose from. A file in tasks/ is a task, a public function in tuning/methods.py is a method, one in
augmenting/methods.py an augmentation, one in balancing/remedies.py a remedy against imbalance: being there is the
registration. Likewise a file in exporting/formats/. Names are listed without importing torch."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import tasks
from luthier.errors import ConfigError, did_you_mean
from luthier.formats.known import full_name, readable_tasks
from luthier.language import t
from luthier.tuning.peft_methods import check_usable, peft_names, peft_options

if TYPE_CHECKING:
    from luthier.augmenting.method import Method
    from luthier.balancing.remedy import Remedy
    from luthier.task import AnyTask
    from luthier.tuning.parts import Tuned

_FORMS = "exporting/formats"
_METHODS, _AUGMENTATIONS, _REMEDIES = "tuning/methods.py", "augmenting/methods.py", "balancing/remedies.py"
AUTO = "auto"
"""The choice among the remedies, made on the data."""
SCRATCH = "scratch"
"""The tuning method that keeps nothing of what a model's folder holds, and needs no weights in it."""

FEW_SHOT = "few_shot"
"""The tuning method for a handful of rows of each class, whose epochs are so many steps of many rows at once."""


def task_names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(tasks.__path__))


def task(name: str) -> type[AnyTask]:
    """The Task subclass that tasks/<name>.py defines. Errors: ConfigError for an unknown name."""
    name = full_name(name)
    if name not in task_names() and name in readable_tasks():
        what = t("this version does not train the task '{name}' yet", name=name)
        fix = t("luthier check reads and checks such data; known: {names}", names=", ".join(task_names()))
        raise ConfigError.at("task", what, fix, code="unknown-choice")
    _check(t("task"), "task", name, task_names())
    from luthier.task import task_class

    return task_class(name)


def tuning_names() -> list[str]:
    return _function_names(_METHODS)


def tuning_method(name: str) -> Callable[..., Tuned]:
    """The function of that name in tuning/methods.py, or PEFT's method of that name. Errors: ConfigError for an unknown
    name."""
    if _is_peft(name):
        from luthier.tuning.peft_methods import peft_method

        return lambda model, **options: peft_method(name, model, options)
    return getattr(importlib.import_module("luthier.tuning.methods"), name)


def tuning_options(name: str) -> dict[str, tuple[Any, object]]:
    """A method's options: name to (type, as written or itself, default); of our own methods read without importing
    torch."""
    return peft_options(name) if _is_peft(name) else _options(_METHODS, name)


def _is_peft(name: str) -> bool:
    """Whether it is a method of PEFT's, not one of ours. Errors: ConfigError where it is neither."""
    if name in tuning_names():
        return False
    check_usable(name)
    own, others = tuning_names(), peft_names()
    if name in others:
        return True
    what = t("there is no {kind} '{name}'", kind=t("tuning method"), name=name)
    fix = did_you_mean(name, [*own, *others]) + "; " + t("known: {names}", names=", ".join(own))
    more = "; " + t("and PEFT's: {names}", names=", ".join(others)) if others else ""
    raise ConfigError.at("tuning.method", what, fix + more, code="unknown-choice")


def augmentation_names() -> list[str]:
    return sorted(_function_names(_AUGMENTATIONS))


def augmentation(name: str) -> Callable[..., Method | None]:
    """The function of that name in augmenting/methods.py. Errors: ConfigError for an unknown name."""
    _check(t("augmentation"), "augment.method", name, augmentation_names())
    return getattr(importlib.import_module("luthier.augmenting.methods"), name)


def augmentation_options(name: str) -> dict[str, tuple[str, object]]:
    """An augmentation's options: name to (type as written, default), read without importing torch."""
    _check(t("augmentation"), "augment.method", name, augmentation_names())
    return _options(_AUGMENTATIONS, name)


def remedy_names() -> list[str]:
    return sorted(_function_names(_REMEDIES))


def remedy(name: str) -> Callable[..., Remedy]:
    """The function of that name in balancing/remedies.py. Errors: ConfigError for an unknown name."""
    _check(t("remedy against imbalance"), "balance", name, [AUTO, *remedy_names()])
    return getattr(importlib.import_module("luthier.balancing.remedies"), name)


def remedy_options(name: str) -> dict[str, tuple[str, object]]:
    """A remedy's options: name to (type as written, default); the choice among all remedies has none."""
    _check(t("remedy against imbalance"), "balance", name, [AUTO, *remedy_names()])
    return {} if name == AUTO else _options(_REMEDIES, name)


def exporter_names() -> list[str]:
    """Files of exporting/formats/, - for _."""
    files = (Path(__file__).parent / _FORMS).glob("[!_]*.py")
    return sorted(file.stem.replace("_", "-") for file in files)


def exporter(name: str) -> Any:
    """The Exporter that exporting/formats/<name>.py defines, which is on a higher floor.

    Errors: ConfigError for an unknown name.
    """
    _check(t("form"), "--format", name, exporter_names())
    module = importlib.import_module(f"luthier.exporting.formats.{name.replace('-', '_')}")
    (found,) = (
        part for part in vars(module).values()
        if isinstance(part, type) and part.__module__ == module.__name__ and hasattr(part, "judge")
    )  # fmt: skip
    return found()


def _function_names(file: str) -> list[str]:
    """In the file's order, which goes from the usual to the special."""
    functions = (node for node in _source(file).body if isinstance(node, ast.FunctionDef))
    return [node.name for node in functions if not node.name.startswith("_")]


def _options(file: str, name: str) -> dict[str, tuple[str, object]]:
    (function,) = (node for node in _source(file).body if isinstance(node, ast.FunctionDef) and node.name == name)
    arguments = function.args
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {
        argument.arg: (ast.unparse(argument.annotation), ast.literal_eval(default))
        for argument, default in pairs
        if argument.annotation is not None and default is not None
    }


def _source(file: str) -> ast.Module:
    return ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8"))


def _check(kind: str, key: str, name: str, known: list[str]) -> None:
    if name not in known:
        what = t("there is no {kind} '{name}'", kind=kind, name=name)
        fix = did_you_mean(name, known) + "; " + t("known: {names}", names=", ".join(known))
        raise ConfigError.at(key, what, fix, code="unknown-choice")
