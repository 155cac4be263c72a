"""Both languages say everything."""

import ast
import re
import string
from pathlib import Path

import pytest

from luthier.language import language, t

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "src" / "luthier" / "locale" / "zh" / "LC_MESSAGES"


def messages() -> set[str]:
    """Every literal that goes through t() in the sources and the page."""
    found: set[str] = set()
    for path in (ROOT / "src" / "luthier").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    page = (ROOT / "src" / "luthier" / "report" / "page.html").read_text(encoding="utf-8")
    found |= {a or b for a, b in re.findall(r"""\bt\((?:"([^"]+)"|'([^']+)')""", page)}
    return found


def catalogue() -> dict[str, str]:
    from babel.messages.pofile import read_po

    with (LOCALE / "luthier.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file) if m.id}


def fields(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


def test_every_message_has_a_chinese_translation_and_none_is_left_over() -> None:
    known = catalogue()
    extra = {"train", "validation", "test"}  # parts of a split, translated by their names
    assert messages() | extra == set(known)
    assert not [message for message, translation in known.items() if not translation]


def test_translations_have_the_same_named_places() -> None:
    for message, translation in catalogue().items():
        if fields(message):
            assert fields(message) == fields(translation), message


def test_the_compiled_catalogue_is_that_of_the_text() -> None:
    import gettext

    with (LOCALE / "luthier.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message, translation in catalogue().items():
        assert compiled.gettext(message) == translation


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LUTHIER_LANG": "zh"}, "zh"),
        ({"LUTHIER_LANG": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LUTHIER_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LUTHIER_LANG": "", "LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_is_the_users(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LUTHIER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, environment.get(name, ""))
    assert language() == expected


def test_a_message_is_said_in_chinese_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert t("no such file") == "no such file"
    monkeypatch.setenv("LUTHIER_LANG", "zh")
    assert t("no such file") == catalogue()["no such file"] != "no such file"
