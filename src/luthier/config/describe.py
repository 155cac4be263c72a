"""The whole configuration as a JSON Schema, by which editors complete, explain and check a YAML file.

Made of what the settings themselves are checked by: the models of schema.py, the fields of the tasks, the arguments of
tuning methods, remedies and augmentations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from luthier import catalog
from luthier.config.meanings import meaning, named
from luthier.config.schema import LIST_KEYS, NAME_KEYS, Settings
from luthier.config.settings import task_options
from luthier.language import t

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_Options = Mapping[str, tuple[Any, object]]


def config_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a configuration file. A section that is chosen by a name may be the bare name, or a
    section with the name's own options beside it."""
    schema = _told(Settings.model_json_schema(by_alias=True))
    found = schema["properties"]
    found["task"] = _chosen("task", catalog.AUTO, _tasks())
    for key, default, names, options_of in (
        ("tuning", "full", catalog.tuning_names(), catalog.tuning_options),
        ("balance", catalog.AUTO, [catalog.AUTO, *catalog.remedy_names()], catalog.remedy_options),
        ("augment", "none", catalog.augmentation_names(), catalog.augmentation_options),
    ):
        found[key] = _chosen(key, default, _of_functions(names, options_of))
    found["tuning"]["anyOf"] += _of_peft(catalog.tuning_names())
    for keys in LIST_KEYS:
        inner = found if len(keys) == 1 else _properties(schema, keys[0])
        inner[keys[-1]] = {"anyOf": [{"type": "string"}, inner[keys[-1]]]}
    _explain(found, "")
    for section in (name for name, kind in found.items() if "$ref" in kind):
        _explain(_properties(schema, section), section)
    _explain(schema["$defs"]["SplitSettings"]["properties"], "data.split")
    return {"$schema": DIALECT, "title": "Luthier", **{k: v for k, v in schema.items() if k != "title"}}


def _properties(schema: dict[str, Any], section: str) -> dict[str, Any]:
    return schema["$defs"][getattr(Settings.model_fields[section].annotation, "__name__", "")]["properties"]


def _explain(settings: dict[str, Any], section: str) -> None:
    """Puts what each setting means before what it wants."""
    for name, kind in settings.items():
        means = meaning(section, name)
        wants = kind.pop("description", "") or next((one["description"] for one in _said_within(kind)), "")
        if means or wants:
            kind["description"] = f"{means} ({wants})" if means and wants else means or wants


def _said_within(kind: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in kind.get("anyOf", ()) if one.get("type") == "array" and "description" in one]


def _told(node: Any) -> Any:
    """What a setting wants in words as its description; no titles, which only repeat the names."""
    if isinstance(node, list):
        return [_told(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _told(value) for key, value in node.items() if key not in ("wanted", "title") or _is_name(value)}
    return kept | ({"description": t(node["wanted"])} if isinstance(node.get("wanted"), str) else {})


def _is_name(value: Any) -> bool:
    """Whether `title` or `wanted` is a setting's own name: its value then is a schema."""
    return isinstance(value, dict)


def _tasks() -> Iterable[tuple[str, dict[str, Any]]]:
    everything: dict[str, Any] = {}
    for name in catalog.task_names():
        options = {key: _typed(kind) for key, kind in task_options(catalog.task(name)).items()}
        for key, kind in options.items():
            known = everything.setdefault(key, kind)
            everything[key] = known if known == kind else {}
        yield name, options
    yield catalog.AUTO, everything


def _of_functions(names: Iterable[str], options_of: Callable[[str], _Options]) -> Iterable[tuple[str, dict[str, Any]]]:
    for name in names:
        yield name, {key: _typed(kind) | {"default": default} for key, (kind, default) in options_of(name).items()}


def _typed(kind: Any) -> dict[str, Any]:
    """kind: a type, or one as it is written."""
    return _told(TypeAdapter(eval(kind, {}) if isinstance(kind, str) else kind).json_schema())


def _chosen(key: str, default: str, choices: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """default: what a section is of that names nothing."""
    listed, name_key = list(choices), NAME_KEYS[key]
    sections = [
        {
            "type": "object",
            "description": named(key, name),
            "properties": {
                name_key: {"const": name},
                **{option: kind | _means(key, name, option) for option, kind in options.items()},
            },
            "required": [] if name == default else [name_key],
            "additionalProperties": False,
        }
        for name, options in listed
    ]
    return {"anyOf": [{"enum": [name for name, _ in listed]}, *sections], "default": default}


def _means(section: str, name: str, option: str) -> dict[str, str]:
    words = meaning(section, name, option)
    return {"description": words} if words else {}


def _of_peft(own: list[str]) -> list[dict[str, Any]]:
    """PEFT's methods, of which there are as many as the installed version has: any other name, with any options."""
    name = {"type": "string", "not": {"enum": own}}
    return [name, {"type": "object", "properties": {"method": name}, "required": ["method"]}]
