"""Every key of the configuration with what it takes, its default and what it means: from the models and signatures by
which a configuration is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from pydantic import TypeAdapter

from luthier import catalog
from luthier.config.describe import config_schema
from luthier.config.meanings import meaning, named
from luthier.config.schema import NAME_KEYS, Settings
from luthier.config.settings import task_options
from luthier.language import language, t
from reference.tables import code, plain, table, value

_SECTIONS = ("data", "data.split", "train", "search", "distil")


def page() -> str:
    raw, told = Settings.model_json_schema(by_alias=True), config_schema()
    zh = language() == "zh"
    parts = [
        f"## {'最上层' if zh else 'At the top'}\n\n{table(_headers(), _top(told))}",
        *(f"## {name}\n\n{table(_headers(), _keys(raw, name))}" for name in _SECTIONS),
        f"## task\n\n{_choices('task', [catalog.AUTO, *catalog.task_names()])}",
        f"## tuning\n\n{_choices('tuning', catalog.tuning_names())}{_peft(zh)}",
        f"## balance\n\n{_choices('balance', [catalog.AUTO, *catalog.remedy_names()])}",
        f"## augment\n\n{_choices('augment', catalog.augmentation_names())}",
    ]
    return "\n".join(parts)


def _headers() -> tuple[str, ...]:
    return ("键", "取值", "默认", "含义") if language() == "zh" else ("key", "takes", "default", "what it means")


def _top(told: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    """The keys that stand for themselves, and the sections, each with a link to its table."""
    either = "名字，或一节" if language() == "zh" else "a name, or a section"
    for name, kind in told["properties"].items():
        if name in NAME_KEYS:
            yield f"[`{name}`](#{name})", either, value(kind["default"]), plain(meaning("", name))
        elif "$ref" not in kind:
            yield code(name), _takes(kind), value(kind.get("default")), plain(meaning("", name))


def _keys(raw: Mapping[str, Any], section: str) -> Iterable[tuple[str, ...]]:
    model: Any = Settings
    for part in section.split("."):
        model = model.model_fields[part].annotation
    for name, kind in raw["$defs"][model.__name__]["properties"].items():
        if "$ref" in kind:
            nested = f"{section}.{name}"
            yield f"[`{nested}`](#{nested.replace('.', '')})", "", "", ""
        else:
            wants = t(kind["wanted"]) if "wanted" in kind else _takes(kind)
            yield code(f"{section}.{name}"), plain(wants), value(kind.get("default")), plain(meaning(section, name))


def _choices(section: str, names: Iterable[str]) -> str:
    """A table of the names, then one of all their options."""
    rows, options = [], []
    for name in names:
        rows.append((code(f"{section}={name}"), plain(named(section, name))))
        for option, (kind, default) in _options(section, name).items():
            told = plain(meaning(section, name, option))
            options.append((code(f"{section}.{option}"), code(name), _takes(_schema(kind)), value(default), told))
    zh = language() == "zh"
    of = {"task": "任务", "tuning": "方法"}.get(section, "办法") if zh else {"task": "task"}.get(section, "method")
    first = table(("写法" if zh else "written", "是什么" if zh else "what it is"), rows)
    key, *others = _headers()
    return first + "\n" + table((key, of, *others), options) + "\n"


def _options(section: str, name: str) -> Mapping[str, tuple[Any, object]]:
    if section == "tuning":
        return catalog.tuning_options(name)
    if section == "balance":
        return catalog.remedy_options(name)
    if section == "augment":
        return catalog.augmentation_options(name)
    if name == catalog.AUTO:
        return {}
    kind = catalog.task(name)
    defaults = {field.name: _default(field) for field in fields(kind)}
    return {option: (hint, defaults[option]) for option, hint in task_options(kind).items()}


def _default(field: Field[Any]) -> object:
    made = field.default_factory() if field.default_factory is not MISSING else field.default
    return list(made) if isinstance(made, tuple) else made


def _schema(kind: Any) -> dict[str, Any]:
    """kind: a type, or one as it is written."""
    return TypeAdapter(eval(kind, {}) if isinstance(kind, str) else kind).json_schema()


def _takes(kind: Mapping[str, Any]) -> str:
    """A JSON Schema in words."""
    zh = language() == "zh"
    if "enum" in kind:
        return ", ".join(code(one) for one in kind["enum"])
    if "const" in kind:
        return code(kind["const"])
    if "anyOf" in kind:
        several = [_takes(one) for one in kind["anyOf"] if one.get("type") != "null"]
        return (" 或 " if zh else " or ").join(dict.fromkeys(several))
    words = {
        "string": ("a text", "文本"), "integer": ("a whole number", "整数"), "number": ("a number", "数"),
        "boolean": ("true or false", "true 或 false"), "array": ("a list", "列表"), "object": ("a section", "一节"),
    }  # fmt: skip
    return words[kind["type"]][zh]


def _peft(zh: bool) -> str:
    if zh:
        return "PEFT 的任何其他方法也可以按它的名字使用（`ia3`、`vera` 等），选项同其配置类。\n"
    return "Any other method of PEFT's goes by its own name (`ia3`, `vera` …), with the options of its configuration.\n"
