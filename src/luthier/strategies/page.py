"""strategies.html: which way to tune is worth its cost, one file that needs no other and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.language import t
from luthier.report import figures
from luthier.report.render import rendered


def strategies_page(report: Mapping[str, Any], headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """report: the content of strategies.json. rows: of its table, as people read them."""
    folders = {one["name"]: one["folder"] for one in report["strategies"]}
    data = ", ".join(Path(file).name for file in report["data"]["files"])
    minutes = report["budget"]["minutes"]
    budget = t("equal epochs") if minutes is None else t("equal time, {minutes:g} minutes in all", minutes=minutes)
    return rendered(
        "strategies.html",
        title=t("{data}: which way to tune {model}?", data=data, model=report["model"]),
        worth="unclear" if report["sentence"].count(". ") else "yes",
        verdict=report["sentence"],
        judged=t("On {n} {part} rows, in brackets the 95 % bootstrap interval; differences are paired. Chosen by the "
                 "{chooses} rows. Budget: {budget}.", n=report["rows"], part=t(report["judged_on"]),
                 chooses=t(report["chosen_on"]), budget=budget),
        headers=headers,
        rows=[(folders.get(row[0].removesuffix(" ★")), row) for row in rows],
        pictures=[picture for picture in _pictures(report) if picture["source"]],
        details=_details(report),
        report=report,
    )  # fmt: skip


def _pictures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    costs = (
        ("train_seconds", "train_seconds", t("seconds of training")),
        ("latency", "latency_ms", t("milliseconds of an answer")),
    )
    made: list[dict[str, Any]] = []
    for key, field, label in costs:
        points = [{"name": one["name"], "cost": one[field], **_score(one, report["metric"])}
                  for one in report["strategies"]]  # fmt: skip
        source = figures.front(points, report["front"][key], label, report["metric"],
                               higher_is_better=report["higher_is_better"])  # fmt: skip
        alt = t("{metric} over {cost}; the line joins what no other strategy beats in both", metric=report["metric"],
                cost=label)  # fmt: skip
        made.append({"source": source, "alt": alt})
    return made


def _score(one: Mapping[str, Any], metric: str) -> dict[str, Any]:
    score = next(s for s in one["scores"] if s["name"] == metric)
    return {key: score[key] for key in ("value", "low", "high")}


def _details(report: Mapping[str, Any]) -> dict[str, Any]:
    names = [score["name"] for score in report["strategies"][0]["scores"]]
    rows = [
        (one["name"], str(one["epochs"]), f"{one['steps']['best']:,} / {one['steps']['done']:,}",
         *(f"{s['value']:.3f}" for s in one["scores"]))
        for one in report["strategies"]
    ]  # fmt: skip
    return {"headers": (t("strategy"), t("epochs"), t("best step"), *names), "rows": rows}
