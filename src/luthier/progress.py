"""How long work speaks while it runs. The workflow calls it; a door (command line, page, library) implements it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager


class Tracker:
    """A bar of `total` units."""

    def advance(self, units: float = 1, note: str = "") -> None:
        """note: what stands behind the bar, such as the present loss."""


class Progress:
    """This one is silent: a library does not print unasked. A door overrides all four."""

    def say(self, text: str = "") -> None:
        """A line of plain text."""

    def warn(self, text: str) -> None:
        """A line that the user should not overlook."""

    def table(self, title: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A small table."""

    @contextmanager
    def track(self, what: str, total: float) -> Iterator[Tracker]:
        """Shows a bar while the block runs, where it runs longer than two seconds."""
        yield Tracker()


SILENT = Progress()
