"""The language in which Luthier speaks: English, or Chinese through a gettext catalogue.

Codes, keys and JSON stay English; only sentences for people pass through here.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("locale")
_spoken: ContextVar[str] = ContextVar("spoken", default="")


def language() -> str:
    """ "zh" where LUTHIER_LANG or the locale says Chinese, else "en"; inside `speaking` what that says."""
    if _spoken.get():
        return _spoken.get()
    for name in ("LUTHIER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Speaks "en" or "zh" inside the block, in this context alone: one server answers readers of both."""
    token = _spoken.set(name)
    try:
        yield
    finally:
        _spoken.reset(token)


def t(message: str, /, **values: object) -> str:
    """The sentence in the user's language, with its {named} places filled in.

    A message without values is returned as it stands, braces and all.
    """
    translated = _catalogue(language()).gettext(message)
    return translated.format(**values) if values else translated


@cache
def _catalogue(name: str) -> gettext.NullTranslations:
    return gettext.translation("luthier", _FOLDER, languages=[name], fallback=True)
