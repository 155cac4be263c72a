"""The language in which Luthier speaks: English, or Chinese through a gettext catalogue.

Codes, keys and JSON stay English; only sentences for people pass through here.
"""

from __future__ import annotations

import gettext
import os
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("locale")


def language() -> str:
    """ "zh" where LUTHIER_LANG or the locale says Chinese, else "en"."""
    for name in ("LUTHIER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def t(message: str, /, **values: object) -> str:
    """The sentence in the user's language, with its {named} places filled in.

    A message without values is returned as it stands, braces and all.
    """
    translated = _catalogue(language()).gettext(message)
    return translated.format(**values) if values else translated


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    return gettext.translation("luthier", _FOLDER, languages=[name], fallback=True)
