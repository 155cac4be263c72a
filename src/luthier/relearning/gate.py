"""Whether a model that went on learning may take the place of the one that it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.comparing.answers import answers_on
from luthier.comparing.compare import Comparison
from luthier.comparing.rows import rights
from luthier.comparing.sentence import SURE
from luthier.config.schema import DataSettings
from luthier.language import t
from luthier.progress import Progress


@dataclass(frozen=True)
class Mended:
    """Of corrected rows. before, after: how many the old model and the new one have right. They are counted and not
    tested: most were corrected because they were wrong, so that any change of the model looks like progress there."""

    rows: int
    before: int
    after: int

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Gate:
    """comparison: of the old run and the new one on the test rows of both, none of which was learnt from. learnt,
    kept_back: on corrected rows that were learnt from and that were not; None where there are none, or where answers
    are not right or wrong."""

    comparison: Comparison
    learnt: Mended | None
    kept_back: Mended | None

    @property
    def worse(self) -> bool:
        """By more than chance, on the rows that both were judged on."""
        main = self.comparison.pairs[0].main
        return main.difference < 0 and main.holm < SURE

    @property
    def verdict(self) -> str:
        """better, worse or no_worse_shown."""
        main = self.comparison.pairs[0].main
        if self.worse:
            return "worse"
        return "better" if main.difference > 0 and main.holm < SURE else "no_worse_shown"

    def sentence(self) -> str:
        main = self.comparison.pairs[0].main
        told = {
            "worse": t("The new model is worse on the old test rows and is not to be used"),
            "better": t("The new model is better on the old test rows, too"),
            "no_worse_shown": t("The new model is not shown to be worse on the old test rows"),
        }[self.verdict]
        facts = t("{metric} {difference:+.3f} (95 % interval {low:+.3f} to {high:+.3f}, p = {p:.2g}, {rows} rows)",
                  metric=main.name, difference=main.difference, low=main.low, high=main.high, p=main.p,
                  rows=self.comparison.rows)  # fmt: skip
        said = [f"{told}: {facts}."]
        if self.kept_back is not None:
            own = self.kept_back
            said.append(t("Of {rows} corrected rows that it did not learn from {before} were right and {after} are "
                          "now.", rows=own.rows, before=own.before, after=own.after))  # fmt: skip
        if self.learnt is not None:
            said.append(t("Of {rows} that it learnt from {before} were right and {after} are now.",
                          rows=self.learnt.rows, before=self.learnt.before, after=self.learnt.after))  # fmt: skip
        return " ".join(said)

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "sentence": self.sentence(),
            "test": self.comparison.pairs[0].as_json(self.comparison.runs),
            "learnt": self.learnt.as_json() if self.learnt else None,
            "kept_back": self.kept_back.as_json() if self.kept_back else None,
        }


def mended(runs: Sequence[Path], rows: Path, how: DataSettings, screen: Progress) -> Mended | None:
    """runs: the old one, then the new one. rows: a file of corrected ones, read as `how` says."""
    if not rows.is_file():
        return None
    told = [answers_on(run, rows, how, screen) for run in runs]
    right = rights(told)
    if any(one is None for own in right for one in own):
        return None
    return Mended(len(right[0]), *(sum(map(bool, own)) for own in right))
