"""What drifted, as a page: one file that needs no other and runs nothing."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from luthier.language import t
from luthier.report.render import rendered


def drift_page(found: Mapping[str, Any], run: str) -> str:
    """found: what `luthier drift --json` prints. run: its name."""
    told = measure_rows(found)
    return rendered(
        "drifting/drift.html",
        title=t("{run}: has what it is asked drifted?", run=run),
        worth={True: "no", False: "yes"}.get(found["drift"], "mid"),
        verdict=found["sentence"],
        rows=found["rows"],
        held=found["held_out"],
        repeated=found["repeated"],
        alpha=found["alpha"],
        when=_when(found),
        measures=[
            {"cells": cells, "sentence": one["sentence"], "drifts": one["drifts"]}
            for cells, one in zip(told, found["measures"], strict=True)
        ],
        notes=found["notes"],
    )


def measure_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Name, statistic, effect, from where it matters, p after Holm, and whether it counts."""
    names = {
        "length": t("length"), "rare_words": t("rare words"), "unknown_tokens": t("unknown tokens"),
        "words": t("words"), "embedding": t("embedding"), "labels": t("answers"), "confidence": t("sureness"),
        "answers": t("answers"),
    }  # fmt: skip
    statistics = {
        "kolmogorov_smirnov": t("largest distance of the distributions"), "auc": t("AUC of telling them apart"),
        "total_variation": t("distance of the shares"), "difference_of_means": t("difference of the means"),
    }  # fmt: skip
    return [
        (names[one["name"]], statistics[one["statistic"]], f"{one['effect']:.3f}", f"{one['least']:g}",
         f"{one['adjusted']:.3f}" if one["adjusted"] >= 0.0005 else "< 0.001", t("yes") if one["drifts"] else t("no"))
        for one in found["measures"]
    ]  # fmt: skip


def _when(found: Mapping[str, Any]) -> str:
    if found["first"] is None:
        return ""
    times = (datetime.datetime.fromtimestamp(found[key], datetime.UTC) for key in ("first", "last"))
    first, last = (f"{time:%Y-%m-%d %H:%M}" for time in times)
    return t("Asked from {first} to {last} (UTC).", first=first, last=last)
