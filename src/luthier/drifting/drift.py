"""Whether rows that a model is asked have drifted away from those that it learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier.drifting.changes import LEAST_ROWS, Change, Sides, find_changes
from luthier.evaluation.elsewhere.contrast import holm
from luthier.language import t

ALPHA = 0.05
"""How often drift may be found where there is none, over all changes together."""


@dataclass(frozen=True)
class Drift:
    """held, rows: how many rows were compared; repeated: how many more were asked with a text that had been asked
    before. first, last: when, in seconds since 1970; None where nothing says so."""

    held: int
    rows: int
    repeated: int
    changes: Sequence[Change]
    alpha: float = ALPHA
    first: float | None = None
    last: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def judged(self) -> bool:
        return bool(self.changes)

    @property
    def found(self) -> list[Change]:
        """The changes that count, the surest first."""
        drifting = [change for change in self.changes if change.drifts(self.alpha)]
        return sorted(drifting, key=lambda change: (change.adjusted, -change.effect / change.least))

    @property
    def sentence(self) -> str:
        if not self.judged:
            return t("Too few rows to judge: {rows} were asked and {held} were held out; {least} of each are wanted.",
                     rows=self.rows, held=self.held, least=LEAST_ROWS)  # fmt: skip
        if not self.found:
            return t("No drift found: {rows} rows are like the {held} that training held out.", rows=self.rows,
                     held=self.held)  # fmt: skip
        told = "; ".join(change.sentence for change in self.found)
        return t("Drift found, {count} of {all} measures: {told}.", count=len(self.found), all=len(self.changes),
                 told=told)  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        return {
            "drift": bool(self.found) if self.judged else None,
            "sentence": self.sentence,
            "rows": self.rows,
            "repeated": self.repeated,
            "held_out": self.held,
            "first": self.first,
            "last": self.last,
            "alpha": self.alpha,
            "measures": [{**vars(change), "drifts": change.drifts(self.alpha)} for change in self.changes],
            "notes": list(self.notes),
        }


def judge(sides: Sides, *, repeated: int = 0, alpha: float = ALPHA, notes: Sequence[str] = ()) -> Drift:
    """No change is judged where either side has too few rows."""
    enough = min(len(sides.held), len(sides.new)) >= LEAST_ROWS
    found = find_changes(sides) if enough else []
    adjusted = holm([change.p for change in found])
    changes = [replace(change, adjusted=p) for change, p in zip(found, adjusted, strict=True)]
    return Drift(len(sides.held), len(sides.new), repeated, changes, alpha, notes=tuple(notes))
