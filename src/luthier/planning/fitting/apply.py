"""Puts what was chosen into the user's own config file: only these keys change, comments and order stay."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.config.schema import NAME_KEYS
from luthier.files import disk_trouble, write_text


def apply(config: Path, values: Mapping[str, Any]) -> None:
    """values: by dotted key. A section that a name chooses is left with the name alone: its options were the former
    one's. Errors: StoppedError where the file cannot be written; it is then as it was."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes, yaml.width = True, 4096
    text = config.read_text(encoding="utf-8-sig")
    tree: Any = yaml.load(text)
    if tree is None:
        tree = yaml.map()
    for key, value in values.items():
        _set(tree, key, value)
    stream = io.StringIO()
    yaml.dump(tree, stream)
    with disk_trouble(config.parent):
        write_text(config, stream.getvalue())


def _set(tree: Any, key: str, value: Any) -> None:
    section, _, inner = key.partition(".")
    if not inner:
        tree[section] = value
    elif NAME_KEYS.get(section) == inner:
        held = tree.get(section)
        if isinstance(held, dict):
            for option in [name for name in held if name != inner]:
                del held[option]
            held[inner] = value
        else:
            tree[section] = value
    else:
        if tree.get(section) is None:
            tree[section] = {}
        tree[section][inner] = value
