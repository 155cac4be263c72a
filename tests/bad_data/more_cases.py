"""Further bad data, each with a remedy that can be pasted: what the families of cases.py do not lead to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from bad_data.cases import CHINESE, GOOD, HEADER, MULTI, REGRESSION, Case, J, lines, rows, table, two_files, written
from bad_data.pasting import Paste
from tiny import ticket_rows

WHEN = (*HEADER, "when")
JANUARY = [f"2024-01-{day:02}" for day in range(1, 30)]
MANY = ticket_rows(240, seed=3)


def dated(*written_times: str, good: Sequence[tuple[str, str]] = GOOD) -> Callable[[Path], object]:
    """A column of times, the given ones again and again."""
    return written(table([(*row, written_times[i % len(written_times)]) for i, row in enumerate(good)], WHEN))


def drifting(folder: Path) -> object:
    """Rows of a year in which the words change."""
    old, new = ("the tariff and the modem", "the invoice in the app")
    texts = [f"{text} {new if i >= 120 else old}" for i, (text, _) in enumerate(MANY)]
    days = [f"2024-{1 + i // 20:02}-{1 + i % 20:02}" for i in range(240)]
    return written(table([(a, b, c) for a, (_, b), c in zip(texts, MANY, days, strict=True)], WHEN))(folder)


def database(folder: Path) -> object:
    (folder / "tickets.csv").unlink(missing_ok=True)
    with sqlite3.connect(folder / "tickets.csv") as base:
        base.execute("create table tickets (body text, team text)")
        base.executemany("insert into tickets values (?, ?)", GOOD)
    base.close()
    return None


def named_for_parts(folder: Path) -> object:
    (folder / "tickets.csv").mkdir()
    for name in ("train", "test", "extra"):
        (folder / "tickets.csv" / f"{name}.csv").write_text(table(GOOD), encoding="utf-8")
    return None


def grouped(*sizes: int) -> Callable[[Path], object]:
    names = [f"customer {i}" for i, size in enumerate(sizes) for _ in range(size)]
    return written(table([(*row, name) for row, name in zip(MANY, names, strict=False)], (*HEADER, "customer")))


def two_lists(folder: Path) -> object:
    train, test = ([{"body": a, "team": b} for a, b in part] for part in (GOOD[:40], GOOD[40:]))
    for name, part in (("train", train), ("test", test)):
        (folder / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")
    return (folder / "tickets.json").write_text(json.dumps({"train": train, "test": test}), encoding="utf-8")


SPANS = [
    {"text": f"Anna {i} lives in <b>Paris</b>", "entities": [{"start": 0, "end": 4, "label": "PER"}]} for i in range(30)
]
_RANDOM = "data.split.time= data.split.by=random"
_BY_TIME = ("data.split.time=when",)
_BY_GROUP = ("data.split.group=customer",)
MORE: list[Case] = [
    # ---- the file
    Case(3, "a missing column named by a flag", "R", "missing-column", written(table(GOOD, ("boddy", "team"))), keys=("--text", "body"), pastes=(Paste("data.columns.text=boddy"),)),
    Case(3, "a missing group column", "R", "missing-column", grouped(*[5] * 48), keys=("data.split.group=custumer",), pastes=(Paste("data.split.group=customer"),)),
    Case(4, "two columns that could be the text", "R", "ambiguous-column", rows(good=[(a, a[::-1], b) for a, b in GOOD], header=("message", "sentence", "team")), pastes=(Paste("data.columns.text=message"), Paste("data.columns.text=sentence"))),
    Case(4, "a name that a shell would tear", "R", "missing-column", written(table([(a, a, b) for a, b in GOOD], ("the body's text", "n", "team"))), keys=("data.columns.text=the bodys text",), pastes=(Paste("data.columns.text='the body'\\''s text'"),)),
    Case(8, "another encoding than is named", "R", "encoding", written(table(CHINESE).encode("gb18030")), keys=("data.encoding=utf-8",), pastes=(Paste("data.encoding=gb18030"),)),
    Case(8, "an encoding that nothing speaks for", "R", "encoding", written(table([(f"{a} \x81\x8d\x8f\x90\x9d", b) for a, b in GOOD]).encode("latin-1")), pastes=(Paste("data.encoding=…", "data.encoding=latin-1"),)),
    Case(75, "a database under a text name", "R", "wrong-kind", database, pastes=(Paste("data.train=sqlite:///tickets.csv 'data.query=select … from …'", "data.train=sqlite:///tickets.csv 'data.query=select body, team from tickets'"),)),
    Case(77, "a folder of which some files are named for a part", "R", "not-a-file", named_for_parts, pastes=(Paste("data.train=tickets.csv/train.csv"),)),
    Case(47, "two lists in one JSON file", "R", "two-lists", two_lists, file="tickets.json", pastes=(Paste("data.train=…", "data.train=train.json data.test=test.json"), Paste("data.test=…", "data.train=train.json data.test=test.json"))),
    # ---- labels, columns
    Case(26, "columns named the other way round", "F!", "swapped-columns", written(table(GOOD, ("text", "label"))), keys=("data.columns.text=label", "data.columns.label=text"), pastes=(Paste("data.columns.text=text data.columns.label=label"),)),
    Case(53, "a list of labels where one is wanted", "F!", "wrong-type", lines({"body": "a text", "team": ["a", "b"]}), keys=("task=classification",), line=61, file=J, pastes=(Paste("task=multilabel"),)),
    Case(51, "words where numbers are wanted", "F!", "not-a-number", written(table([(f"{a} {i}", "late" if i % 2 else "early") for i, (a, _) in enumerate(GOOD)], ("text", "label"))), keys=REGRESSION, line=2, leaves_rows=False, pastes=(Paste("task=classification"),)),
    Case(53, "a flag that is neither 0 nor 1", "F!", "flag-value", rows(("a text", "1", "maybe", "0"), good=[(a, i % 2, i % 3 // 2, 1 - i % 2) for i, (a, _) in enumerate(GOOD)], header=("text", "late", "broken", "lost")), line=62, keys=MULTI, pastes=(Paste("data.columns.label=…", "data.columns.label=late,lost"),)),
    # ---- entities
    Case(59, "cleaning that would move the entities", "R", "conflict", lines(name=J, good=SPANS), file=J, keys=("data.clean=html,mask",), pastes=(Paste("luthier check tickets.jsonl --fix OUT --steps html,mask"),)),
    # ---- texts
    Case(36, "invisible characters between others", "F", "invisible-character", rows(("the par\u200bcel is late", "refund")), line=62, pastes=(Paste("--fix OUT"), Paste("data.clean=control"))),
    # ---- splits
    Case(32, "every label empty", "F!", "missing-label", written(table([(a, "") for a, _ in GOOD])), leaves_rows=False),
    Case(44, "groups too uneven for the shares", "R", "group-split", grouped(220, *[4] * 5), keys=_BY_GROUP, command="init", pastes=(Paste("data.split.test=0.056 data.split.validation=0.028"), Paste("data.split.group= data.split.by=random"))),
    Case(44, "a row without its group", "F!", "missing-group", written(table([(*row, f"c{i // 3}" if i else "") for i, row in enumerate(GOOD)], (*HEADER, "customer"))), keys=_BY_GROUP, line=2, pastes=(Paste("data.split.group= data.split.by=random"),)),
    Case(44, "a time that is none", "F!", "bad-time", dated(*JANUARY, "soon"), keys=_BY_TIME, line=31, pastes=(Paste("data.split.time_format=%d.%m.%Y", "data.split.time= data.split.by=random"),)),
    Case(44, "a row without its time", "F!", "missing-time", dated(*JANUARY, ""), keys=_BY_TIME, line=31, pastes=(Paste(_RANDOM),)),
    Case(44, "day and month that cannot be told apart", "R", "ambiguous-time", dated("03/04/2024", "05/06/2024", "07/08/2024", "09/10/2024"), keys=_BY_TIME, command="init", pastes=(Paste("data.split.time_format=%d/%m/%Y"), Paste("data.split.time_format=%m/%d/%Y"))),
    Case(44, "day and month, with dashes and a time of day", "R", "ambiguous-time", dated("03-04-24 14:00", "05-06-24 15:30", "07-08-24 16:45", "09-10-24 09:00"), keys=_BY_TIME, command="init", pastes=(Paste("data.split.time_format='%d-%m-%y %H:%M'"), Paste("data.split.time_format='%m-%d-%y %H:%M'"))),
    Case(44, "one time only", "R", "time-split", dated("2024-05-01"), keys=_BY_TIME, command="init", pastes=(Paste(_RANDOM),)),
    Case(44, "texts that change over the time", "F", "time-order", drifting, pastes=(Paste("data.split.by=time data.split.time=when"),)),
    Case(32, "groups on both sides", "F", "group-leak", two_files([(*row, f"c{i % 6}") for i, row in enumerate(GOOD)], [(*row, "c1") for row in ticket_rows(90, seed=5)[60:]], (*HEADER, "customer")), keys=("data.test=test.csv", "data.split.group=customer"), file="test.csv", line=2),
]  # fmt: skip
