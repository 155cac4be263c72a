"""The Python of the pages: every name, argument and attribute in it is one that Luthier has."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docs.pages import ROOT, blocks, english

OF_OTHERS = {"serving": "# pyright: reportArgumentType=false, reportCallIssue=false\n"}
"""Pages whose code calls a library that types more narrowly than it works."""
SETTINGS = {"extraPaths": [str(ROOT / "src")], "reportOptionalMemberAccess": False}
"""What is None only where a run lacks something is not asked for that on a page."""


def written() -> dict[str, str]:
    """The blocks of a page one after another, as a reader types them; most begin after `import luthier`."""
    found = {}
    for page in english():
        code = "".join(block.text for block in blocks(page, "python"))
        if code:
            name = str(page.relative_to(ROOT)).removesuffix(".md").replace("/", "_")
            found[name] = OF_OTHERS.get(page.stem, "") + "import luthier\n" + code
    return found


def test_it_is_python() -> None:
    assert len(written()) > 18
    for name, code in written().items():
        compile(code, name, "exec")


def said_of(folder: Path) -> dict[str, Any]:
    """What pyright says of the files there."""
    (folder / "pyrightconfig.json").write_text(json.dumps(SETTINGS))
    words = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "."]
    return json.loads(subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120).stdout)


@pytest.mark.slow
def test_it_calls_what_is_there_with_what_it_takes_and_what_is_not_would_be_seen(tmp_path: Path) -> None:
    for name, code in written().items():
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    (tmp_path / "wrong.py").write_text("import luthier\nluthier.train('a.csv').verdict.sentense\nluthier.plan()\n")
    said = said_of(tmp_path)
    assert said["summary"]["filesAnalyzed"] == len(written()) + 1
    wrong = [one for one in said["generalDiagnostics"] if one["severity"] == "error"]
    assert [(Path(one["file"]).name, one["range"]["start"]["line"]) for one in wrong] == [
        ("wrong.py", 1),
        ("wrong.py", 2),
    ]
