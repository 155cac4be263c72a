"""How a run does on other data, as a page: one file that needs no other and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.augmenting.perturbing.known import perturbation_title
from luthier.language import t
from luthier.report.elsewhere import pictures
from luthier.report.elsewhere.sure import sure_shown
from luthier.report.page import SHOWN_SCORES, cells, where_errors_are
from luthier.report.render import rendered
from luthier.task import AnyTask
from luthier.types import Example

_WORST = 3
_LEAST_P = 0.001

Json = Mapping[str, Any]


def evaluation_page(
    found: Json, run: str, data: str, task: AnyTask, examples: Sequence[Example[Any, Any]], predictions: Sequence[Any]
) -> str:
    """found: what `luthier evaluate --json` prints. run, data: their names."""
    names = [score["name"] for score in found["scores"][:SHOWN_SCORES]]
    asked_again, shift = found["robustness"], found["shift"]
    return rendered(
        "elsewhere/evaluation.html",
        title=t("{run} on {data}", run=run, data=data),
        worth={"same": "yes", "far": "no"}.get((shift or {}).get("level", ""), "mid"),
        verdict=evaluation_sentence(found),
        notes=found["notes"],
        n=found["scores"][0]["n"],
        score_rows=list(zip(names, cells(found["scores"], names), strict=True)),
        shift=_shift(shift),
        slices=_slices(found["slices"]),
        slices_picture=_slices_picture(found["slices"]),
        perturbed=_perturbed(asked_again),
        perturbed_picture=_perturbed_picture(asked_again),
        left_out=[f"{perturbation_title(one['name'])}: {one['left_out']}" for one in asked_again if one["left_out"]],
        flips=_flips(asked_again),
        sure=sure_shown(found),
        **where_errors_are({"details": found["details"]}, task, examples, predictions),
    )


def evaluation_sentence(found: Json) -> str:
    """What was found, in a few words."""
    score = found["scores"][0]
    told = [f"{score['name']} {_with_interval(score)}"]
    if found["shift"]:
        told.append(found["shift"]["sentence"])
    worse = sorted(filter(_is_worse, found["slices"]), key=lambda part: -abs(part["rest"]["difference"]))
    if worse:
        names = ", ".join(f"{part['by']} {part['value']}" for part in worse[:_WORST])
        told.append(t("worse than on the rest by more than chance: {names}", names=names))
    dropped = [one for one in found["robustness"] if one["drop"] and one["drop"]["low"] > 0]
    if dropped:
        dropped.sort(key=lambda one: -one["drop"]["value"])
        names = ", ".join(f"{perturbation_title(o['name'])} ({-o['drop']['value']:+.3f})" for o in dropped[:_WORST])
        told.append(t("it suffers from: {names}", names=names))
    return "; ".join(told) + "."


def _is_worse(part: Json) -> bool:
    """Of a slice: by more than chance."""
    rest = part["rest"]
    if rest is None or not rest["differs"]:
        return False
    higher = next((s["higher_is_better"] for s in part["scores"] if s["name"] == rest["metric"]), True)
    return (rest["difference"] < 0) == higher


def slice_rows(slices: Sequence[Json]) -> list[tuple[str, str, str, str, str]]:
    """Part, rows, score, difference from the rest, and whether that is more than chance."""
    rows: list[tuple[str, str, str, str, str]] = []
    for part in slices:
        rest = part["rest"]
        apart = told = ""
        if rest is not None:
            apart = f"{rest['difference']:+.3f} [{rest['low']:+.3f}, {rest['high']:+.3f}]"
            p = f"p {rest['adjusted']:.3f}" if rest["adjusted"] >= _LEAST_P else f"p < {_LEAST_P}"
            told = t("yes ({p})", p=p) if rest["differs"] else t("no")
        rows.append((f"{part['by']}: {part['value']}", f"{part['n']:,}", _with_interval(_compared(part)), apart, told))
    return rows


def _compared(part: Json) -> Json:
    """The score of a slice that is compared, the accuracy where there is one, else the first."""
    name = part["rest"]["metric"] if part["rest"] else "accuracy"
    return next((score for score in part["scores"] if score["name"] == name), part["scores"][0])


def _with_interval(score: Json) -> str:
    interval = "" if score["low"] is None else f" [{score['low']:.3f}, {score['high']:.3f}]"
    return f"{score['value']:.3f}{interval}"


def perturbed_rows(robustness: Sequence[Json]) -> list[tuple[str, ...]]:
    """Perturbation, rows that it changes, score before, after, change, and share of the answers that changed."""
    rows: list[tuple[str, ...]] = []
    for one in robustness:
        if drop := one["drop"]:
            values = (f"{one[when]['value']:.3f}" for when in ("before", "after"))
            change = f"{_change(drop['value'])} [{_change(drop['high'])}, {_change(drop['low'])}]"
            changed = "" if one["changed"] is None else f"{one['changed']:.1%}"
            rows.append((perturbation_title(one["name"]), f"{one['rows']:,}", *values, change, changed))
    return rows


def _change(drop: float) -> str:
    return f"{0.0 - drop:+.3f}"


def _slices(slices: Sequence[Json]) -> dict[str, Any]:
    return {"metric": ", ".join(sorted({_compared(part)["name"] for part in slices})), "rows": slice_rows(slices)}


def _slices_picture(slices: Sequence[Json]) -> str | None:
    compared = [part for part in slices if part["rest"]]
    if not compared:
        return None
    rests = [part["rest"] for part in compared]
    names = [f"{part['by']}: {part['value']} ({part['n']})" for part in compared]
    ends = [(rest["low"], rest["high"]) for rest in rests]
    return pictures.differences(names, [rest["difference"] for rest in rests], ends, t("difference from the rest"))


def _perturbed(robustness: Sequence[Json]) -> dict[str, Any]:
    metric = next((one["before"]["name"] for one in robustness if one["before"]), "")
    return {"metric": metric, "rows": perturbed_rows(robustness)}


def _perturbed_picture(robustness: Sequence[Json]) -> str | None:
    measured = [one for one in robustness if one["drop"]]
    if not measured:
        return None
    drops = [one["drop"] for one in measured]
    names = [f"{perturbation_title(one['name'])} ({one['rows']})" for one in measured]
    ends = [(-drop["high"], -drop["low"]) for drop in drops]
    return pictures.differences(names, [-drop["value"] for drop in drops], ends, t("change of the score"))


def _flips(robustness: Sequence[Json]) -> list[tuple[str, str, str, str, str, str]]:
    return [
        (perturbation_title(one["name"]), flip["before"], flip["after"], flip["answer"], flip["said"], flip["now"])
        for one in robustness
        for flip in one["flips"]
    ]


def _shift(shift: Json | None) -> dict[str, Any] | None:
    if shift is None:
        return None
    domain, distance = shift["domain"], ""
    if domain is not None:
        distance = t("Proxy A-distance {distance:.2f} [{distance_low:.2f}, {distance_high:.2f}] (0 the same, 2 wholly "
                     "apart), on {rows} rows of each side.", **domain)  # fmt: skip
    lines = [(one["sentence"], t("more than chance") if one["differs"] else "") for one in shift["measures"]]
    return {"sentence": shift["sentence"], "distance": distance, "lines": lines}
