"""A page of this folder: one file that needs no other and runs nothing."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from luthier.explaining.marked import STYLE
from luthier.language import language, t


def rendered(page: str, *, title: str, worth: str, verdict: str, **values: Any) -> str:
    """The page with its style; every value is escaped. verdict: the first sentence; worth: "yes", "no" or another word,
    for its colour."""
    from jinja2 import Environment, FunctionLoader

    here = files("luthier.report")
    style = (here / "page.css").read_text(encoding="utf-8") + STYLE
    loader = FunctionLoader(lambda name: (here / name).read_text(encoding="utf-8"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    template = Environment(autoescape=True, trim_blocks=True, loader=loader).get_template(page)
    return template.render(
        t=t, lang=language(), style=style, style_hash=digest, title=title, worth=worth, verdict=verdict, **values
    )
