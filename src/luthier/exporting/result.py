"""What an export came to: where it is, what its gate found, how fast and how large it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.exporting.exporter import Gate


@dataclass(frozen=True)
class Exported:
    """folder: None where the gate failed, and nothing was written. seconds: for one text, the original's and the
    export's; size: in bytes, likewise. facts: what the form tells of itself."""

    form: str
    folder: Path | None
    gate: Gate
    rows: int
    part: str
    seconds: tuple[float, float]
    size: tuple[int, int]
    facts: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "format": self.form,
            "folder": None if self.folder is None else str(self.folder),
            **self._measured(),
        }

    def _measured(self) -> dict[str, Any]:
        return {
            "passed": self.gate.passed,
            "gate": self.gate.as_json(),
            "rows": self.rows,
            "part": self.part,
            "seconds_one_text": dict(zip(("original", "exported"), self.seconds, strict=True)),
            "bytes": dict(zip(("original", "exported"), self.size, strict=True)),
            **self.facts,
        }

    def facts_told(self) -> dict[str, Any]:
        """For export.json: without the names of this machine's folders."""
        return {"format": self.form, **self._measured()}
