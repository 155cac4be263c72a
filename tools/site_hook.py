"""What `mkdocs build` needs beside the pages: the parts of the reference that are made of the program, and what only a
reader of the plain files needs, left out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_MADE = re.compile(r"^<!-- made of the program: (\w+) -->$", re.M)
_OTHER_LANGUAGE = re.compile(r"\A(# .*\n+)\*\*\[(?:中文|English)\].*\n", re.M)
_BETWEEN = re.compile(r"(?<=[\u2014\u201d\u3001-\u9fff\uff01-\uff5e])\n {0,3}(?=[\u201c\u300a\u4e00-\u9fff\uff08])")
"""The end of a line that goes on with a Chinese character."""


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    zh = page.file.src_uri.endswith(".zh-CN.md")
    markdown = _OTHER_LANGUAGE.sub(r"\1", markdown)  # the site has a switch for it
    return _MADE.sub(lambda found: made(zh)[found[1]], _joined(markdown) if zh else markdown)


def _joined(markdown: str) -> str:
    """Lines broken between two Chinese characters as one: a browser would show the end of a line as a blank."""
    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.M | re.S)
    return "".join(part if part.startswith("```") else _BETWEEN.sub("", part) for part in parts)


@cache
def made(zh: bool) -> dict[str, str]:
    """The three parts in Markdown. Help is put together while the command line is imported, so that each language takes
    a process of its own."""
    environment = {
        **os.environ,
        "LUTHIER_LANG": "zh" if zh else "en",
        "PYTHONPATH": os.pathsep.join((str(ROOT / "tools"), str(ROOT / "src"))),
    }
    words = [sys.executable, "-m", "reference"]
    return json.loads(subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True).stdout)
