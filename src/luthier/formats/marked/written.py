"""The ways in which people write the span of an entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.errors import DataError, Place, shown
from luthier.formats.marked.spans import Span
from luthier.language import t

_START = ("start", "start_offset", "begin", "start_idx", "from")
_END = ("end", "end_offset", "stop", "end_idx", "to")
_LABEL = ("label", "type", "entity", "entity_group", "tag", "labels", "class")
_SURFACE = ("text", "word", "surface", "mention", "value")


def is_clue(value: Any) -> bool:
    """Whether it is CLUENER's nesting: {"name": {"叶老桂": [[9, 11]]}}."""
    return isinstance(value, Mapping) and bool(value) and all(isinstance(held, Mapping) for held in value.values())


def read_clue(value: Mapping[str, Any], place: Place) -> list[Span]:
    """Types, then surfaces, then places with the last character included (Xu et al. 2020). Errors: DataError."""
    spans: list[Span] = []
    for label, surfaces in value.items():
        for surface, places in surfaces.items():
            for pair in places if isinstance(places, list) else [places]:
                if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_whole, pair))):
                    what = t("{value} is no entity", value=shown({surface: places}))
                    fix = t("write [first, last], counted in characters")
                    raise DataError.at(place, what, fix, code="entity-syntax")
                spans.append(Span(pair[0], pair[1] + 1, label, surface))
    return spans


def is_span(value: Any) -> bool:
    """Whether it is meant as one."""
    if isinstance(value, Mapping):
        return any(key in value for key in _START) and any(key in value for key in _END)
    return isinstance(value, (list, tuple)) and len(value) == 3 and _is_whole(value[0]) and isinstance(value[2], str)


def read_span(value: Any, place: Place) -> Span:
    """{"start": 0, "end": 5, "label": "PER"} under the usual names, with the text of it or without; or
    [0, 5, "PER"]. Errors: DataError."""
    if isinstance(value, Mapping):
        start, end, label, surface = (_first(value, names) for names in (_START, _END, _LABEL, _SURFACE))
    elif isinstance(value, (list, tuple)) and len(value) == 3:
        (start, end, label), surface = value, None
    else:
        start = end = label = surface = None
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    if not (isinstance(start, int) and isinstance(end, int) and isinstance(label, str) and label.strip()):
        what = t("{value} is no entity", value=shown(value))
        fix = t('write {"start": 0, "end": 5, "label": "PER"}, counted in characters')
        raise DataError.at(place, what, fix, code="entity-syntax")
    return Span(start, end, label, surface if isinstance(surface, str) else None)


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if name in value), None)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
