"""The entities that were found in a text, each as a claim: its words are of this type, and of no other or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from luthier.claims import LOG_ODDS, Claim, Outputs, log_odds
from luthier.formats.marked.spans import Entity
from luthier.tagging.reading import Reading
from luthier.tagging.scheme import Scheme
from luthier.tagging.words import first_tokens
from luthier.types import Window


def entity_claims(
    scheme: Scheme, prediction: Reading, windows: Sequence[Window],
    outputs: Callable[[Any, Mapping[str, Any]], Outputs],
) -> list[Claim]:  # fmt: skip
    """In the order of the text. The number is the mean over the first tokens of the entity's words, in the window that
    holds most of them. prediction: of the text as the windows were cut from it."""
    return [_claim(scheme, prediction.text, entity, windows, outputs) for entity, _ in prediction.entities]


def _claim(
    scheme: Scheme, text: str, entity: Entity, windows: Sequence[Window],
    outputs: Callable[[Any, Mapping[str, Any]], Outputs],
) -> Claim:  # fmt: skip
    held = [_tokens(window, entity) for window in windows]
    best = max(range(len(windows)), key=lambda i: len(held[i]))
    tokens = held[best].tolist()
    tags = [number for number, tag in enumerate(scheme.tags) if tag.partition("-")[2] == entity.label]

    def read(said: Outputs) -> Any:
        return log_odds(said["logits"][:, tokens], tags).mean(-1)

    name = f"{text[entity.start : entity.end]} = {entity.label}"
    return Claim(name, [windows[best]], outputs, read, LOG_ODDS)


def _tokens(window: Window, entity: Entity) -> np.ndarray:
    """Positions of the first tokens of the entity's words."""
    assert window.spans is not None
    first = first_tokens(window.spans)
    starts, ends = window.spans[first].T
    return first[(starts < entity.end) & (ends > entity.start)]
