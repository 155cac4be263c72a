"""What `luthier check --fix` says when the copy is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.cli.console import Console
from luthier.errors import printable
from luthier.language import t

if TYPE_CHECKING:
    from luthier.fixup import Fixed


def tell_fixed(fixed: Fixed, screen: Console) -> None:
    rows = [(name, f"{fixed.changes.get(name, 0):,}", _left(fixed.left.get(name, 0))) for name in fixed.steps]
    screen.table(t("mended"), (t("step"), t("changes"), t("left as they are")), rows)
    screen.say(t("{written:,} of {rows:,} rows stand in {path}; every change in {log}",
                 written=fixed.written, rows=fixed.rows, path=fixed.out, log=fixed.log))  # fmt: skip
    if fixed.untouched:
        columns = ", ".join(map(printable, fixed.untouched))
        screen.say(t("columns that no step looks at: {columns}", columns=columns))
    train = fixed.parts["train"]
    others = "".join(f" data.{part}={path}" for part, path in fixed.parts.items() if part != "train")
    screen.say(t("next: luthier check {what}, then luthier train {what}", what=f"{train}{others}"))


def _left(count: int) -> str:
    return f"{count:,}" if count else ""
