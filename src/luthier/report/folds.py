"""report.json and report.html of a run in folds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.evaluation.leak import Leak
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.report.page import SHOWN_SCORES, cells, systems, where_errors_are
from luthier.report.render import rendered
from luthier.report.summary import data_summary
from luthier.task import AnyTask
from luthier.trial import Trial
from luthier.types import Example


def folds_summary(
    runs: Sequence[Mapping[str, Any]], folders: Sequence[str], prepared: Prepared, trial: Trial, leak: Leak | None,
    details: Mapping[str, Any], seconds: float, next_step: str,
) -> dict[str, Any]:  # fmt: skip
    """runs: of each fold its report.json. trial: of the predictions of all folds together."""
    first = runs[0]
    how, tested = prepared.how, trial.test.main.n
    return {
        "task": first["task"],
        "model": first["model"],
        "tuning": first["tuning"],
        "data": data_summary(prepared),
        "leak": leak.as_json() if leak else None,
        "split": {"folds": how.folds, "seed": how.seed, "by": how.by, "group": how.group, "rows": tested},
        "judged_on": trial.part,
        "scores": [score.as_json() for score in trial.test.scores],
        "baselines": {name: [s.as_json() for s in report.scores] for name, report in trial.baselines.items()},
        "verdict": trial.verdict.as_json(),
        "folds": [_fold(run, folder) for run, folder in zip(runs, folders, strict=True)],
        "over_folds": _over_folds(runs),
        "details": dict(details),
        "seconds": seconds,
        "next": next_step,
        "versions": first["versions"],
    }


def _fold(run: Mapping[str, Any], folder: str) -> dict[str, Any]:
    rows = {name: run["split"][name] for name in ("train", "validation", "test")}
    return {"folder": folder, "rows": rows, "scores": run["scores"], "seconds": run["seconds"]}


def _over_folds(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mean and standard deviation of each score that every fold has."""
    values: dict[str, list[float]] = {}
    for run in runs:
        for score in run["scores"]:
            values.setdefault(score["name"], []).append(score["value"])
    return [
        {"name": name, "mean": statistics.fmean(found), "sd": statistics.stdev(found)}
        for name, found in values.items()
        if len(found) == len(runs)
    ]


def mean_text(row: Mapping[str, Any]) -> str:
    return f"{row['mean']:.3f} ± {row['sd']:.3f}"


def folds_page(
    report: Mapping[str, Any], task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any]
) -> str:
    """report: the content of report.json. examples, predictions: of all rows that were tested."""
    names = [score["name"] for score in report["scores"][:SHOWN_SCORES]]
    data = ", ".join(Path(file).name for file in report["data"]["files"])
    means = {row["name"]: mean_text(row) for row in report["over_folds"]}
    folds = [
        {"number": i, "folder": fold["folder"], "rows": fold["rows"]["test"], "cells": cells(fold["scores"], names)}
        for i, fold in enumerate(report["folds"], 1)
    ]
    return rendered(
        "folds.html",
        title=t("{data}: {model} tuned for {task}, {folds} folds", data=data, model=report["model"],
                task=report["task"], folds=len(folds)),
        worth=report["verdict"]["worth_it"],
        verdict=report["verdict"]["sentence"],
        judged=t("On {n} rows, each tested by the one of {folds} models that did not learn from it; in brackets the "
                 "95 % bootstrap interval.", n=report["scores"][0]["n"], folds=len(folds)),
        report=report,
        score_names=names,
        systems=systems(report, names),
        folds=folds,
        means=[means.get(name, "–") for name in names],
        **where_errors_are(report, task, examples, predictions),
    )  # fmt: skip
