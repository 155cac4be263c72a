"""A search as a page: one file that needs no other and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.language import t
from luthier.report import figures
from luthier.report.render import rendered
from luthier.report.studied.pictures import curves, parallel


def search_page(report: Mapping[str, Any]) -> str:
    """report: the content of search.json."""
    trials, metric, best = report["trials"], report["metric"], report["best"]
    told = [trial for trial in trials if trial.get("value") is not None]
    lines = [setting_values(report, trial) for trial in told]
    place = next((i for i, trial in enumerate(told) if trial["number"] == best), -1)
    importance = report["importance"]
    return rendered(
        "studied/search.html",
        title=t("Which settings? A search for {model}, {task}", model=report["model"], task=report["task"]),
        worth=report["verdict"]["beats_default"],
        verdict=report["verdict"]["sentence"],
        report=report,
        counts=_counts(report),
        runs=_runs(report),
        keys=list(report["space"]),
        trials=[_row(report, trial, best) for trial in trials],
        curves=curves(trials, best, metric),
        importance=figures.bars(list(importance), list(importance.values())),
        parallel=parallel(
            lines, [trial["value"] for trial in told], metric, place, higher_is_better=report["higher_is_better"]
        ),
    )


def setting_values(report: Mapping[str, Any], trial: Mapping[str, Any]) -> dict[str, Any]:
    """Of each dimension that has a meaning in the trial the value that its settings had; of the default, which may lie
    outside the space, all."""
    settings = trial.get("settings") or {}
    keys = trial["values"] or {key: None for key in report["space"] if key in settings}
    return {key: settings.get(key, trial["values"].get(key)) for key in report["space"] if key in keys}


def _counts(report: Mapping[str, Any]) -> str:
    return t("{trials} trials in {minutes:.1f} minutes, {stopped} of them stopped on the way, {failed} failed; judged "
             "by {metric} on {rows} validation rows. No trial had the test rows.",
             trials=len(report["trials"]), minutes=report["search_seconds"] / 60, stopped=report["stopped"],
             failed=report["failed"], metric=report["metric"], rows=report["rows"]["validation"])  # fmt: skip


def _runs(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The winner and the default: over the seeds on validation, and once on the test rows."""
    titles = {"result": t("the winner"), "default": t("the default")}
    found: list[dict[str, Any]] = []
    for name in report["runs"]:
        seeds, verdict = report["seeds"][name], report["verdict"]
        mean = "–" if seeds["mean"] is None else f"{seeds['mean']:.3f}"
        spread = "" if seeds["sd"] is None else f" ± {seeds['sd']:.3f}"
        title = t("the default, which won") if len(report["runs"]) == 1 else titles[name]
        found.append({"folder": name, "title": title, "trial": seeds["trial"], "validation": mean + spread,
                      "seeds": len(seeds["seeds"]), "judged": f"{verdict[name]:.3f}"})  # fmt: skip
    return found


def _row(report: Mapping[str, Any], trial: Mapping[str, Any], best: int) -> dict[str, Any]:
    values = setting_values(report, trial)
    states = {"done": "", "stopped": t("stopped"), "failed": t("failed")}
    return {
        "number": trial["number"],
        "mark": "★" if trial["number"] == best else "",
        "score": "–" if trial.get("value") is None else f"{trial['value']:.4f}",
        "cells": [_cell(values.get(key)) for key in report["space"]],
        "epochs": f"{trial.get('epochs', 0):g}",
        "seconds": f"{trial.get('seconds', 0):.0f}",
        "state": states.get(trial.get("state", ""), "–"),
        "reason": (trial.get("reason") or "").splitlines()[:1],
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def best_rows(report: Mapping[str, Any], most: int) -> Sequence[Mapping[str, Any]]:
    """The trials that came to their end, the best first."""
    sign = 1 if report["higher_is_better"] else -1
    done = [trial for trial in report["trials"] if trial.get("state") == "done" and trial.get("value") is not None]
    return sorted(done, key=lambda trial: -sign * trial["value"])[:most]
