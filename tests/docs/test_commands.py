"""What the pages tell to type is what the commands take: parsed by the command line itself, settings checked, files of
the bench and routes of the server looked up. tests/docs/test_tutorials.py runs what the tutorials tell."""

import json
import re
import shlex
from typing import Any

import pytest
import typer

from docs.pages import ROOT, Block, blocks, english
from luthier.cli.main import build
from luthier.cli.options import data_settings, settings_values, split_source
from luthier.config.settings import check_settings, read_settings

SHELL = [block for page in english() for block in blocks(page, "sh")]
PLAIN = [block for page in english() for block in blocks(page, "") if re.search(r"^luthier ", block.text, re.M)]
GROUP: Any = typer.main.get_command(build())
TRAINING = {"train", "search", "check", "plan", "models", "curve", "init"}
"""Commands that take any setting."""
OTHERS = {"pip", "python", "curl", "ray", "tensorboard", "kill", "printf"}


def lines(block: Block) -> list[str]:
    """A command each; what a backslash joins is one."""
    return [line for line in block.text.replace("\\\n", " ").splitlines() if line.strip() and line[0] not in "# "]


def words_of(line: str) -> list[str]:
    """Of the last command of a pipe, without variables before it and what it is written to."""
    words = shlex.split(line, comments=True)
    while "|" in words:
        words = words[words.index("|") + 1 :]
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return words[: words.index(">")] if ">" in words else words


def of_page(block: Block, *more: Any) -> Any:
    """As parameters; those of the questions are tried in the edit loop, and all by `make test`."""
    return pytest.param(block, *more, marks=() if block.page.stem == "faq" else pytest.mark.slow)


def luthier_lines() -> list[tuple[Block, list[str]]]:
    found = [(block, words_of(line)) for block in [*SHELL, *PLAIN] for line in lines(block) if "luthier " in line]
    return [(block, words[1:]) for block, words in found if words[0] == "luthier"]


def parsed(words: list[str]) -> dict[str, Any]:
    """The parameters by name, as the command would be given them."""
    name, *rest = words
    assert name in GROUP.commands, name
    command = GROUP.commands[name]
    context = command.make_context(name, list(rest))
    return dict(context.params)


def test_the_pages_have_commands_and_every_command_is_on_one() -> None:
    shown = {words[0] for _, words in luthier_lines()}
    assert len(luthier_lines()) > 120
    assert set(GROUP.commands) <= shown


@pytest.mark.parametrize(
    ("block", "words"), [of_page(*one) for one in luthier_lines()], ids=lambda part: str(part)[-60:]
)
def test_every_command_of_the_pages_is_understood(block: Block, words: list[str]) -> None:
    if words == ["--install-completion"]:
        assert any("--install-completion" in option.opts for option in GROUP.params)
        return
    given = parsed(words)
    overrides = [word for word in words[1:] if re.match(r"[a-z_]+(\.[\w*/. -]+)*=", word)]
    if words[0] in TRAINING:
        source, settings = split_source(given.get("source") or words[1:2])
        settings = settings if words[0] not in ("init", "models") else overrides  # models: the others are candidates
        assert source is not None or overrides or given.get("resume"), block
        flags = {key: given.get(key) for key in ("task", "model", "text", "label", "out", "seed") if words[0] != "init"}
        _, values = settings_values(None if source and source.endswith(".yaml") else source, **flags)
        check_settings(read_settings(None, settings, values))
    elif words[0] in ("evaluate", "compare", "suggest"):
        data_settings([word for word in overrides if word.startswith("data.")], {})
        assert all(word.startswith("data.") for word in overrides), block
    else:
        assert all(re.match(r"(generation|data)\.", word) for word in overrides), block


@pytest.mark.parametrize("block", [of_page(block) for block in SHELL], ids=str)
def test_no_other_program_is_needed_but_those_known_and_what_is_asked_of_them_is_there(block: Block) -> None:
    for line in lines(block):
        first, *words = words_of(line)
        assert first == "luthier" or first in OTHERS, line
        if first == "pip":
            extras = re.findall(r"luthier\[([^\]]+)\]", line)
            known = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M))
            assert extras and {name for part in extras for name in part.split(",")} <= known, line
        if first == "python" and words[0] == "-m":
            is_in_the_bench(words[1], words[2:])
        if first == "curl":
            is_a_request(line)


def is_in_the_bench(module: str, words: list[str]) -> None:
    """The module is there, and its options stand in it or in what is shared."""
    found = ROOT / (module.replace(".", "/") + ".py")
    file = found if found.exists() else ROOT / module / "__main__.py"
    assert file.exists(), module
    shared = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bench").glob("*/runs.py"))
    text = file.read_text(encoding="utf-8") + shared
    for word in words:
        assert not word.startswith("--") or f'"{word}"' in text, (module, word)


def is_a_request(line: str) -> None:
    """The route is one of the server's, the body is JSON."""
    routes = {
        route
        for path in (ROOT / "src" / "luthier" / "production").rglob("*.py")
        for route in re.findall(r'"(/[\w/]+)"', path.read_text(encoding="utf-8"))
    }
    path = re.search(r"localhost:\d+(/[\w/]+)", line)
    assert path and path[1] in routes, line
    words = shlex.split(re.sub(r"\$\([^)]*\)", "x", line))
    json.loads(words[words.index("-d") + 1])
