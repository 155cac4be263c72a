"""What of a remedy can be pasted, taken from the words that the command printed; and the command with it pasted."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow.helpers import Done, luthier

_VALUE = r"(?:\\'|'[^']*'|[^\s|;?()，；？（）。、',]|,(?=\S))*"
_SETTING = rf"(?:'[a-z][a-z_]*(?:\.[a-z_]+)*=[^']*'|(?<![\w.])[a-z][a-z_]*(?:\.[a-z_]+)*={_VALUE})"
_FLAG = r"--[a-z]+(?: [A-Z]{2,}(?![a-z])| [a-z]+/\S+)?"
_COMMAND = r"luthier [a-z]+ \S+(?: --[a-z]+ [^\s;，；]+)+"
_RUNNABLE = re.compile(rf"{_COMMAND}|(?:{_SETTING}|{_FLAG})(?: (?:{_SETTING}|{_FLAG}))*")
_NEAR = re.compile(r"'([^']+)'\s?[?？]")


@dataclass(frozen=True)
class Paste:
    """printed: words of a remedy, side by side. typed: what a user writes in their place, where they hold a "…".
    stays: the words are taken and the finding is told again, since it is about the data and not about the command."""

    printed: str
    typed: str = ""
    stays: bool = False

    @property
    def words(self) -> list[str]:
        return shlex.split(self.typed or self.printed)


def runnable(fix: str, code: str) -> list[str]:
    """The alternatives that a remedy names, each as it can be pasted behind the command: settings and flags that stand
    side by side belong together. Of a file that does not exist, the name in whose place another is to be put."""
    found = [match[0].rstrip(".:") for match in _RUNNABLE.finditer(fix)]
    return found or (_NEAR.findall(fix) if code == "no-such-file" else [])


def told(done: Done) -> list[dict[str, Any]]:
    """The problems of a refusal, or the findings of a check."""
    if done.returncode == 2:
        return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return json.loads(done.stdout)["findings"]


def codes(done: Done) -> set[str]:
    return {problem["code"] for problem in told(done)}


def pasted(command: str, data: str, keys: tuple[str, ...], words: list[str], folder: Path) -> Done:
    """The command run again with the words behind it; after --fix, the same check of the copy. A word that is neither
    setting nor flag stands for the data, a whole command for the one that was run."""
    if words[0] == "luthier":
        command, data, *words = words[1:]
        keys = ()
    elif "=" not in words[0] and not words[0].startswith("--"):
        data, words = words[0], words[1:]
    done = luthier(command, data, *keys, *words, "--json", cwd=folder)
    if "--fix" not in words or done.returncode:
        return done
    parts = json.loads(done.stdout)["fixed"]["parts"]
    given = [f"data.{part}={path}" for part, path in parts.items() if part != "train"]
    kept = [key for key in keys if not key.startswith(("data.test=", "data.validation="))]
    return luthier(command, parts["train"], *kept, *given, "--json", cwd=folder)
