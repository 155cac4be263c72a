"""YAML whose every value remembers its place. Nothing in it runs: tags, aliases without end and second documents are
refused before a value is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from luthier.config.schema import WORD_KEYS
from luthier.errors import ConfigError, DataError, Place, shown
from luthier.language import t
from luthier.reading.source import find_source

_MOST_NODES = 10_000
_MOST_BYTES = 4 * 2**20
_PLAIN_TAGS = {"str", "int", "float", "bool", "null", "map", "seq"}
COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Located:
    """value: a scalar, list[Located] or dict[str, Located]. place: where it was written. written: how, where the
    value is a number, true or false."""

    value: Any
    place: Place
    written: str | None = None

    def section(self) -> dict[str, Located]:
        """Errors: ConfigError where the value is no section."""
        if not isinstance(self.value, dict):
            what = t("{value} is no section", value=shown(self.value))
            raise ConfigError.at(self.place, what, t("write 'key: value' lines under it"), code="not-a-section")
        return self.value

    def plain(self) -> Any:
        """The value without its places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if isinstance(self.value, list) else self.value

    def find(self, path: Sequence[str | int]) -> Located:
        """The node at a path, or the deepest one on the way to it."""
        node = self
        for key in path:
            inside = node.value
            children: dict[Any, Located] = {}
            if isinstance(inside, dict):
                children = inside
            elif isinstance(inside, list):
                children = dict(enumerate(inside))
            if key not in children:
                break
            node = children[key]
        return node


def read_file(path: Path) -> Located:
    """Errors: DataError for a file that is not there, ConfigError for one that is no plain YAML section."""
    try:
        source = find_source(path, max_bytes=_MOST_BYTES)
    except DataError as error:
        raise ConfigError(*error.problems) from None
    if path.stat().st_size > _MOST_BYTES:
        raise ConfigError.at(
            str(path), t("is too large for a configuration"), t("is it the data file?"), code="bad-yaml"
        )
    try:
        with source.open_text() as file:
            text = file.read()
    except UnicodeError as error:
        raise ConfigError(*source.undecodable(error).problems) from None
    return parse(text, lambda line, column: Place(str(path), line, column))


def parse(text: str, where: Callable[[int, int], Place]) -> Located:
    """where: from line and column, both from 1, to a place."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = where(mark.line + 1, mark.column + 1) if mark else where(1, 1)
        what = t("is not YAML: {error}", error=error.problem or error.context)
        raise ConfigError.at(place, what, t("mend this line"), code="bad-yaml") from None
    except (YAMLError, ValueError, RecursionError) as error:
        what = t("is not YAML: {error}", error=str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise ConfigError.at(where(1, 1), what, t("mend this file"), code="bad-yaml") from None
    if node is None:
        return Located({}, where(1, 1))
    return _Locator(where, yaml).locate(node, ())


def override(root: Located, written: str) -> Located:
    """A copy of the tree with "train.epochs=5" set; the part after = is YAML. Sections on the way are made.

    Errors: ConfigError naming the override as typed.
    """
    place = Place(f"{COMMAND_LINE}: {written}")
    path, equals, text = written.partition("=")
    if not equals or not path.strip():
        if os.path.lexists(written):
            what = t("is a further file")
            fix = t("""name several in quotes ('data/*.csv') or as a list: 'data.train=[a.csv, b.csv]'""")
            raise ConfigError.at(place, what, fix, code="bad-override")
        fix = t("write for example train.epochs=5")
        raise ConfigError.at(place, t("is not key=value"), fix, code="bad-override")
    try:
        value = parse(text, lambda line, column: place)
    except ConfigError:
        value = Located(text, place)  # such as a file name with a colon: the text itself
    if isinstance(value.value, dict) and value.value and all(node.value is None for node in value.value.values()):
        value = Located(text, place) if not text.lstrip().startswith("{") else value  # task.prefix=summarize:
    if not text.strip():
        value = Located(None, place)
    return replaced(root, keys_of(path.strip()), replace(value, place=place))


def keys_of(path: str) -> list[str]:
    """A dotted path as its keys; what stands under a section of the user's own words is one of these, dots and all."""
    for section in WORD_KEYS:
        if path.startswith(f"{section}."):
            return [*section.split("."), path.removeprefix(f"{section}.")]
    return path.split(".")


def replaced(node: Located, keys: Sequence[str], value: Located) -> Located:
    """A copy of the tree with one value set. A bare name on the way, such as `task: classification`, becomes a
    section under the key "", so that options can be set beside it."""
    if not keys:
        return value
    section = node.value if isinstance(node.value, dict) else {} if node.value is None else {"": node}
    below = section.get(keys[0], Located({}, value.place))
    return Located({**section, keys[0]: replaced(below, keys[1:], value)}, node.place)


def located(value: Any, place: Place) -> Located:
    """A program's value as if it had been written at `place`."""
    if isinstance(value, Mapping):
        return Located({str(k): located(v, Place(f"{place.file}.{k}")) for k, v in value.items()}, place)
    if isinstance(value, (list, tuple)):
        return Located([located(v, place) for v in value], place)
    written = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    return Located(str(value) if isinstance(value, Path) else value, place, written)


class _Locator:
    """Nodes of ruamel to Located, counted so that aliases cannot multiply without end."""

    def __init__(self, where: Callable[[int, int], Place], yaml: Any) -> None:
        self._where, self._constructor, self._count = where, yaml.constructor, 0

    def locate(self, node: Any, above: tuple[int, ...]) -> Located:
        place = self._place(node)
        self._count += 1
        if self._count > _MOST_NODES:
            what = t("has more than {most} values", most=_MOST_NODES)
            raise ConfigError.at(place, what, t("write it without aliases"), code="bad-yaml")
        if id(node) in above:
            raise ConfigError.at(place, t("contains itself"), t("write it without aliases"), code="bad-yaml")
        tag = node.tag if isinstance(node.tag, str) else str(node.tag)
        kind = tag.removeprefix("tag:yaml.org,2002:")
        if kind == "timestamp":
            return Located(node.value, place)  # a date is text here
        if kind not in _PLAIN_TAGS:
            what = t("the tag {tag} is not allowed", tag=shown(tag))
            raise ConfigError.at(place, what, t("write plain values"), code="bad-yaml")
        inner = (*above, id(node))
        if kind == "seq":
            return Located([self.locate(item, inner) for item in node.value], place)
        if kind == "map":
            return Located(self._mapping(node, inner), place)
        return Located(self._scalar(node, kind), place, node.value if kind in ("int", "float", "bool") else None)

    def _mapping(self, node: Any, above: tuple[int, ...]) -> dict[str, Located]:
        section: dict[str, Located] = {}
        for key, value in node.value:
            place = self._place(key)
            name = str(key.value)
            if name in section:
                what = t("{key} stands here a second time", key=shown(name))
                raise ConfigError.at(place, what, t("keep one of the two"), code="duplicate-key")
            # a key's place, not its value's: a section's value starts one line further down
            section[name] = replace(self.locate(value, above), place=place)
        return section

    def _scalar(self, node: Any, kind: str) -> Any:
        if kind == "str":
            return node.value
        try:
            return self._constructor.construct_object(node)
        except ValueError:
            return node.value

    def _place(self, node: Any) -> Place:
        return self._where(node.start_mark.line + 1, node.start_mark.column + 1)
