"""luthier compare: which run is better, and is the difference real?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Quiet, data_settings
from luthier.language import t

if TYPE_CHECKING:
    from luthier.comparing.compare import Against, Comparison

_MOST_SCORES, _MOST_PARTS, _MOST_ROWS, _LONGEST = 8, 8, 5, 60


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN… [data.…=…]…", help=t("folders of finished runs of one task"))
    ],
    data: Annotated[
        str | None, typer.Option("--data", help=t("judge all on these labelled rows instead of their own test rows"))
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help=t("write the comparison as a page, such as compare.html"))
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.files import check_target, disk_trouble, write_text

    if out is not None:
        check_target(out, (".html",))
    settings = [word for word in runs if word.startswith("data.") and "=" in word]
    folders = [Path(word) for word in runs if word not in settings]
    how = data_settings(settings, {})
    if settings and data is None:
        from luthier.errors import ConfigError

        what = t("{setting} says how to read a file, and none is named", setting=settings[0].partition("=")[0])
        raise ConfigError.at("luthier compare", what, t("add --data FILE, or leave it out"), code="conflict")
    from luthier.comparing.compare import compare as find

    screen = Console(json=json, quiet=quiet)
    found = find(folders, data, how, screen=screen)
    if out is not None:
        from luthier.report.judging.compare_page import compare_page

        with disk_trouble(out.parent):
            write_text(out, compare_page(found.as_json()))
    _show(found, screen)
    if json:
        print_json(found.as_json())
    if out is not None:
        screen.say(t("written to {path}", path=out))


def _show(found: Comparison, screen: Console) -> None:
    names = [score.name for score in found.pairs[0].scores[:_MOST_SCORES]]
    headers = (t("score"), *found.runs)
    rows = [(name, *(_value(report, name) for report in found.reports)) for name in names]
    title = t("{part}, {n} rows", part=t(found.part), n=found.rows) if found.part else t("{n} rows", n=found.rows)
    screen.table(title, headers, rows)
    several = len(found.runs) > 2
    for pair in found.pairs[:1] if not several else ():
        scores = [(s.name, f"{s.difference:+.4f}", f"[{s.low:+.4f}, {s.high:+.4f}]", f"{s.p:.3f}")
                  for s in pair.scores[:_MOST_SCORES]]  # fmt: skip
        screen.table(t("second minus first, positive where it is better"),
                     (t("score"), t("difference"), t("95 % interval"), "p"), scores)  # fmt: skip
    if several:
        pairs = [
            (found.runs[p.first], found.runs[p.second], f"{p.main.difference:+.4f}",
             f"[{p.main.low:+.4f}, {p.main.high:+.4f}]", f"{p.main.p:.3f}", f"{p.main.holm:.3f}",
             "–" if p.rows is None else f"{p.rows.holm:.3f}")
            for p in found.pairs
        ]  # fmt: skip
        headers = (t("first"), t("second"), found.metric, t("95 % interval"), "p", t("p (Holm)"), t("McNemar (Holm)"))
        screen.table(t("each pair, second minus first"), headers, pairs)
    for one in found.against:
        _against(found, one, screen)
    for note in found.notes:
        screen.say(note)
    screen.say()
    screen.say(found.sentence)


def _value(report: Any, name: str) -> str:
    score = next(score for score in report.scores if score.name == name)
    return f"{score.value:.4f}"


def _against(found: Comparison, one: Against, screen: Console) -> None:
    """What differs most between a run and the first."""
    first, second = found.runs[0], found.runs[one.run]
    parts = sorted([*one.classes, *one.slices], key=lambda part: -abs(part.difference))[:_MOST_PARTS]
    rows = [
        (f"{part.by}: {part.value}", str(part.rows), part.score, f"{part.first:.3f}", f"{part.second:.3f}",
         f"{part.difference:+.3f} [{part.low:+.3f}, {part.high:+.3f}]")
        for part in parts
    ]  # fmt: skip
    if rows:
        headers = (t("part"), t("rows"), t("score"), first, second, t("difference"))
        screen.table(t("where {second} and {first} differ most", second=second, first=first), headers, rows)
    test = next(p.rows for p in found.pairs if (p.first, p.second) == (0, one.run))
    if test is None:
        return
    screen.say(t("{rows} rows: {fixed} wrong in {first} and right in {second}, {broken} the other way "
                 "(McNemar's exact test p = {p:.2g})", rows=test.rows, fixed=test.second_only, first=first,
                 second=second, broken=test.first_only, p=test.p))  # fmt: skip
    for title, rows in ((t("became right"), one.turned["fixed"]), (t("became wrong"), one.turned["broken"])):
        cells = [(str(row["line"] or ""), _short(row["text"]), _short(row["answer"]), _short(row["first"]),
                  _short(row["second"])) for row in rows[:_MOST_ROWS]]  # fmt: skip
        if cells:
            screen.table(t("{title}: the first {shown} of {count}", title=title, shown=len(cells), count=len(rows)),
                         (t("line"), t("text"), t("answer"), first, second), cells)  # fmt: skip


def _short(value: Any) -> str:
    text = str(value.get("label", value) if isinstance(value, dict) else value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
