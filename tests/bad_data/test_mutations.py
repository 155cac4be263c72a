"""Good files with a byte or a field changed at random: whatever comes of it, it is an answer, never a crash."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bad_data.cases import CHINESE, GOOD, table
from workflow.helpers import luthier

SHARES = 10
EACH = 50


def as_jsonl(rows: list[tuple[str, str]]) -> str:
    return "".join(json.dumps({"body": a, "team": b}, ensure_ascii=False) + "\n" for a, b in rows)


def as_conll(rows: list[tuple[str, str]]) -> str:
    return "".join("".join(f"{word} {'B-X' if i == 0 else 'O'}\n" for i, word in enumerate(text.split())) + "\n" for text, _ in rows)  # fmt: skip


def as_chat(rows: list[tuple[str, str]]) -> str:
    turns = [[{"role": "user", "content": a}, {"role": "assistant", "content": b}] for a, b in rows]
    return "".join(json.dumps({"messages": pair}, ensure_ascii=False) + "\n" for pair in turns)


FILES: list[tuple[str, bytes]] = [
    ("a.csv", table(GOOD).encode()),
    ("b.csv", table(CHINESE).encode()),
    ("c.csv", table(CHINESE).encode("gb18030")),
    ("d.tsv", table(GOOD, delimiter="\t").encode()),
    ("e.jsonl", as_jsonl([*GOOD, *CHINESE]).encode()),
    ("f.json", json.dumps([{"body": a, "team": b} for a, b in GOOD]).encode()),
    ("g.conll", as_conll(GOOD).encode()),
    ("h.jsonl", as_chat(GOOD).encode()),
    ("i.csv", table(GOOD).encode("utf-16")),
]
_BYTES = [
    b"\0",
    b"\xff",
    b'"',
    b",",
    b"\n",
    b"\r",
    b"{",
    b"}",
    b"[",
    b"\\",
    b"\xe4",
    b"\t",
    b";",
    b"'",
    b"\x1a",
    b"\xef\xbb\xbf",
]
_FIELDS = [
    "",
    "NaN",
    "null",
    "1e999",
    "=1+1",
    "\u202e",
    "9" * 400,
    '"',
    "a\nb",
    "\ud800",
    "[]",
    "{}",
    "-0",
    "true",
    "\u0000",
]


def flipped(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]


def inserted(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + draw.choice(_BYTES) * draw.choice([1, 1, 1, 200]) + data[at:]


def removed(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + data[at + draw.choice([1, 2, 5, 100]) :]


def cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def line_moved(data: bytes, draw: random.Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(draw.randrange(len(lines)), lines.pop(draw.randrange(len(lines))))
    return b"\n".join(lines)


def field_changed(data: bytes, draw: random.Random) -> bytes:
    for mark in draw.sample([b",", b"\t", b'"', b" "], 4):
        parts = data.split(mark)
        if len(parts) > 3:
            parts[draw.randrange(1, len(parts) - 1)] = draw.choice(_FIELDS).encode("utf-8", "surrogatepass")
            return mark.join(parts)
    return data


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [flipped, inserted, removed, cut, line_moved, field_changed]


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_a_changed_file_is_answered_with_a_verdict_or_a_placed_message(share: int, tmp_path: Path) -> None:
    draw = random.Random(20261125 + share)
    for number in range(EACH):
        name, data = FILES[draw.randrange(len(FILES))]
        for _ in range(draw.choice([1, 1, 2, 3])):
            data = draw.choice(MUTATIONS)(data, draw) or b"\n"
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(data)
        done = luthier("check", path.name, "--json", cwd=tmp_path)
        assert done.returncode in (0, 1, 2), (path, done.stderr)
        if done.returncode == 2:
            problem = json.loads(done.stderr.splitlines()[0])
            assert problem["file"] == path.name and problem["message"] and problem["fix"] and problem["code"], path
        else:
            found = json.loads(done.stdout)
            assert bool(found["findings"]) == bool(done.returncode)
            for finding in found["findings"]:
                assert finding["message"] and finding["fix"], finding
        path.unlink()
