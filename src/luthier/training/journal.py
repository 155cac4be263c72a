"""metrics.jsonl: what happened, line by line. Nothing is resumed from it, so a disk that fails it stops no training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.files import disk_trouble
from luthier.language import t

Tell = Callable[[Mapping[str, Any]], None]


def unheard(entry: Mapping[str, Any]) -> None:
    """Nobody listens."""


@dataclass
class Journal:
    """length: bytes that are known to be whole lines. warn: is told once where a line could not be written. tell: hears
    every entry too."""

    path: Path
    length: int
    warn: Callable[[str], None]
    tell: Tell = unheard
    _failed: bool = False

    def open_at(self) -> None:
        """Cuts the file back to `length`, what the checkpoint knew, so that no line is lost or doubled.

        Errors: StoppedError where the folder cannot be written at all.
        """
        with disk_trouble(self.path.parent), self.path.open("ab") as file:
            file.truncate(self.length)

    def add(self, entry: Mapping[str, Any], **passing: float) -> None:
        """passing: what only who listens is told: a time is no part of what a resume repeats bit for bit."""
        self.tell({**entry, **passing})
        line = (json.dumps(entry) + "\n").encode()
        try:
            with self.path.open("ab") as file:
                file.write(line)
            self.length += len(line)
        except OSError as error:
            if not self._failed:
                self.warn(t("metrics.jsonl cannot be written ({error}); training goes on", error=error.strerror))
            self._failed = True


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The entries of a run so far; lines that a failing disk cut short are left out."""
    entries: list[dict[str, Any]] = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                continue
    return entries
