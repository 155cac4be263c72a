"""What can go wrong, always said as: where, what, and the remedy."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

from luthier.language import t

MOST_LINES = 20
"""A message is read in a terminal: longer ones hide their own beginning."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere the user can look. Prints as file:line:column; what is not known is left out.

    file: a path as the user wrote it, or "command line". line: from 1, as an editor counts.
    column: a number in text files, a column's name in tables.
    """

    file: str
    line: int | None = None
    column: int | str | None = None

    def __str__(self) -> str:
        parts = [self.file] + [str(part) for part in (self.line, self.column) if part is not None]
        return ":".join(printable(part) for part in parts)

    def as_json(self) -> dict[str, Any]:
        return {"file": without_secrets(self.file), "line": self.line, "column": self.column}


def places_text(places: Sequence[Place], most: int) -> str:
    """The first of them in short: a file is named once, then come its lines alone; "…" for the rest."""
    parts: list[str] = []
    file = None
    for place in places[:most]:
        same = place.file == file and place.line is not None
        parts.append(str(place.line) if same else str(place))
        file = place.file
    return ", ".join(parts) + (" …" if len(places) > most else "")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. code: kebab-case, never changes once released. also: further places of the same."""

    place: Place
    what: str
    fix: str
    code: str
    also: tuple[Place, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.what}"]
        if self.also:
            more = len(self.also)
            shown = ", ".join(str(p.line) if p.line is not None else str(p) for p in self.also[:10])
            more_left = "…" if more > 10 else ""
            lines.append("  " + t("{more} more like it: {lines}", more=more, lines=shown) + more_left)
        lines.append("  " + t("fix: {fix}", fix=self.fix))
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        return {**self.place.as_json(), "code": self.code, "message": self.what, "fix": self.fix}


class LuthierError(Exception):
    """A mistake the user can mend. The command line prints it without a traceback and exits with `exit_code`."""

    exit_code = 2

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems

    @classmethod
    def at(cls, place: Place | str, what: str, fix: str, *, code: str, also: Iterable[Place] = ()) -> Self:
        """The usual form: one problem. place: a Place, or a file or folder as the user wrote it."""
        where = place if isinstance(place, Place) else Place(place)
        return cls(Problem(where, what, fix, code, tuple(also)))

    def __str__(self) -> str:
        lines = "\n".join(map(str, self.problems)).split("\n")
        if len(lines) <= MOST_LINES:
            return "\n".join(lines)
        hidden = len(lines) - MOST_LINES + 1
        return "\n".join([*lines[: MOST_LINES - 1], t("… and {hidden} more lines", hidden=hidden)])


class ConfigError(LuthierError):
    """A setting that does not exist or has the wrong kind of value."""


class DataError(LuthierError):
    """A file or row that cannot be used."""


class ModelError(LuthierError):
    """A pretrained model that cannot be loaded or does not fit what is asked of it."""


class RunError(LuthierError):
    """A run's folder that is in use, finished, or belongs to other settings."""


class CheckpointError(LuthierError):
    """A checkpoint that is damaged or belongs to another run."""


class StoppedError(LuthierError):
    """The machine or the numerics stopped a run; what a resume needs is on disk."""

    exit_code = 3


class FindingError(LuthierError):
    """A check that was not passed."""

    exit_code = 1


class InterruptedRun(LuthierError):  # noqa: N818  an interruption is no error of anybody's
    """A signal stopped a run after a finished step. exit_code: 130 for Ctrl-C, 143 for SIGTERM and SIGHUP."""

    def __init__(self, *problems: Problem, exit_code: int = 130) -> None:
        super().__init__(*problems)
        self.exit_code = exit_code


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The remedy for a name that does not exist: the nearest one that does, or all of them."""
    names = sorted(known)
    nearest = nearest_name(word, names)
    if nearest is not None:
        return t("did you mean '{name}'?", name=nearest)
    return t("known here: {names}", names=", ".join(names) or t("none"))


def nearest_name(word: str, known: Iterable[str]) -> str | None:
    """The most similar name, or None where none is similar. Case and a full path do not hide a likeness."""
    by_folded = {name.casefold(): name for name in known}
    last_parts: dict[str, str] = {}
    for folded, name in by_folded.items():
        last_parts.setdefault(folded.rpartition(".")[2], name)
    asked = word.casefold()
    for table in (by_folded, last_parts):
        matches = get_close_matches(asked, table, n=1, cutoff=0.6)
        if matches:
            return table[matches[0]]
    return None


def first_line(error: BaseException, most: int = 200) -> str:
    """Of what it says, so many characters; its class where it says nothing."""
    said = str(error).strip()
    return said.splitlines()[0][:most] if said else type(error).__name__


def shown(value: object, most: int = 60) -> str:
    """A user's value as it may stand in a message: shortened, control characters escaped, quoted."""
    text = printable(str(value))
    if len(text) > most:
        text = text[: most - 1] + "…"
    return f"'{text}'"


def printable(text: str) -> str:
    """Control, bidirectional and lone surrogate characters escaped: they must not reach a terminal. Nor do secrets."""
    text = without_secrets(text)
    if text.isprintable() and not any(unicodedata.bidirectional(c) in _BIDI for c in text if c > "\u06ff"):
        return text
    return "".join(_escape(c) for c in text)


def without_secrets(text: str) -> str:
    """Addresses without who logs in and with what: that reaches no message and no record. ${NAME} stays."""
    if "://" not in text:
        return text
    return _SECRET_KEY.sub(_hidden, _LOGIN.sub(_hidden, text))


def _hidden(match: re.Match[str]) -> str:
    """${NAME} stands for an environment variable: a name is no secret."""
    return match[0] if "${" in match[2] else f"{match[1]}***{match[3]}"


_LOGIN = re.compile(r"(://)([^/\s]*)(@)")
_SECRET_KEY = re.compile(
    r"([?&;][\w.-]*(?:token|sig|signature|secret|password|passwd|pwd|key|credential|auth)[\w.-]*=)([^&;\s'\"]+)()", re.I
)

_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _escape(character: str) -> str:
    if character.isprintable() and unicodedata.bidirectional(character) not in _BIDI:
        return character
    return character.encode("unicode_escape", errors="backslashreplace").decode("ascii")
