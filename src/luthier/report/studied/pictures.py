"""The pictures of a search: how each trial went, and which values went with which score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from luthier.errors import printable
from luthier.language import t
from luthier.report.figures import BLUE, GREY, ORANGE, drawing, short, svg

_FAINT = "#b8c4d0"


def curves(trials: Sequence[Mapping[str, Any]], best: int, metric: str) -> str | None:
    """Each trial's score over the share of its own steps: the winner, the default, those that ended and those that
    were stopped are told apart by line as well as by colour."""
    drawn = [trial for trial in trials if trial.get("curve")]
    if not drawn:
        return None
    styles = {
        "stopped": (_FAINT, ":", 1.0, t("stopped")),
        "done": (GREY, "-", 0.9, t("to the end")),
        "default": (BLUE, "--", 2.0, t("the default")),
        "best": (ORANGE, "-", 2.2, t("the winner")),
    }
    with drawing(7.2, 3.4) as figure:
        axes, named = figure.add_subplot(), set[str]()
        for kind in styles:
            for trial in drawn:
                if _kind(trial, best) != kind:
                    continue
                color, line, width, name = styles[kind]
                x = [100 * point["share"] for point in trial["curve"]]
                y = [math.nan if point["value"] is None else point["value"] for point in trial["curve"]]
                label = None if name in named else name
                axes.plot(x, y, line, color=color, linewidth=width, marker="o", markersize=2.5, label=label)
                named.add(name)
        axes.set_xlabel(t("per cent of a trial's own steps"))
        axes.set_ylabel(metric)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=4, frameon=False)
        return svg(figure)


def _kind(trial: Mapping[str, Any], best: int) -> str:
    if trial["number"] == best:
        return "best"
    return "default" if trial["number"] == 0 else "stopped" if trial["state"] == "stopped" else "done"


def parallel(
    rows: Sequence[Mapping[str, Any]], scores: Sequence[float], metric: str, best: int, *, higher_is_better: bool
) -> str | None:
    """An axis for each setting and one for the score, a line for each trial, the darker the better. rows: of each trial
    its settings by key; one that has no meaning in a trial is missing, and is passed by dotted. best: of the rows."""
    keys = [
        key for key in dict.fromkeys(key for row in rows for key in row) if len({str(r.get(key)) for r in rows}) > 1
    ]
    if len(rows) < 2 or not keys:
        return None
    columns = [_axis([row.get(key) for row in rows]) for key in keys]
    columns.append(_axis(list(scores)))
    rank = np.argsort(np.argsort(scores if higher_is_better else -np.array(scores)))
    with drawing(max(5.0, 1.35 * len(columns)), 3.4) as figure:
        import matplotlib as mpl

        axes, shades = figure.add_subplot(), mpl.colormaps["Blues"]
        for i in np.argsort(rank):
            y = np.array([column[0][i] for column in columns])
            color = ORANGE if i == best else shades(0.25 + 0.7 * rank[i] / max(1, len(rows) - 1))
            there = np.flatnonzero(~np.isnan(y))
            axes.plot(there, y[there], ":", color=color, linewidth=0.9)
            axes.plot(
                range(len(columns)), y, color=color, linewidth=2.2 if i == best else 1.1, marker=".", markersize=4
            )
        for x, (_, ticks) in enumerate(columns):
            axes.axvline(x, color=GREY, linewidth=0.6)
            for y, text in ticks:
                axes.annotate(short(printable(text)), (x, y), xytext=(3, 0), textcoords="offset points", fontsize=7,
                              va="center")  # fmt: skip
        names = [*(key.rpartition(".")[2] if key.count(".") else key for key in keys), metric]
        axes.set_xticks(range(len(columns)), names)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        return svg(figure)


def _axis(values: Sequence[Any]) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Places from 0 to 1 (not a number for what is missing), and what stands beside them. Numbers over several sizes
    lie by their logarithm, words evenly."""
    numbers = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in numbers):
        low, high = min(numbers), max(numbers)
        log = low > 0 and high >= 8 * low
        place = (lambda v: math.log(v)) if log else float
        span = place(high) - place(low) or 1.0
        at = np.array([np.nan if v is None else (place(v) - place(low)) / span for v in values])
        ends = [(0.0, f"{low:.4g}")] + ([(1.0, f"{high:.4g}")] if high > low else [])
        return at, ends
    words = list(dict.fromkeys(str(value) for value in numbers))
    spots = {word: i / max(1, len(words) - 1) for i, word in enumerate(words)}
    at = np.array([np.nan if value is None else spots[str(value)] for value in values])
    return at, [(spot, word) for word, spot in spots.items()]
