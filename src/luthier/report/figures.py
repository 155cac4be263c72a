"""The pictures of the report, as SVG whose text is text: every script is drawn by the reader's own fonts."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from luthier.errors import printable
from luthier.language import t

_MOST_CLASSES = 20
BLUE, ORANGE, GREY = "#1f5fa8", "#c05a00", "#777777"


@contextmanager
def drawing(width: float, height: float):
    """A figure of that many inches; what it becomes is read with svg."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "luthier",
        "font.size": 9,
        "font.family": ["DejaVu Sans", "sans-serif"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
    }
    with plt.rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # glyphs that the measuring font lacks; the browser has them
        figure = plt.figure(figsize=(width, height))
        try:
            yield figure
        finally:
            plt.close(figure)


def svg(figure: Any) -> str:
    """A data: address, so that nothing in the picture can run and the page needs no other file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg_bytes(figure)).decode("ascii")


def svg_bytes(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": "Luthier"})
    return stream.getvalue()


def loss_curve(history: Sequence[Mapping[str, Any]], best_step: int, metric: str) -> str | None:
    """Training loss, smoothed over a fiftieth of the run, with the validation's loss and main score."""
    steps = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    checks = [(entry["step"], entry["validation"]) for entry in history if "validation" in entry]
    if len(steps) < 2:
        return None
    with drawing(7.2, 2.8) as figure:
        axes = figure.add_subplot()
        x, y = np.array(steps, float).T
        width = max(1, len(y) // 50)
        smooth = np.convolve(np.pad(y, (width - 1, 0), mode="edge"), np.ones(width) / width, mode="valid")
        axes.plot(x, smooth, color=BLUE, label=t("training loss"))
        axes.set_xlabel(t("step"))
        axes.set_ylabel(t("loss"))
        if checks:
            at = [step for step, _ in checks]
            axes.plot(at, [v.get("loss", np.nan) for _, v in checks], "o--", color=GREY, label=t("validation loss"))
            other = axes.twinx()
            other.spines["right"].set_visible(True)
            other.plot(at, [v.get(metric, np.nan) for _, v in checks], "s-", color=ORANGE, label=metric)
            other.set_ylabel(metric)
            axes.axvline(best_step, color=ORANGE, linewidth=0.8, linestyle=":")
            handles = [*axes.get_lines()[:2], *other.get_lines()[:1]]
            axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=3, frameon=False)
        axes.set_ylim(bottom=0)
        return svg(figure)


def learning_curve(
    points: Sequence[Mapping[str, float]], drawn: Sequence[Mapping[str, float]], present: int, metric: str
) -> str:
    """Measured scores with their intervals, the fitted curve with its band, and the rows that there are. Each point has
    rows, value, low and high."""
    with drawing(7.2, 3.4) as figure:
        axes = figure.add_subplot()
        if drawn:
            x = [p["rows"] for p in drawn]
            axes.fill_between(x, [p["low"] for p in drawn], [p["high"] for p in drawn], color=BLUE, alpha=0.15)
            axes.plot(x, [p["value"] for p in drawn], color=BLUE, label=t("fitted and drawn on"))
        value = np.array([p["value"] for p in points])
        ends = np.array([[p["low"] for p in points], [p["high"] for p in points]])
        spread = np.maximum([value - ends[0], ends[1] - value], 0)
        at = [p["rows"] for p in points]
        axes.errorbar(at, value, spread, fmt="o", color=ORANGE, markersize=4, linewidth=1, label=t("measured"))
        axes.axvline(present, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda rows, _: f"{rows:,.0f}")
        axes.set_xlabel(t("training rows"))
        axes.set_ylabel(metric)
        axes.legend(loc="lower right", frameon=False)
        return svg(figure)


def confusion_matrix(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str | None:
    """Rows are answers, columns predictions; shades are shares of the row. None for more classes than fit."""
    n = len(labels)
    if n > _MOST_CLASSES:
        return None
    table = np.array(counts)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    names = [short(label) for label in labels]
    size = 1.5 + 0.36 * n
    with drawing(size + 0.5, size) as figure:
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(n), names, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(n), names)
        axes.set_xlabel(t("predicted"))
        axes.set_ylabel(t("answer"))
        for (i, j), count in np.ndenumerate(table):
            if count:
                axes.text(j, i, str(count), ha="center", va="center", color="white" if shares[i, j] > 0.55 else "black")
        return svg(figure)


def reliability_diagram(bins: Sequence[Mapping[str, float]]) -> str | None:
    """How often the model is right when it says how sure it is."""
    if not bins:
        return None
    with drawing(3.4, 3.2) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
        x, y = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
        sizes = np.array([b["n"] for b in bins], float)
        axes.plot(x, y, color=BLUE, linewidth=1)
        axes.scatter(x, y, s=12 + 120 * sizes / sizes.max(), color=BLUE, alpha=0.7)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.04), xlabel=t("confidence"), ylabel=t("share that is right"))
        return svg(figure)


def scatter(points: Sequence[Mapping[str, float]]) -> str | None:
    """Numbers that were right against those that were predicted."""
    if not points:
        return None
    right, said = np.array([[p["answer"] for p in points], [p["predicted"] for p in points]], float)
    low, high = min(right.min(), said.min()), max(right.max(), said.max())
    with drawing(3.6, 3.4) as figure:
        axes = figure.add_subplot()
        axes.plot([low, high], [low, high], color=GREY, linewidth=0.8, linestyle="--")
        axes.scatter(right, said, s=8, color=BLUE, alpha=0.4, linewidths=0)
        axes.set(xlabel=t("answer"), ylabel=t("predicted"))
        return svg(figure)


def error_bars(title: str, names: Sequence[str], shares: Sequence[float], counts: Sequence[int]) -> str | None:
    """Share of wrong answers in each part, the worst on top; behind the name how many rows it has."""
    if not names:
        return None
    order = np.argsort(shares)[-_MOST_CLASSES:]
    with drawing(5.2, 0.8 + 0.24 * len(order)) as figure:
        axes = figure.add_subplot()
        axes.barh(range(len(order)), [shares[i] for i in order], color=ORANGE, height=0.7)
        axes.set_yticks(range(len(order)), [f"{short(str(names[i]))} ({counts[i]})" for i in order])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_title(title, loc="left")
        return svg(figure)


def short(label: str, most: int = 24) -> str:
    """A label as it may stand beside an axis; $ would begin a formula."""
    text = label if len(label) <= most else label[: most - 1] + "…"
    return text.replace("$", r"\$")


def bars(names: Sequence[str], values: Sequence[float]) -> str | None:
    """The first of them from the top, each with its value; shares (all below 1) as per cent."""
    if not names:
        return None
    shown, total = values[:_MOST_CLASSES], len(values)
    as_share = all(value <= 1 for value in values)
    with drawing(5.2, 0.8 + 0.24 * len(shown)) as figure:
        axes = figure.add_subplot()
        axes.barh(range(len(shown)), shown, color=BLUE, height=0.7)
        axes.set_yticks(range(len(shown)), [short(printable(name)) for name in names[: len(shown)]])
        axes.invert_yaxis()
        for i, value in enumerate(shown):
            axes.annotate(f" {value:.1%}" if as_share else f" {value:,}", (value, i), va="center")
        axes.xaxis.set_visible(False)
        if total > len(shown):
            axes.set_title(t("the first {shown} of {total}", shown=len(shown), total=total), loc="left")
        return svg(figure)


def histogram(lengths: np.ndarray, limit: int | None) -> str | None:
    """How long rows are, up to the 99.5th percentile, the rest in the last bin. limit: a line at this length."""
    if len(lengths) < 2:
        return None
    most = max(float(np.quantile(lengths, 0.995)), limit or 0, 1)
    with drawing(5.2, 2.4) as figure:
        axes = figure.add_subplot()
        axes.hist(np.minimum(lengths, most), bins=40, color=BLUE)
        if limit is not None:
            axes.axvline(limit, color=ORANGE, linewidth=1.2)
        axes.set_ylabel(t("rows"))
        return svg(figure)


def front(
    points: Sequence[Mapping[str, Any]], kept: Sequence[str], label: str, metric: str, *, higher_is_better: bool
) -> str | None:
    """Quality over cost. points: `name`, `cost` above 0, `value` with its `low` and `high`. kept: names of those that
    no other beats in both, the cheapest first; they are joined. label: of the cost."""
    if not points or any(not point["cost"] > 0 for point in points):
        return None
    with drawing(4.6, 3.2) as figure:
        axes = figure.add_subplot()
        by_name = {point["name"]: point for point in points}
        axes.plot([by_name[n]["cost"] for n in kept], [by_name[n]["value"] for n in kept], color=BLUE, linewidth=1)
        for point in points:
            colour = BLUE if point["name"] in kept else GREY
            if point["low"] is not None:
                axes.plot([point["cost"]] * 2, [point["low"], point["high"]], color=colour, linewidth=0.8, alpha=0.6)
            axes.scatter([point["cost"]], [point["value"]], s=22, color=colour)
            axes.annotate(f" {short(point['name'])}", (point["cost"], point["value"]), va="bottom")
        axes.set_xscale("log")
        axes.margins(x=0.25)
        if not higher_is_better:
            axes.invert_yaxis()
        axes.set(xlabel=label, ylabel=metric)
        return svg(figure)
