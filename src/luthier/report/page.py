"""report.html: the run for people, one file that needs no other and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.evaluation.parts import part_title
from luthier.evaluation.slices import slices
from luthier.evaluation.verdict import baseline_title
from luthier.files import size_text
from luthier.language import t
from luthier.report import figures
from luthier.report.elsewhere.sure import sure_shown
from luthier.report.explained.page import marked_mistakes
from luthier.report.render import rendered
from luthier.report.written.page import samples_shown
from luthier.task import AnyTask
from luthier.types import Example

SHOWN_SCORES = 14
_MOST_MISTAKES = 20
_MOST_CONFUSED = 15
_LONGEST_TEXT = 400


def report_page(
    report: Mapping[str, Any], task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any],
    seeds: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    """report: the content of report.json. examples, predictions: of the rows that were judged. seeds: the table of
    them, where there were several."""
    names = [score["name"] for score in report["scores"][:SHOWN_SCORES]]
    data = ", ".join(Path(file).name for file in report["data"]["files"])
    errors = where_errors_are(report, task, examples, predictions)
    curve = figures.loss_curve(report["history"], report["steps"]["best"], report["scores"][0]["name"])
    return rendered(
        "page.html",
        title=t("{data}: {model} tuned for {task}", data=data, model=report["model"], task=report["task"]),
        worth=report["verdict"]["worth_it"],
        verdict=report["verdict"]["sentence"],
        judged=t("On {n} {part} rows that neither training nor the choice of the checkpoint looked at; in brackets the "
                 "95 % bootstrap interval.", n=report["scores"][0]["n"], part=t(report["judged_on"])),
        report=report,
        score_names=names,
        systems=systems(report, names),
        parts=_parts(report.get("parts"), names),
        seeds=seeds,
        remedies=_remedies(report["balance"]["comparison"]),
        sure=sure_shown(report),
        samples=samples_shown(report.get("samples")),
        explained=marked_mistakes(report.get("explained", ())),
        memory=size_text(report["peak_memory_bytes"]),
        **{**errors, "figures": {**errors["figures"], "loss": curve}},
    )  # fmt: skip


def where_errors_are(
    report: Mapping[str, Any], task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any]
) -> dict[str, Any]:
    """What errors.html shows."""
    return {
        "figures": _error_figures(report, task, examples, predictions),
        "per_class": sorted(report["details"].get("per_class", ()), key=lambda row: row["f1"]),
        "confused": _confused(report["details"].get("confusion")),
        "mistakes": _mistakes(task, examples, predictions),
    }


def systems(report: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """The tuned model and the baselines, with the cells of a table of these scores."""
    rows = [(t("tuned model"), report["scores"])]
    rows += [(baseline_title(name), scores) for name, scores in report["baselines"].items()]
    return [{"title": title, "cells": cells(scores, names)} for title, scores in rows]


def cells(scores: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, str]]:
    """The named scores as they stand in a table."""
    by_name = {score["name"]: score for score in scores}
    made: list[dict[str, str]] = []
    for name in names:
        score = by_name.get(name)
        low, high = (score["low"], score["high"]) if score else (None, None)
        made.append({
            "value": f"{score['value']:.3f}" if score else "–",
            "interval": f"{low:.3f} – {high:.3f}" if low is not None and high is not None else "",
        })  # fmt: skip
    return made


def _parts(parts: Mapping[str, Any] | None, names: Sequence[str]) -> list[dict[str, Any]]:
    """The tuned model on whole inputs and on each part alone, and what the rest adds to that part."""
    if parts is None:
        return []
    rows: list[dict[str, Any]] = [
        {"title": t("all together"), "cells": cells(parts["together"], names), "gain": "", "interval": ""}
    ]
    for one in parts["alone"]:
        gain = one["gain"]
        rows.append({
            "title": part_title(one["part"]),
            "cells": cells(one["scores"], names),
            "gain": f"{gain['value']:+.3f}",
            "interval": f"{gain['low']:+.3f} – {gain['high']:+.3f}",
        })  # fmt: skip
    return rows


def _remedies(comparison: Mapping[str, Any] | None) -> dict[str, Any]:
    """The remedies against imbalance as they were compared: names of the scores, and a row each."""
    candidates = comparison["candidates"] if comparison else ()
    names = [score["name"] for candidate in candidates[:1] for score in candidate["scores"]]
    rows = [
        {
            "name": candidate["name"],
            "cells": cells(candidate["scores"], names),
            "difference": f"{candidate['difference']:+.3f}" if candidate["name"] != "none" else "",
            "interval": f"{candidate['low']:+.3f} – {candidate['high']:+.3f}" if candidate["name"] != "none" else "",
        }
        for candidate in candidates
    ]
    return {"names": names, "rows": rows}


def _error_figures(
    report: Mapping[str, Any], task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any]
) -> dict[str, str | None]:
    details = report["details"]
    confusion = details.get("confusion")
    classes = [row for row in details.get("per_class", ()) if row["support"]]
    lengths = [part for part in slices(task, examples, predictions, seed=0) if part.by == "length"]
    accuracy = [score.value for part in lengths for score in part.scores if score.name == "accuracy"]
    return {
        "confusion": figures.confusion_matrix(confusion["labels"], confusion["counts"]) if confusion else None,
        "reliability": figures.reliability_diagram(details.get("reliability", ())),
        "by_class": figures.error_bars(
            t("wrong answers by class"),
            [row["label"] for row in classes],
            [1 - row["recall"] for row in classes],
            [row["support"] for row in classes],
        ),
        "scatter": figures.scatter(details.get("scatter", ())),
        "by_length": None
        if not accuracy
        else figures.error_bars(
            t("wrong answers by length"),
            [part.value for part in lengths],
            [1 - value for value in accuracy],
            [part.scores[0].n for part in lengths],
        ),
    }


def _confused(confusion: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    if confusion is None:
        return []
    labels, counts = confusion["labels"], confusion["counts"]
    pairs = [
        {"answer": labels[i], "predicted": labels[j], "count": count}
        for i, row in enumerate(counts)
        for j, count in enumerate(row)
        if i != j and count
    ]
    return sorted(pairs, key=lambda pair: -pair["count"])[:_MOST_CONFUSED]


def _mistakes(task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any]) -> list[dict[str, Any]]:
    """Wrong answers, the worst first."""
    rows: list[dict[str, Any]] = []
    for example, prediction in zip(examples, predictions, strict=True):
        mistake = task.mistake(prediction, example.answer)
        if mistake is not None:
            text = task.format.plain_text(example.input)
            rows.append({
                "line": example.place.line or "",
                "text": text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…",
                "answer": mistake.answer,
                "predicted": mistake.said,
                "score": mistake.weight,
            })  # fmt: skip
    rows.sort(key=lambda row: -row["score"])
    return [{**row, "score": f"{row['score']:.2f}"} for row in rows[:_MOST_MISTAKES]]
