"""Every code of a finding or an error with the sentences that come with it, read off the sources: a code stands in a
call beside what is said and the remedy."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import luthier
from luthier.language import language, t
from reference.tables import code, plain, table

_SOURCE = Path(luthier.__file__).parent
_CODE = re.compile(r"[a-z]+(?:[-_][a-z]+)+")
_BARE = frozenset(
    re.findall(
        r"\w+",
        "boilerplate bug conflict disk draining encoding exists html imbalance interrupted mojibake outlier overloaded"
        " shortcut template timeout truncation unreachable unreadable usage vocabulary",
    )
)
"""Codes of a single word, which could be any word."""
_FINDINGS = ("doctor", "data", "reading", "formats", "tasks", "answering", "tagging", "chat", "splitting", "media")
_SERVER = ("production",)


_Held = dict[str, list[tuple[int, list[str]]]]
"""By the name of a variable: the lines in which it is given something, with the sentences in that."""


@dataclass
class Said:
    """what: sentences in which a code is told, fix: remedies; rooms: the folders of the sources that tell it."""

    what: list[str] = field(default_factory=list)
    fix: list[str] = field(default_factory=list)
    rooms: set[str] = field(default_factory=set)
    finding: bool = False


def page() -> str:
    found = codes()
    data = {name for name, said in found.items() if said.finding or any(room in _FINDINGS for room in said.rooms)}
    server = {name for name, said in found.items() if said.rooms <= set(_SERVER)}
    zh = language() == "zh"
    groups = (
        ("数据里的发现与错误" if zh else "Of data", data - server),
        ("服务器的错误" if zh else "Of the server", server),
        ("其他错误" if zh else "Of everything else", set(found) - data - server),
    )
    headers = ("代码", "说的话", "补救") if zh else ("code", "what is said", "remedy")
    parts = [f"## {title}\n\n{table(headers, _rows(found, names))}" for title, names in groups]
    return "\n".join(parts)


def _rows(found: dict[str, Said], names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    for name in sorted(names):
        said = found[name]
        yield f'<span id="{name}"></span>{code(name)}', _shown(said.what), _shown(said.fix)


def _shown(sentences: list[str], most: int = 3) -> str:
    """The first few; a code that is told in forty ways is no better known by all of them."""
    told = [plain(t(one)) for one in dict.fromkeys(sentences)]
    return "<br>".join(told[:most]) + ("<br>…" if len(told) > most else "")


def codes() -> dict[str, Said]:
    found: dict[str, Said] = {}
    for path in sorted(_SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        room = path.relative_to(_SOURCE).parts[0].removesuffix(".py")
        for scope in ast.walk(tree):
            if isinstance(scope, ast.FunctionDef):
                assigned = _assigned(scope)
                for node in ast.walk(scope):
                    _note(found, node, assigned, room)
    return found


def _note(found: dict[str, Said], node: ast.AST, assigned: _Held, room: str) -> None:
    """node: a call beside whose code stands what is said, or a tuple of the three."""
    if isinstance(node, ast.Call):
        given, named = node.args, [keyword.value for keyword in node.keywords]
        name, sure = _code(node), any(keyword.arg == "code" for keyword in node.keywords)
    elif isinstance(node, ast.Tuple) and node.elts:
        given, named, sure = node.elts, [], False
        name = _one_code(node.elts)
    else:
        return
    heard = [_sentences(argument, assigned) for argument in [*given, *named]]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "at":
        heard = heard[1:]  # the first is the place
    else:
        heard = [one for one in heard if one]
    if name is None or not (sure or any(heard)):
        return
    said = found.setdefault(name, Said())
    said.rooms.add(room)
    said.finding |= isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
    said.what += heard[0] if heard else []
    said.fix += [sentence for one in heard[1:] for sentence in one]


def _code(call: ast.Call) -> str | None:
    """The code among a call's arguments: by name, or the one word among sentences."""
    for keyword in call.keywords:
        if keyword.arg == "code":
            return _constant(keyword.value)
    if isinstance(call.func, ast.Name) and call.func.id in ("t", "getattr", "need", "require"):
        return None
    return _one_code(call.args)


def _one_code(given: Iterable[ast.expr]) -> str | None:
    words = [word for word in map(_constant, given) if word and (_CODE.fullmatch(word) or word in _BARE)]
    return words[0] if len(words) == 1 and "_" not in words[0] else None


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _sentences(node: ast.expr, assigned: _Held) -> list[str]:
    """What goes through t() in an expression, or in what was last put into the variables it names."""
    said: list[str] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "t" and part.args:
            sentence = _constant(part.args[0])
            said += [sentence] if sentence else []
        elif isinstance(part, ast.Name):
            before = [sentences for line, sentences in assigned.get(part.id, ()) if line < node.lineno]
            said += before[-1] if before else []
    return said


def _assigned(function: ast.FunctionDef) -> _Held:
    held: _Held = {}
    given = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    for node in sorted(given, key=lambda one: one.lineno):
        for target in node.targets:
            _hold(held, target, node.value)
    return held


def _hold(held: _Held, target: ast.expr, given: ast.expr) -> None:
    if isinstance(target, ast.Tuple) and isinstance(given, ast.Tuple):
        for one, its in zip(target.elts, given.elts, strict=False):
            _hold(held, one, its)
    elif isinstance(target, ast.Name):
        held.setdefault(target.id, []).append((given.lineno, _sentences(given, held)))
