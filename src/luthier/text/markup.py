"""HTML remains to the text that a reader of the page sees.

Only what is surely HTML goes: `a < b`, `<user>`, `<time>` and `List<String>` are somebody's words. Every search below
takes time linear in the text, whatever stands in it: texts come from strangers.
"""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5

_SURELY = "br hr p li ul ol tr td th dd dt dl div span font table tbody thead h1 h2 h3 h4 h5 h6"
_MAYBE = """
a abbr acronym article aside b bdi bdo big blockquote body button caption center cite code col colgroup del dfn em
fieldset figcaption figure footer form head header html i iframe img input ins kbd label legend link main map mark meta
nav noscript option picture pre q s samp script section select small strike strong style sub sup svg tfoot title tt u
var video wbr
"""
_ALONE = frozenset(_SURELY.split())
"""Names that nobody uses for anything else, taken for a tag wherever they stand in brackets."""
_NAMES = _ALONE | frozenset(_MAYBE.split())
"""The others are tags where they carry attributes or are closed; `<link>` alone may stand for an address."""
_BLOCKS = """
article aside blockquote body br caption center dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6
head header hr html legend li main nav ol option p pre section table tbody tfoot thead title tr ul
"""
_LINES = frozenset(_BLOCKS.split())
"""What a browser begins a new line for."""
_CELLS = frozenset(("td", "th"))
_SWITCHES = "allowfullscreen async checked controls defer disabled hidden nowrap noshade readonly selected"
_BARE = frozenset(_SWITCHES.split())
"""Attributes that are written without a value."""

_VALUE = r"""\s*=\s*(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>]++)"""
_TAG = re.compile(
    rf"<(/?)([a-z][a-z0-9]*+)((?:\s++[a-z_:@][\w:.@-]*+(?:{_VALUE})?)*+)\s*+/?>", re.IGNORECASE | re.ASCII
)
_ATTRIBUTE = re.compile(rf"\s+([a-z_:@][\w:.@-]*+)({_VALUE})?", re.IGNORECASE | re.ASCII)
_DECLARATION = re.compile(r"<!doctype[^<>]*+>|<\?xml[^<>]*+>", re.IGNORECASE | re.ASCII)
_CLOSED = re.compile(r"</([a-z][a-z0-9]*+)\s*+>", re.IGNORECASE | re.ASCII)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_NESTED = re.compile(r"&(?:amp;)++")
_UNSEEN = tuple(
    (re.compile(begin, re.IGNORECASE | re.ASCII), re.compile(end, re.IGNORECASE | re.ASCII))
    for begin, end in (
        ("<!--", "-->"),
        (r"<script(?=[\s/>])", r"</script\s*+>"),
        (r"<style(?=[\s/>])", r"</style\s*+>"),
    )
)
"""From where to where a browser shows nothing."""


def without_markup(text: str) -> str:
    """Comments, scripts and styles go with what is in them; tags go, those of blocks leave a line break, those of cells
    a space; entities that end in ";" become their characters (`?a=1&copy=2` is an address and stays)."""
    if "<" in text:
        before = text
        for begin, end in _UNSEEN:
            text = _cut(text, begin, end)
        closed = {name.lower() for name in _CLOSED.findall(text)}
        text = _DECLARATION.sub("", text)
        text = _TAG.sub(lambda match: _instead(match, closed), text)
        if text != before:
            text = text.strip("\n")
    return _ENTITY.sub(_character, _NESTED.sub("&", text)) if "&" in text else text


def _cut(text: str, begin: re.Pattern[str], end: re.Pattern[str]) -> str:
    """Without what stands from `begin` to `end`, both included; what is never ended stays."""
    kept: list[str] = []
    position = 0
    while (first := begin.search(text, position)) and (last := end.search(text, first.end())):
        kept.append(text[position : first.start()])
        position = last.end()
    return "".join([*kept, text[position:]])


def _instead(match: re.Match[str], closed: set[str]) -> str:
    slash, name, attributes = match[1], match[2].lower(), match[3]
    if name not in _NAMES or not _are_attributes(attributes):
        return match[0]
    if not (name in _ALONE or slash or "=" in attributes or name in closed):
        return match[0]
    return "\n" if name in _LINES else " " if name in _CELLS else ""


def _are_attributes(text: str) -> bool:
    """Not so the words of `a <b and c> d`."""
    found = _ATTRIBUTE.findall(text)
    return any(value for _, value in found) or all(name.lower() in _BARE for name, _ in found)


def _character(match: re.Match[str]) -> str:
    written = match[0]
    return unescape(written) if written[1] == "#" else html5.get(written[1:], written)
