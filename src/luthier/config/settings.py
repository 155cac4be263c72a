"""A located tree to checked settings. Every mistake is told at once, each with its place and the nearest right name.

The models of schema.py, the fields of a task and the keyword arguments of a tuning method, a remedy against imbalance
or an augmentation are the schema; there is no other list of settings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from luthier import catalog
from luthier.config.conflicts import conflicts, without_teacher
from luthier.config.located import COMMAND_LINE, Located, keys_of, located, override, read_file, replaced
from luthier.config.names import FIRST_KEYS, right_name, right_option
from luthier.config.schema import LIST_KEYS, NAME_KEYS, WORD_KEYS, Section, Settings
from luthier.data.columns import quoted
from luthier.errors import ConfigError, Place, Problem, nearest_name, shown
from luthier.formats.known import full_name, readable_tasks
from luthier.language import t


def read_settings(
    config: Path | None, overrides: Sequence[str] = (), values: Mapping[str, Any] | None = None
) -> Located:
    """What the user wrote, with its places. config: a YAML file, or None. values: further ones as a program's
    values, by dotted key. overrides: "train.epochs=5" and the like; they win over both, the later over the earlier, so
    that a remedy pasted behind a command takes effect whatever stands before it. Errors: ConfigError."""
    root = read_file(config) if config else Located({}, Place(COMMAND_LINE))
    for key, value in (values or {}).items():
        root = replaced(root, keys_of(key), located(value, Place(key)))
    for written in overrides:
        root = override(root, written)
    return _texts(root)


def _texts(root: Located) -> Located:
    """Where a setting wants a text, a number is the text that was written: a column may be called 1 or 007."""
    try:
        Settings.model_validate(opened(root).plain())
    except ValidationError as error:
        for item in error.errors(include_url=False):
            path = _path(item)
            node = root.find(path)
            if item["type"] == "string_type" and node.written is not None:
                root = replaced(root, path, Located(node.written, node.place))
    return root


def load_settings(
    config: Path | None, overrides: Sequence[str] = (), values: Mapping[str, Any] | None = None
) -> Settings:
    """`read_settings`, checked. Errors: ConfigError with all that is wrong."""
    return check_settings(read_settings(config, overrides, values))


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested sections as dotted keys."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and prefix + key not in WORD_KEYS:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def check_settings(root: Located) -> Settings:
    root = opened(root)
    section = root.section()
    problems: list[Problem] = []
    try:
        settings = Settings.model_validate(root.plain())
    except ValidationError as error:
        problems += [_problem(root, item) for item in error.errors(include_url=False)]
        settings = None
    problems += _check_task(section.get("task"))
    for key, default, names, options in _FUNCTIONS:
        problems += _check_function(key, section.get(key), default, names, options)
    problems += conflicts(root, settings.data) if settings else []
    problems += without_teacher(root) if settings and settings.distil.teacher is None else []
    if problems or settings is None:
        unique = {(str(p.place), p.what): p for p in problems}
        raise ConfigError(*unique.values())
    return settings


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """All keys with their sections: train.epochs …"""
    names: list[str] = []
    for name, info in model.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            names += known_keys(inner, f"{prefix}{name}.")
        else:
            names.append(prefix + (info.alias or name))
    return names


def opened(root: Located) -> Located:
    """With `task: classification`, which is short for `task: {name: classification}`, written out; and with
    `clean: html, whitespace` as the list that it stands for."""
    section = {key: _opened(NAME_KEYS.get(key), node) for key, node in root.section().items()}
    root = Located(section, root.place)
    for keys in LIST_KEYS:
        above = root.find(keys[:-1])
        node = above.value.get(keys[-1]) if isinstance(above.value, dict) else None
        if node is not None and (node.value is None or isinstance(node.value, str)):
            words = [word.strip() for word in (node.value or "").split(",")]
            root = replaced(root, keys, Located([Located(word, node.place) for word in words if word], node.place))
    return root


def _opened(name_key: str | None, node: Located) -> Located:
    if name_key is None:
        return node
    if not isinstance(node.value, dict):
        return Located({name_key: node}, node.place)
    if "" in node.value:  # a bare name to which an override added options
        rest = {name: inner for name, inner in node.value.items() if name != ""}
        return Located({name_key: node.value[""], **rest}, node.place)
    return node


def _problem(root: Located, item: Any) -> Problem:
    """One of pydantic's findings in our words."""
    path = _path(item)
    node, dotted = root.find(path), ".".join(map(str, path))
    if item["type"] == "extra_forbidden":
        what = t("unknown setting '{key}'", key=dotted)
        return Problem(node.place, what, right_name(dotted, known_keys()), "unknown-key")
    if item["type"] in ("model_type", "dict_type", "model_attributes_type"):
        what = t("{key} is {value}, no section", key=dotted, value=shown(node.plain()))
        fix = t("write 'key: value' lines under it")
        if dotted in WORD_KEYS:
            fix = t("it wants {wanted}", wanted=t(_wanted(path)))
        if dotted in FIRST_KEYS and isinstance(node.value, (str, int, float)):
            value = quoted(node.written or str(node.value))
            fix = t("write 'key: value' lines under it, or {setting}", setting=f"{dotted}.{FIRST_KEYS[dotted]}={value}")
        return Problem(node.place, what, fix, "not-a-section")
    wanted = _wanted(path)
    what = t("{key} is {value}", key=dotted, value=shown(node.plain()))
    choices = [word.strip() for word in wanted.replace(" or ", ",").split(",")]
    near = nearest_name(str(node.value), choices) if isinstance(node.value, str) else None
    hint = t("did you mean '{name}'?", name=near) + " " if near and near != node.value else ""
    return Problem(node.place, what, hint + t("it wants {wanted}", wanted=t(wanted)), "bad-value")


def _path(item: Any) -> list[Any]:
    """Of one of pydantic's findings the keys, from the outermost."""
    return [part for part in item["loc"] if not _is_branch(part)]


def _is_branch(part: Any) -> bool:
    """Pydantic puts the branch of a union into the path; it is no key of ours."""
    if not isinstance(part, str):
        return False
    kinds = ("int", "float", "bool", "str", "[key]", "constrained-int", "constrained-float")
    return part in kinds or "[" in part or "'" in part


def _wanted(path: Sequence[Any]) -> str:
    model: Any = Settings
    info = None
    for part in path:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            break
        known = {field.alias or name: field for name, field in model.model_fields.items()}
        if part not in known:
            break
        info = known[str(part)]
        model = info.annotation
    extra = info.json_schema_extra if info else None
    return str(extra.get("wanted", "…")) if isinstance(extra, dict) else t("a text")


def _check_task(node: Located | None) -> list[Problem]:
    if node is None:
        return []
    name = node.section().get("name")
    if name is None or name.value == "auto":
        kind = _any_with(set(node.section()) - {"name"})
    else:
        if full_name(str(name.value)) in set(readable_tasks()) - set(catalog.task_names()):
            return []  # its data can be checked; to train it is refused where that is asked for
        try:
            kind = catalog.task(str(name.value))
        except ConfigError as error:
            return _at(name.place, error)
    return _check_options("task", node, "name", task_options(kind)) or _check_ranges(kind, node)


def task_options(kind: type[Any]) -> dict[str, Any]:
    """What may be set of a task: name to type."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind) if not f.metadata.get("learned")}


def _any_with(names: set[str]) -> type[Any]:
    """While the task is still to be told by the data: one that has all these options, so that they can be set before;
    classification where none has."""
    usual = catalog.task("classification")
    if names <= set(task_options(usual)):
        return usual
    return next((kind for kind in map(catalog.task, catalog.task_names()) if names <= set(task_options(kind))), usual)


def _check_ranges(kind: type[Any], node: Located) -> list[Problem]:
    """What a task itself says of its options, at the place of the option that it names."""
    written = {key: value for key, value in node.section().items() if key != "name"}
    try:
        kind(**{key: value.plain() for key, value in written.items()})
    except ConfigError as error:
        named = [(p, written.get(p.place.file.rpartition(".")[2], node)) for p in error.problems]
        return [Problem(at.place, f"{p.place.file} {p.what}", p.fix, p.code) for p, at in named]
    return []


_OptionsOf = Callable[[str], Mapping[str, tuple[Any, object]]]
_FUNCTIONS: tuple[tuple[str, str, Callable[[], list[str]], _OptionsOf], ...] = (
    ("tuning", "full", catalog.tuning_names, catalog.tuning_options),
    ("augment", "none", catalog.augmentation_names, catalog.augmentation_options),
    ("balance", catalog.AUTO, catalog.remedy_names, catalog.remedy_options),
)
"""Sections that name a function: the section, the function where none is named, all of them, the options of one."""


def _check_function(
    key: str, node: Located | None, default: str, names: Callable[[], list[str]], options_of: _OptionsOf
) -> list[Problem]:
    """A section that names a function under `method` and gives its keyword arguments beside it."""
    if node is None:
        return []
    name = node.section().get("method")
    try:
        found = options_of(default if name is None else str(name.value))
        options = {option: eval(kind, {}) if isinstance(kind, str) else kind for option, (kind, _) in found.items()}
    except ConfigError as error:
        return _at(name.place if name else node.place, error)
    return _check_options(key, node, "method", options, {f"{key}.method={name}": options_of(name) for name in names()})


def _check_options(
    key: str,
    node: Located,
    name_key: str,
    options: Mapping[str, Any],
    owners: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[Problem]:
    """owners: words that choose another method, each with its options."""
    problems: list[Problem] = []
    for name, value in node.section().items():
        if name == name_key:
            continue
        if name not in options:
            owner = node.section().get(name_key)
            what = t("unknown setting '{key}'", key=f"{key}.{name}")
            if owner is not None:
                what += " " + t("for {owner}", owner=shown(owner.value))
            fix = right_option(key, name, options, owners)
            problems.append(Problem(value.place, what, fix, "unknown-key"))
            continue
        try:
            TypeAdapter(options[name]).validate_python(value.plain(), strict=not isinstance(value.value, int))
        except ValidationError:
            what = t("{key} is {value}", key=f"{key}.{name}", value=shown(value.plain()))
            kind = getattr(options[name], "__name__", str(options[name]))
            problems.append(Problem(value.place, what, t("it wants {wanted}", wanted=kind), "bad-value"))
    return problems


def _at(place: Place, error: ConfigError) -> list[Problem]:
    return [Problem(place, p.what, p.fix, p.code) for p in error.problems]
