"""What several seeds say together: how far a score depends on chance, which seed is kept, and which collapsed."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.evaluation.evaluate import higher_is_better
from luthier.evaluation.verdict import baseline_title
from luthier.language import t
from luthier.report.page import SHOWN_SCORES, cells

CONSTANT, MAJORITY = "constant", "majority"
"""Ways to collapse: the same answer to every row; no better than a baseline that does not look at the input."""
_NOT_SAID = {"line", "text", "answer", "answers", "score", "fold"}
"""Columns of predictions.csv that do not tell what the model said; of a number the score does."""


@dataclass(frozen=True)
class OneSeed:
    """folder: relative to the run's. said: the seed's predictions.csv."""

    seed: int
    folder: str
    report: Mapping[str, Any]
    said: Path


def seeds_story(seeds: Sequence[OneSeed]) -> dict[str, Any]:
    """The part `seeds` of report.json.

    over_seeds: of each score mean, standard deviation (n - 1), least and greatest over the seeds. chosen: the seed with
    the best validation score at its best step; the first where there are no validation rows: never by the test.
    ahead: seeds whose main score is better than that of the verdict's baseline.
    """
    rows = [_row(one) for one in seeds]
    chosen, by = _chosen(rows)
    over = over_seeds([one.report["scores"] for one in seeds])
    sound = [one.report["scores"] for one, row in zip(seeds, rows, strict=True) if not row["collapsed"]]
    without = over_seeds(sound) if 1 < len(sound) < len(seeds) else []
    ahead = sum(_ahead(one.report) for one in seeds)
    story = {"runs": rows, "over_seeds": over, "without_collapsed": without, "chosen": chosen["seed"], "chosen_by": by,
             "ahead": ahead}  # fmt: skip
    metric = seeds[0].report["scores"][0]["name"]
    return {**story, "metric": metric, "sentence": _sentence(story, metric, seeds[0].report["verdict"]["baseline"])}


def over_seeds(scores: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """scores: of each seed. Of those that every seed has."""
    values: dict[str, list[float]] = {}
    for score in (score for own in scores for score in own):
        values.setdefault(score["name"], []).append(score["value"])
    return [
        {"name": name, "mean": statistics.fmean(found), "sd": statistics.stdev(found), "min": min(found),
         "max": max(found)}
        for name, found in values.items()
        if len(found) == len(scores) > 1
    ]  # fmt: skip


def seeds_table(story: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows: names of the scores, a row a seed, and the row of all."""
    names = [score["name"] for score in story["over_seeds"][:SHOWN_SCORES]]
    over = {row["name"]: row for row in story["over_seeds"]}
    rows = [
        {
            "seed": row["seed"],
            "folder": row["folder"],
            "kept": row["seed"] == story["chosen"],
            "note": row["note"],
            "validation": "–" if row["validation"] is None else f"{row['validation']['value']:.3f}",
            "cells": cells(row["scores"], names),
        }
        for row in story["runs"]
    ]
    spread = [f"{over[name]['mean']:.3f} ± {over[name]['sd']:.3f}" for name in names]
    reach = [f"{over[name]['min']:.3f} – {over[name]['max']:.3f}" for name in names]
    return {"names": names, "rows": rows, "spread": spread, "reach": reach}


def _collapse_text(kind: str) -> str:
    """For people; "" where a seed did not collapse."""
    texts = {
        CONSTANT: t("collapsed: the same answer to every row"),
        MAJORITY: t("collapsed: no better than always the same answer"),
    }
    return texts.get(kind, "")


def _row(one: OneSeed) -> dict[str, Any]:
    report = one.report
    collapsed = _collapsed(report, one.said)
    return {
        "seed": one.seed,
        "folder": one.folder,
        "scores": report["scores"],
        "validation": _validation(report),
        "best_step": report["steps"]["best"],
        "collapsed": collapsed,
        "note": _collapse_text(collapsed),
        "seconds": report["seconds"],
    }


def _validation(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The score by which the checkpoint was kept, and the loss, which decides where that is the same."""
    kept = [entry["validation"] for entry in report["history"]
            if entry.get("validation") and entry["step"] == report["steps"]["best"]]  # fmt: skip
    if not kept:
        return None
    name, value = next(iter(kept[-1].items()))
    return {"name": name, "value": value, "loss": kept[-1].get("loss")}


def _chosen(rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], str]:
    """Of equals the first."""
    if any(row["validation"] is None for row in rows):
        return rows[0], "first"

    def goodness(row: Mapping[str, Any]) -> tuple[float, float]:
        found = row["validation"]
        sign = 1 if higher_is_better(found["name"]) else -1
        return sign * found["value"], -(found["loss"] or 0.0)

    return max(rows, key=goodness), "validation"


def _collapsed(report: Mapping[str, Any], said: Path) -> str:
    """How, or "". Rows that all have the same answer tell nothing."""
    with said.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if len({row.get("answers", row.get("answer")) for row in rows}) < 2:
        return ""
    names = [name for name in rows[0] if name not in _NOT_SAID] or ["score"]
    if len({tuple(row[name] for name in names) for row in rows}) == 1:
        return CONSTANT
    main = report["scores"][0]
    blind = next((s for s in report["baselines"].get("majority", ()) if s["name"] == main["name"]), None)
    sign = 1 if main["higher_is_better"] else -1
    return MAJORITY if blind is not None and sign * main["value"] <= sign * blind["value"] else ""


def _ahead(report: Mapping[str, Any]) -> bool:
    verdict = report["verdict"]
    return verdict["difference"] > 0


def _sentence(story: Mapping[str, Any], metric: str, baseline: str) -> str:
    over = next(row for row in story["over_seeds"] if row["name"] == metric)
    kept = next(row for row in story["runs"] if row["seed"] == story["chosen"])
    said = [t("{count} seeds: {metric} {mean:.3f} ± {sd:.3f} (mean and standard deviation), {low:.3f} to {high:.3f}.",
              count=len(story["runs"]), metric=metric, mean=over["mean"], sd=over["sd"], low=over["min"],
              high=over["max"])]  # fmt: skip
    if story["chosen_by"] == "validation":
        found = kept["validation"]
        said.append(t("Seed {seed} is kept, the best on validation ({metric} {value:.3f}).", seed=kept["seed"],
                      metric=found["name"], value=found["value"]))  # fmt: skip
    else:
        said.append(t("Seed {seed} is kept, the first: there are no validation rows to choose by.", seed=kept["seed"]))
    said.append(t("{ahead} of {count} are ahead of the best baseline ({baseline}).", ahead=story["ahead"],
                  count=len(story["runs"]), baseline=baseline_title(baseline)))  # fmt: skip
    for row in story["runs"]:
        if row["collapsed"]:
            said.append(t("Seed {seed} {how}.", seed=row["seed"], how=row["note"]))
    without = next((row for row in story["without_collapsed"] if row["name"] == metric), None)
    if without is not None:
        said.append(t("The others alone: {mean:.3f} ± {sd:.3f}.", mean=without["mean"], sd=without["sd"]))
    return " ".join(said)
