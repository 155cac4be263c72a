"""The doctor's findings as a page for people, one file that needs no other and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.data.findings import ERROR
from luthier.doctor.gathered import Gathered
from luthier.errors import places_text, printable
from luthier.language import t
from luthier.report import figures
from luthier.report.render import rendered
from luthier.types import Finding

_MOST_PLACES = 20
_LONGEST_TEXT = 300


@dataclass(frozen=True)
class Table:
    """rows: cells as text, made by `cells`."""

    title: str
    about: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


def checkup_page(
    name: str, findings: Sequence[Finding], notes: Sequence[str], data: Gathered, facts: Mapping[str, Any]
) -> str:
    """name: of the data. facts: of the checks, by check, as `Doctor.facts` gives them."""
    errors = any(finding.severity == ERROR for finding in findings)
    return rendered(
        "checkup.html",
        title=t("Data check of {name}", name=printable(name)),
        worth="no" if errors else "mid" if findings else "yes",
        verdict=summary(findings),
        notes=notes,
        findings=[_shown(finding) for finding in findings],
        sizes=_sizes(data),
        figures=[figure for figure in _figures(data, facts) if figure["picture"]],
        tables=[*clusters(facts), *suspects(facts)],
    )


def summary(findings: Sequence[Finding]) -> str:
    """One sentence for the whole."""
    errors = sum(finding.severity == ERROR for finding in findings)
    if not findings:
        return t("Nothing was found.")
    if not errors:
        return t("{count} findings; training goes on with them.", count=len(findings))
    return t("{count} findings, {errors} of which stop a training until they are mended.",
             count=len(findings), errors=errors)  # fmt: skip


def _shown(finding: Finding) -> dict[str, Any]:
    where = places_text(finding.rows, _MOST_PLACES)
    return {**vars(finding), "severity": t(finding.severity), "count": finding.count, "places": where}


def _sizes(data: Gathered) -> list[tuple[str, str]]:
    rows = [(t("rows"), f"{len(data):,}")]
    classes = data.class_counts()
    if classes:
        rows.append((t("classes"), f"{len(classes):,}"))
    if len(data):
        rows.append((t("characters a row (median, longest)"),
                     f"{np.median(data.characters):,.0f}, {data.characters.max():,}"))  # fmt: skip
    return rows


def _figures(data: Gathered, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not len(data):
        return []
    classes = data.class_counts()
    tokens = next((f["tokens"] for f in facts.values() if "tokens" in f), None)
    languages = next((f["languages"] for f in facts.values() if "languages" in f), {})
    shares = [count / sum(languages.values()) for count in languages.values()]
    lengths = np.asarray(tokens["lengths"]) if tokens else data.characters
    names, counts = [name for name, _ in classes], [count for _, count in classes]
    of_classes = {"picture": figures.bars(names, counts), "caption": t("rows of each class")}
    return [
        *([of_classes] if classes else []),
        {
            "picture": figures.histogram(lengths, tokens["limit"] if tokens else None),
            "caption": t("tokens a row; the line is where the model cuts") if tokens else t("characters a row"),
        },
        {"picture": figures.bars(list(languages), shares), "caption": t("share of each language")},
    ]


def clusters(facts: Mapping[str, Any]) -> list[Table]:
    """Groups of near-duplicates, the largest first."""
    groups = next((f["clusters"] for f in facts.values() if f.get("clusters")), [])
    rows = [[str(group["size"]), "\n".join(map(_cell, group["texts"]))] for group in groups]
    about = t("Texts that differ in little more than a word; the largest groups first.")
    return [Table(t("Near-duplicates"), about, (t("rows"), t("texts")), rows)] if rows else []


def suspects(facts: Mapping[str, Any]) -> list[Table]:
    """Rows whose label is likely wrong, the likeliest first."""
    found = next((f["suspects"] for f in facts.values() if f.get("suspects")), [])
    rows = [[row["place"], _cell(row["text"]), _cell(row["label"]), _cell(row["suggested"])] for row in found]
    about = t("Cross-validated predictions disagree with these labels; the surest first.")
    headers = (t("where"), t("text"), t("label"), t("suggested"))
    return [Table(t("Likely label errors"), about, headers, rows)] if rows else []


def _cell(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
