"""luthier curve: how much would more data help?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Model, Quiet, Seed, Source, Task, Text, read_words
from luthier.language import t

if TYPE_CHECKING:
    from luthier.choosing.curve import Curve

_MOST_CLASSES = 8


def curve(
    source: Source = None,
    task: Task = None,
    model: Model = None,
    text: Text = None,
    label: Label = None,
    seed: Seed = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help=t("write the curve as a page, such as curve.html"))
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.choosing.curve import learning_curve
    from luthier.config.settings import check_settings
    from luthier.files import check_target, disk_trouble, write_text

    if out is not None:
        check_target(out, (".html",))
    settings = check_settings(read_words(source, task=task, model=model, text=text, label=label, seed=seed))
    screen = Console(json=json, quiet=quiet)
    found = learning_curve(settings, screen=screen)
    if out is not None:
        from luthier.report.curve_page import curve_page

        with disk_trouble(out.parent):
            write_text(out, curve_page(found.as_json()))
    _show(found, screen)
    if json:
        print_json(found.as_json())
    if out is not None:
        screen.say(t("written to {path}", path=out))


def _show(found: Curve, screen: Console) -> None:
    told = found.forecast
    rows = [(f"{p.rows:,}", f"{p.value:.3f}", f"[{p.low:.3f}, {p.high:.3f}]", "") for p in found.points]
    for o in told.outlooks:
        gain = f"{o.gain:+.3f} [{o.gain_low:+.3f}, {o.gain_high:+.3f}]"
        rows.append((f"{o.rows:,} ({o.factor}×)", f"{o.value:.3f}", f"[{o.low:.3f}, {o.high:.3f}]", gain))
    headers = (t("training rows"), found.metric, t("95 % interval"), t("change from now"))
    screen.table(t("learning curve of {learner}", learner=found.learner), headers, rows)
    for test in told.back_tests:
        screen.say(
            t("tested on itself: from {known:,} to {rows:,} rows {predicted:+.3f} was forecast, {measured:+.3f} was "
              "measured",
              known=test.known, rows=test.rows, predicted=test.predicted, measured=test.measured)
        )  # fmt: skip
    gained = [c for c in found.classes if c.low > 0][:_MOST_CLASSES]
    if gained:
        cells = [(c.label, f"{c.rows:,}", f"{c.before:.3f}", f"{c.after:.3f}", f"{c.gain:+.3f} ± {c.high - c.gain:.3f}")
                 for c in gained]  # fmt: skip
        headers = (t("class"), t("rows"), t("with half of them"), t("with all"), t("change"))
        screen.table(t("classes that more rows helped most (share of their rows that is found)"), headers, cells)
    for note in found.notes:
        screen.say(note)
    screen.say()
    screen.say(told.sentence)
