"""The table of the strategies: on the terminal, as strategies.json and as a page."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.evaluation.verdict import baseline_title
from luthier.files import disk_trouble, size_text, write_text
from luthier.finish import read_run
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.probing import judged_part
from luthier.progress import Progress
from luthier.report.summary import data_summary, versions
from luthier.runfolder import STRATEGIES
from luthier.runtime import open_runtime
from luthier.strategies.beginning import Beginning
from luthier.strategies.choice import Chosen, choose
from luthier.strategies.measured import Measured, Said, against, measure, say
from luthier.strategies.names import Strategy
from luthier.strategies.page import strategies_page
from luthier.task import AnyTask

PAGE = "strategies.html"


def finish(
    path: Path, strategies: Sequence[Strategy], prepared: Prepared, shared: Beginning, minutes: float | None,
    screen: Progress, began: float,
) -> None:  # fmt: skip
    """strategies.json is written last: where it is, all is finished."""
    part, task = judged_part(shared.split), shared.task
    judged, seed = shared.split.part(part), strategies[0].settings.train.seed
    checked = shared.split.validation if part != "validation" else []
    with open_runtime("fp32") as runtime, screen.track(t("measuring the strategies"), len(strategies)) as tracker:
        measured: list[Measured] = []
        for strategy in strategies:
            folder = path / strategy.folder
            report = read_run(folder).report
            epochs = shared.epochs[strategy.name]
            measured.append(measure(strategy.name, folder, report, epochs, judged, checked, seed, runtime.device))
            tracker.advance(1, strategy.name)
    main = measured[0].said.report.main
    chooses = "validation" if checked or part == "validation" else part
    chosen = choose(measured, main.name, higher_is_better=main.higher_is_better, chooses=chooses)
    lowly = [(base.name, say(task, base.predictions, judged, seed)) for base in shared.baselines]
    report = _report(task, prepared, measured, lowly, chosen, part, chooses, minutes, time.time() - began)
    with disk_trouble(path):
        write_text(path / PAGE, strategies_page(report, headers(report), table_rows(report)))
        write_text(path / STRATEGIES, json.dumps(report, ensure_ascii=False, indent=1))
    _tell(report, path, screen)


def _report(
    task: AnyTask, prepared: Prepared, measured: Sequence[Measured], lowly: Sequence[tuple[str, Said]],
    chosen: Chosen, part: str, chooses: str, minutes: float | None, seconds: float,
) -> dict[str, Any]:  # fmt: skip
    main = measured[0].said.report.main
    best = next(one for one in measured if one.name == chosen.best)
    ends = {"metric": main.name, "higher": main.higher_is_better}
    rows = [{**_row(one), "difference": _apart(one.said, best.said, **ends),
             "on_front": {"train_seconds": one.name in chosen.front_seconds,
                          "latency": one.name in chosen.front_latency}} for one in measured]  # fmt: skip
    baselines = [
        {"name": name, "scores": [score.as_json() for score in said.report.scores],
         "difference": _apart(said, best.said, **ends)}
        for name, said in lowly
    ]  # fmt: skip
    return {
        "task": task.name,
        "model": measured[0].report["model"],
        "metric": main.name,
        "higher_is_better": main.higher_is_better,
        "judged_on": part,
        "rows": main.n,
        "chosen_on": chooses,
        "budget": {"kind": "epochs" if minutes is None else "minutes", "minutes": minutes},
        "strategies": rows,
        "baselines": baselines,
        "best": chosen.best,
        "recommended": chosen.recommended,
        "sentence": " ".join([chosen.sentence, *_warnings(best.said, lowly, **ends)]),
        "front": {"train_seconds": list(chosen.front_seconds), "latency": list(chosen.front_latency)},
        "data": data_summary(prepared),
        "device": measured[0].report["device"],
        "seconds": seconds,
        "versions": versions(),
    }


def _row(one: Measured) -> dict[str, Any]:
    run = one.report
    kept = ("scores", "parameters", "trained_parameters", "train_seconds", "seconds", "peak_memory_bytes", "tuning")
    return {
        "name": one.name,
        "folder": one.folder,
        "epochs": one.epochs,
        **{key: run[key] for key in kept},
        "steps": run["steps"],
        "validation": None if one.said.checked is None else dict(one.said.checked.values),
        "saved_bytes": one.saved_bytes,
        "latency_ms": 1000 * one.latency,
    }


def _apart(one: Said, best: Said, *, metric: str, higher: bool) -> dict[str, float] | None:
    """On the judged rows; None for the best itself, and where there is no such score."""
    found = None if one is best else against(one.judged, best.judged, metric, higher_is_better=higher)
    return None if found is None else {"value": found.value, "low": found.low, "high": found.high}


def _warnings(best: Said, lowly: Sequence[tuple[str, Said]], *, metric: str, higher: bool) -> list[str]:
    """What should be said beside the recommendation: a baseline that does as well."""
    named = [(name, said) for name, said in lowly if metric in said.judged.values]
    if not named:
        return []
    name, said = max(named, key=lambda one: one[1].judged.values[metric] * (1 if higher else -1))
    apart = against(said.judged, best.judged, metric, higher_is_better=higher)
    if apart is None or apart.high < 0:
        return []
    return [t("But {baseline} does as well without any tuning: {metric} {value:.3f} on the same rows.",
              baseline=baseline_title(name), metric=metric, value=said.judged.values[metric])]  # fmt: skip


def _tell(report: Mapping[str, Any], path: Path, screen: Progress) -> None:
    screen.table(
        t("strategies, {n} {part} rows", n=report["rows"], part=t(report["judged_on"])),
        headers(report),
        table_rows(report),
    )
    if report["chosen_on"] == report["judged_on"]:
        screen.say(t("There are no other rows to choose by: the best was chosen by the rows that judge it, and its "
                     "score is a little too good."))  # fmt: skip
    else:
        screen.say(t("The {chooses} rows choose, the {judges} rows only judge: each strategy looked at them once.",
                     chooses=t(report["chosen_on"]), judges=t(report["judged_on"])))  # fmt: skip
    for key, title in (("train_seconds", t("time of training")), ("latency", t("time of an answer"))):
        names = " → ".join(report["front"][key])
        screen.say(t("best for its {cost}, from the cheapest: {names}", cost=title, names=names))
    screen.say()
    screen.say(report["sentence"])
    screen.say()
    best = next(one["folder"] for one in report["strategies"] if one["name"] == report["recommended"])
    screen.say(t("model   {path}", path=path / best / "model"))
    screen.say(t("report  {path}", path=path / PAGE))


def headers(report: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        "", report["metric"], t("to the best"), t("learn"), t("training"), t("memory"), t("saved"), t("an answer")
    )  # fmt: skip


def table_rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row a strategy and a baseline, the best first, as people read them."""
    sign = -1 if report["higher_is_better"] else 1

    def value(one: Mapping[str, Any]) -> float:
        return next((sign * s["value"] for s in one["scores"] if s["name"] == report["metric"]), float("inf"))

    rows: list[tuple[str, ...]] = []
    for one in sorted(report["strategies"], key=value):
        mark = " ★" if one["name"] == report["recommended"] else ""
        rows.append((
            one["name"] + mark, _score(one, report["metric"]), _difference(one), f"{one['trained_parameters']:,}",
            t("{seconds:.1f} s", seconds=one["train_seconds"]), size_text(one["peak_memory_bytes"]),
            size_text(one["saved_bytes"]), t("{ms:.1f} ms", ms=one["latency_ms"]),
        ))  # fmt: skip
    for one in sorted(report["baselines"], key=value):
        rows.append((baseline_title(one["name"]), _score(one, report["metric"]), _difference(one), *[""] * 5))
    return rows


def _score(one: Mapping[str, Any], metric: str) -> str:
    score = next((s for s in one["scores"] if s["name"] == metric), None)
    return "–" if score is None else f"{score['value']:.3f}\n[{score['low']:.3f}, {score['high']:.3f}]"


def _difference(one: Mapping[str, Any]) -> str:
    apart = one["difference"]
    return "" if apart is None else f"{apart['value']:+.3f}\n[{apart['low']:+.3f}, {apart['high']:+.3f}]"
