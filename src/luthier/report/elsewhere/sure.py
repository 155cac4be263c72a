"""What a model's sureness is worth, for report.json and for the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.calibrating.scale import Calibration
from luthier.evaluation.elsewhere.sure import Trust
from luthier.language import t
from luthier.report.elsewhere import pictures


def trust_story(trust: Trust | None, calibration: Calibration | None) -> dict[str, Any]:
    """calibration, selective of report.json; None for a task that says no probabilities."""
    if trust is None:
        return {"calibration": None, "selective": None}
    found = trust.as_json()
    return {**found, "calibration": {**(calibration.as_json() if calibration else {}), **found["calibration"]}}


def sure_shown(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """What sure.html shows of a report with `calibration` and `selective`."""
    calibration, selective = report.get("calibration"), report.get("selective")
    if calibration is None:
        return None
    return {
        "reason": calibration.get("reason", ""),
        "ece": _ece(calibration),
        "reliability": _reliability(calibration),
        "sentence": selective["sentence"] if selective else "",
        "points": _points(selective["points"]) if selective else [],
        "area": _area(selective) if selective else "",
        "thresholds": [threshold_told(one) for one in selective["thresholds"]] if selective else [],
        "curve": pictures.risk_coverage(selective["curve"], selective["error"]) if selective else None,
    }


def _ece(calibration: Mapping[str, Any]) -> str:
    after = calibration["ece"]
    told = t("Expected calibration error {value:.3f} [{low:.3f}, {high:.3f}].",
             value=after["value"], low=after["low"], high=after["high"])  # fmt: skip
    if "ece_before" not in calibration:
        return told
    before, change = calibration["ece_before"], calibration["change"]
    told += " " + t("Before the temperature {value:.3f} [{low:.3f}, {high:.3f}]; it became smaller by "
                    "{change:+.3f} [{least:+.3f}, {most:+.3f}].",
                    value=before["value"], low=before["low"], high=before["high"], change=change["value"],
                    least=change["low"], most=change["high"])  # fmt: skip
    return told


def _reliability(calibration: Mapping[str, Any]) -> str | None:
    """None where errors.html has the same picture already."""
    if "bins_before" not in calibration:
        return None
    return pictures.before_and_after(calibration["bins_before"], calibration["bins"])


def _points(points: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    return [
        (f"{p['coverage']:.0%}", f"{p['n']:,}", f"{p['threshold']:.3f}",
         f"{p['accuracy']:.3f} [{p['low']:.3f}, {p['high']:.3f}]")
        for p in points
    ]  # fmt: skip


def _area(selective: Mapping[str, Any]) -> str:
    area = selective["aurc"]
    return t("Area under the risk–coverage curve {value:.4f} [{low:.4f}, {high:.4f}]; a sureness that tells nothing "
             "would have {error:.4f}.",
             value=area["value"], low=area["low"], high=area["high"], error=selective["error"])  # fmt: skip


def threshold_told(one: Mapping[str, Any]) -> str:
    if one["threshold"] is None:
        return t("accuracy {wanted:.0%}: these rows are too few, or too often answered wrong, to promise it with any "
                 "threshold", wanted=one["wanted"])  # fmt: skip
    return t("accuracy {wanted:.0%}: answer from a score of {threshold:.3f} on, {coverage:.0%} of the rows (here "
             "{accuracy:.3f} of them right)", **one)  # fmt: skip
