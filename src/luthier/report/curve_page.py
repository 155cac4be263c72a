"""The learning curve as a page: one file that needs no other and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.language import t
from luthier.report import figures
from luthier.report.render import rendered


def curve_page(curve: Mapping[str, Any]) -> str:
    """curve: what `luthier curve --json` prints."""
    return rendered(
        "curve.html",
        title=t("How much would more data help?"),
        worth="yes" if curve["told"] else "unclear",
        verdict=curve["sentence"],
        picture=figures.learning_curve(curve["points"], curve["drawn"], curve["rows"], curve["metric"]),
        picture_alt=t("Score over the number of training rows, measured and drawn on"),
        caption=t("Learning curve of {learner}: dots are measured, with 95 % intervals; the line is the fitted power "
                  "law, the band its 95 % interval. The dotted line marks the {rows:,} training rows that there are.",
                  learner=curve["learner"], rows=curve["rows"]),
        tables=[table for table in (_outlooks(curve), _points(curve), _tests(curve), _classes(curve)) if table["rows"]],
        notes=curve["notes"],
    )  # fmt: skip


def _outlooks(curve: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        (f"{o['rows']:,} ({o['factor']}×)", f"{o['value']:.3f} [{o['low']:.3f}, {o['high']:.3f}]",
         f"{o['gain']:+.3f} [{o['gain_low']:+.3f}, {o['gain_high']:+.3f}]")
        for o in curve["outlooks"]
    ]  # fmt: skip
    headers = (t("training rows"), curve["metric"], t("change from now"))
    return {"title": t("What more rows would bring"), "headers": headers, "rows": rows}


def _points(curve: Mapping[str, Any]) -> dict[str, Any]:
    rows = [(f"{p['rows']:,}", f"{p['value']:.3f} [{p['low']:.3f}, {p['high']:.3f}]") for p in curve["points"]]
    return {"title": t("Measured"), "headers": (t("training rows"), curve["metric"]), "rows": rows}


def _tests(curve: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        (f"{b['known']:,}", f"{b['rows']:,}", f"{b['predicted']:+.3f}", f"{b['measured']:+.3f}",
         f"{b['error']:+.3f} [{b['low']:+.3f}, {b['high']:+.3f}]")
        for b in curve["back_tests"]
    ]  # fmt: skip
    headers = (t("known rows"), t("forecast to"), t("forecast change"), t("measured change"), t("error"))
    return {"title": t("The forecast, tested on itself"), "headers": headers, "rows": rows}


def _classes(curve: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        (c["label"], f"{c['rows']:,}", f"{c['before']:.3f}", f"{c['after']:.3f}",
         f"{c['gain']:+.3f} ± {c['high'] - c['gain']:.3f}")
        for c in curve["classes"]
    ]  # fmt: skip
    headers = (t("class"), t("rows"), t("with half of them"), t("with all"), t("change"))
    title = t("Each class: share of its rows that is found, with half of the rows and with all")
    return {"title": title, "headers": headers, "rows": rows}
