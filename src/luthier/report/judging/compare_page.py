"""A comparison as a page: one file that needs no other and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.language import t
from luthier.report.page import SHOWN_SCORES, cells
from luthier.report.render import rendered

_MOST_ROWS, _MOST_PARTS, _LONGEST = 20, 40, 400


def compare_page(found: Mapping[str, Any]) -> str:
    """found: what `luthier compare --json` prints."""
    names = [score["name"] for score in found["pairs"][0]["scores"]][:SHOWN_SCORES]
    short = _short_names([run["run"] for run in found["runs"]])
    return rendered(
        "judging/compare.html",
        title=t("{task}: {count} runs compared", task=found["task"], count=len(short)),
        worth="yes" if found["verdict"]["sure"] else "unclear",
        verdict=found["verdict"]["sentence"],
        judged=t("On {n} rows that are the same for all of them; in brackets the 95 % bootstrap interval.",
                 n=found["rows"]),
        notes=found["notes"],
        names=names,
        systems=[_system(run, short, names, found["verdict"]["best"]) for run in found["runs"]],
        metric=found["metric"],
        pairs=[_pair(pair, short) for pair in found["pairs"]],
        differences=_differences(found, short, names),
        against=[_against(one, found["runs"][0]["run"], short) for one in found["against_first"]],
    )  # fmt: skip


def _short_names(runs: Sequence[str]) -> dict[str, str]:
    """The folders' own names, where these tell them apart."""
    own = [Path(run).name for run in runs]
    return dict(zip(runs, own if len(set(own)) == len(own) else runs, strict=True))


def _system(run: Mapping[str, Any], short: Mapping[str, str], names: Sequence[str], best: str) -> dict[str, Any]:
    what = " · ".join(str(run[key]) for key in ("model", "method") if run[key])
    return {"title": short[run["run"]], "what": what, "cells": cells(run["scores"], names), "best": run["run"] == best}


def _pair(pair: Mapping[str, Any], short: Mapping[str, str]) -> dict[str, Any]:
    main, rows = pair["scores"][0], pair["mcnemar"]
    return {
        "first": short[pair["first"]],
        "second": short[pair["second"]],
        "difference": f"{main['difference']:+.3f}",
        "interval": f"{main['low']:+.3f} – {main['high']:+.3f}",
        "p": _p(main["p"]),
        "holm": _p(main["holm"]),
        "rows": "–" if rows is None else f"{rows['second_only']} : {rows['first_only']}",
        "mcnemar": "–" if rows is None else _p(rows["p"]),
        "mcnemar_holm": "–" if rows is None else _p(rows["holm"]),
    }


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _differences(found: Mapping[str, Any], short: Mapping[str, str], names: Sequence[str]) -> list[dict[str, Any]]:
    """Every score of each run against the first."""
    first = found["runs"][0]["run"]
    made: list[dict[str, Any]] = []
    for pair in found["pairs"]:
        if pair["first"] == first:
            own = {score["name"]: score for score in pair["scores"]}
            made.append({
                "title": short[pair["second"]],
                "cells": [
                    {"value": f"{own[name]['difference']:+.3f}",
                     "interval": f"{own[name]['low']:+.3f} – {own[name]['high']:+.3f}"}
                    for name in names
                ],
            })  # fmt: skip
    return made


def _against(one: Mapping[str, Any], first: str, short: Mapping[str, str]) -> dict[str, Any]:
    parts = sorted([*one["classes"], *one["slices"]], key=lambda part: -abs(part["difference"]))
    return {
        "title": t("{second} against {first}", second=short[one["run"]], first=short[first]),
        "first": short[first],
        "second": short[one["run"]],
        "parts": [
            {
                "title": f"{part['by']}: {part['value']}",
                "rows": part["rows"],
                "score": part["score"],
                "first": f"{part['first']:.3f}",
                "second": f"{part['second']:.3f}",
                "difference": f"{part['difference']:+.3f}",
                "interval": f"{part['low']:+.3f} – {part['high']:+.3f}",
            }
            for part in parts[:_MOST_PARTS]
        ],
        "turned": [
            {"title": title, "count": len(one[name]), "rows": [_row(row) for row in one[name][:_MOST_ROWS]]}
            for title, name in ((t("Wrong in the first, right in the second"), "fixed"),
                                (t("Right in the first, wrong in the second"), "broken"))
        ],
    }  # fmt: skip


def _row(row: Mapping[str, Any]) -> dict[str, str]:
    return {key: _text(row[key]) for key in ("line", "text", "answer", "first", "second")}


def _text(value: Any) -> str:
    if isinstance(value, dict) and "label" in value:
        value = f"{value['label']} ({value['score']:.2f})"
    text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
