"""The pictures of how far a model can be trusted, in the house's style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from luthier.language import t
from luthier.report.figures import BLUE, GREY, ORANGE, drawing, short, svg

_MOST_BARS = 30


def before_and_after(before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]]) -> str:
    """Two reliability diagrams in one: how often the model is right when it says how sure it is."""
    with drawing(3.6, 3.2) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
        for bins, colour, name in ((before, ORANGE, t("before")), (after, BLUE, t("after"))):
            x, y = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
            sizes = np.array([b["n"] for b in bins], float)
            axes.plot(x, y, color=colour, linewidth=1, label=name)
            axes.scatter(x, y, s=10 + 90 * sizes / sizes.max(), color=colour, alpha=0.6)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.04), xlabel=t("confidence"), ylabel=t("share that is right"))
        axes.legend(loc="upper left", frameon=False)
        return svg(figure)


def risk_coverage(curve: Sequence[Sequence[float]], error: float) -> str:
    """Share of wrong answers over the share of rows that are answered, the surest first."""
    with drawing(3.8, 3.2) as figure:
        axes = figure.add_subplot()
        coverage, risk = np.array(curve, float).T
        axes.plot(coverage, risk, color=BLUE, drawstyle="steps-post" if len(curve) < 20 else "default")
        axes.axhline(error, color=GREY, linewidth=0.8, linestyle="--")
        axes.set(xlim=(0, 1.01), xlabel=t("share of the rows answered"), ylabel=t("share of these wrong"))
        axes.set_ylim(bottom=0)
        return svg(figure)


def differences(names: Sequence[str], values: Sequence[float], ends: Sequence[tuple[float, float]], axis: str) -> str:
    """A dot and its 95 % interval for each name, the first on top; the dashed line is no difference."""
    shown = range(min(len(names), _MOST_BARS))
    with drawing(5.6, 0.8 + 0.26 * len(shown)) as figure:
        axes = figure.add_subplot()
        axes.axvline(0, color=GREY, linewidth=0.8, linestyle="--")
        for i in shown:
            low, high = ends[i]
            sure = low > 0 or high < 0
            axes.plot([low, high], [i, i], color=ORANGE if sure else BLUE, linewidth=1.4)
            axes.plot(values[i], i, "o", color=ORANGE if sure else BLUE, markersize=4)
        axes.set_yticks(list(shown), [short(names[i], 44) for i in shown])
        axes.invert_yaxis()
        axes.set_xlabel(axis)
        return svg(figure)
