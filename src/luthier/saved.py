"""What is kept of a frozen dataclass whose plain fields a user may set and whose other fields are learned."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


def learned(default: Any = ()) -> Any:
    """A field that is filled from the training data; no YAML option."""
    return dataclasses.field(default=default, metadata={"learned": True})


@dataclass(frozen=True)
class Saved:
    """Its fields together are its state."""

    def options(self) -> dict[str, Any]:
        """What can be set in the YAML section, JSON-able."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.metadata.get("learned")}

    def state(self) -> dict[str, Any]:
        """Options and what was learned, JSON-able."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of `state` after a trip through JSON, which turns tuples into lists."""
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in state.items()})
