"""Both languages say everything."""

import re
import string
import sys
from pathlib import Path

import pytest

from luthier.language import language, t

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from messages import LOCALE, sentences, translations


def fields(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


def test_every_sentence_has_a_chinese_translation_and_none_is_left_over() -> None:
    known = translations()
    assert sentences() == set(known)
    assert not [sentence for sentence, translation in known.items() if not translation]


def test_translations_have_the_same_named_places() -> None:
    for message, translation in translations().items():
        if fields(message):
            assert fields(message) == fields(translation), message


def test_the_compiled_catalogue_is_that_of_the_text() -> None:
    import gettext

    with (LOCALE / "luthier.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message, translation in translations().items():
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
def test_the_language_is_the_users(environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LUTHIER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, environment.get(name, ""))
    assert language() == expected


def test_a_message_is_said_in_chinese_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert t("no such file") == "no such file"
    monkeypatch.setenv("LUTHIER_LANG", "zh")
    assert t("no such file") == translations()["no such file"] != "no such file"


def test_what_can_be_pasted_stands_apart_from_chinese_characters() -> None:
    """A reader copies up to the blank: 用data.clean=html会 would be taken for one word."""
    chinese, setting = r"[\u4e00-\u9fff]", r"(?:--[a-z]+|[a-z_]+(?:\.[a-z_]+)+=[\w.…{}%/-]*)"
    for message, translation in translations().items():
        torn = re.search(rf"{chinese}{setting}|{setting}(?<=[A-Za-z0-9…}}]){chinese}", translation, re.ASCII)
        assert not torn, (message, torn)
