"""luthier runs: which runs are there; one of them; away with some."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Quiet
from luthier.language import t

if TYPE_CHECKING:
    from luthier.registry import Entry

_ACTIONS = ("list", "show", "delete")
_MOST_SCORES = 8


def runs(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[list FOLDER…|show RUN|delete RUN…]",
            help=t("list those under runs/ or in the named folders; show one; delete some"),
            show_default=False,
        ),
    ] = None,
    sort: Annotated[
        str, typer.Option("--sort", help=t("name, date, task, model, method, score, verdict, state or size"))
    ] = "date",
    task: Annotated[str | None, typer.Option("--task", help=t("only runs of this task"))] = None,
    data: Annotated[
        str | None, typer.Option("--data", help=t("only runs on files whose names this is a part of"))
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("delete without a question"))] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    words = list(words or ())
    action = words.pop(0) if words and words[0] in _ACTIONS else "list"
    screen = Console(json=json, quiet=quiet)
    if action == "show":
        _show(words, screen, json=json)
    elif action == "delete":
        _delete(words, screen, yes=yes, json=json)
    else:
        _list(words, screen, sort=sort, task=task, data=data, json=json)


def _list(words: list[str], screen: Console, *, sort: str, task: str | None, data: str | None, json: bool) -> None:
    from luthier.files import size_text
    from luthier.registry import RUNS, chosen, find_runs, in_order

    found = in_order(chosen(find_runs([Path(word) for word in words]), task=task, data=data), sort)
    if json:
        print_json([entry.as_json() for entry in found])
        return
    rows = [
        (str(e.path), _date(e).replace(" ", "\n"), f"{e.task}\n{e.method}", Path(e.model).name, _score(e, "\n"),
         e.verdict, _state(e), size_text(e.size))
        for e in found
    ]  # fmt: skip
    if not rows:
        screen.say(t("no runs here: {folders}", folders=", ".join(words) or RUNS))
        return
    headers = (t("name"), t("date"), t("task") + "\n" + t("method"), t("model"), t("score"), t("worth it"), t("state"),
               t("size"))  # fmt: skip
    screen.table(t("{count} runs", count=len(rows)), headers, rows)


def _show(words: list[str], screen: Console, *, json: bool) -> None:
    from luthier.files import size_text
    from luthier.registry import named_run, read_entry

    entry = read_entry(named_run(_one(words)))
    if json:
        print_json({**entry.as_json(), "report": dict(entry.report)})
        return
    facts = [(t("run"), str(entry.path)), (t("date"), _date(entry)), (t("state"), _state(entry)),
             (t("task"), entry.task), (t("model"), entry.model), (t("method"), entry.method),
             (t("data"), ", ".join(entry.data)), (t("size"), size_text(entry.size))]  # fmt: skip
    screen.table(entry.name, ("", ""), facts)
    report = entry.report
    scores = [(s["name"], f"{s['value']:.4f}", "" if s["low"] is None else f"[{s['low']:.4f}, {s['high']:.4f}]")
              for s in report.get("scores", ())[:_MOST_SCORES]]  # fmt: skip
    if scores:
        screen.table(t("scores"), (t("score"), t("value"), t("95 % interval")), scores)
        screen.say(report["verdict"]["sentence"])
    if "seeds" in report:
        screen.say(report["seeds"]["sentence"])
    if entry.state == "unfinished":
        screen.say(t("go on with: luthier train --resume --out {folder}", folder=entry.path))


def _delete(words: list[str], screen: Console, *, yes: bool, json: bool) -> None:
    from luthier.errors import RunError
    from luthier.files import size_text
    from luthier.registry import check_deletable, delete, named_run, read_entry

    if not words:
        raise RunError.at("luthier runs delete", t("names no run"), t("luthier runs delete RUN"), code="usage")
    paths = list(dict.fromkeys(named_run(word) for word in words))
    check_deletable(paths)
    entries = [read_entry(path) for path in paths]
    if not yes:
        for entry in entries:
            print(f"{entry.path}  {_state(entry)}  {size_text(entry.size)}", file=sys.stderr)
        if not sys.stdin.isatty():
            what, fix = t("nobody is there to be asked"), t("say so with --yes")
            raise RunError.at("luthier runs delete", what, fix, code="not-confirmed")
        if not typer.confirm(t("delete {count} runs with all that is in their folders?", count=len(paths)), err=True):
            screen.say(t("nothing was deleted"))
            return
    gone: list[dict[str, Any]] = []
    for path in paths:
        gone.append({"run": str(path), "bytes": delete(path)})
        screen.say(t("deleted {run} ({size})", run=path, size=size_text(gone[-1]["bytes"])))
    if json:
        print_json({"deleted": gone})


def _one(words: list[str]) -> str:
    from luthier.errors import RunError

    if len(words) != 1:
        what = t("show wants one run, {count} are named", count=len(words))
        raise RunError.at("luthier runs show", what, t("luthier runs show RUN"), code="usage")
    return words[0]


def _date(entry: Entry) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.started)) if entry.started else ""


def _score(entry: Entry, between: str) -> str:
    if entry.score is None:
        return ""
    interval = "" if entry.low is None or entry.high is None else f"{between}[{entry.low:.3f}, {entry.high:.3f}]"
    return f"{entry.metric} {entry.score:.3f}{interval}"


def _state(entry: Entry) -> str:
    """With how many runs lie in it."""
    names = {"finished": t("finished"), "unfinished": t("unfinished"), "running": t("running")}
    return names[entry.state] + (f" ({entry.within})" if entry.within else "")
