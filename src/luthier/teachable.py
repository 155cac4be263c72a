"""Which rows the chosen model can learn from, and as what: told before the first step, row by row."""

from __future__ import annotations

from dataclasses import replace

from luthier.codec import Codec
from luthier.data.findings import ERROR
from luthier.errors import DataError, Problem, places_text
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress
from luthier.types import PARTS, Finding

_MOST_PLACES = 5


def teachable(codec: Codec, prepared: Prepared, screen: Progress, *, skip: bool) -> Prepared:
    """The data as they are learnt and judged. skip: whether rows that cannot be used are left out, and counted.

    Errors: DataError naming them where they are not to be left out, or nothing is left to learn.
    """
    split, found = prepared.split, list[Finding]()
    for part in PARTS:
        examples = split.part(part)
        taught, findings = codec.task.taught(examples, codec.text)
        unusable = {place for finding in findings if finding.severity == ERROR for place in finding.rows}
        if part != PARTS[0]:  # judged as they are
            taught = [example for example in examples if example.place not in unusable]
            findings = [finding for finding in findings if finding.severity == ERROR]
        found += findings
        split = replace(split, **{part: taught})
    errors = [finding for finding in found if finding.severity == ERROR]
    if errors and not skip:
        raise DataError(*(_problem(finding) for finding in errors))
    for finding in found:
        screen.warn(f"{finding.code}: {finding.message} ({places_text(finding.rows, _MOST_PLACES)}); {finding.fix}")
    if not split.train:
        what = t("no row is left that this model could learn from")
        raise DataError.at(t("training"), what, found[0].fix if found else "", code="no-rows")
    skipped = prepared.skipped + sum(finding.count for finding in errors)
    return replace(prepared, split=split, findings=[*prepared.findings, *found], skipped=skipped)


def _problem(finding: Finding) -> Problem:
    return Problem(finding.rows[0], finding.message, finding.fix, finding.code, tuple(finding.rows[1:]))
