"""Who may drive the page: who was given its address, from a page that this server itself has sent."""

from __future__ import annotations

import hmac
from typing import Any

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import Request, cookie_parser
from starlette.responses import Response

from luthier.language import speaking, t
from luthier.production.requests import Refusal, refusal_reply

LANGUAGES = ("en", "zh")
OPEN_PATHS = ("/static/",)
"""The page's own parts, in which nothing of the user's stands."""
_CHANGING = frozenset(("POST", "PUT", "DELETE", "PATCH"))
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types explanation"
)
"""Of the page: its own files alone, and no text is ever made code."""
PAPER_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
"""Of reports, which have their style in them and run nothing."""
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """Around the application, in plain ASGI. token: in the address that was printed, afterwards in a cookie that no
    script reads. A page of another site, or of another server on this machine, is turned away by what browsers say of
    where a request comes from. Each request is answered in the language that it asks for."""

    def __init__(self, app: Any, token: str, port: int) -> None:
        self._app, self._token = app, token
        self.cookie = f"luthier-{port}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = QueryParams(scope["query_string"]).get("token", "") if scope["path"] == "/" else ""

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    told.setdefault(name, value)
                told.setdefault("content-security-policy", PAGE_POLICY)
                told.setdefault("cache-control", "no-cache" if _is_open(scope["path"]) else "no-store")
                if self._knows(given):
                    told["set-cookie"] = f"{self.cookie}={given}; Path=/; HttpOnly; SameSite=Strict"
            await send(message)

        with speaking(_language(headers)):
            refusal = self._refusal(scope, headers, given)
            if refusal is None:
                await self._app(scope, receive, send_guarded)
            elif scope["path"] == "/":
                await Response(_LOCKED, 401, media_type="text/html")(scope, receive, send_guarded)
            else:
                await refusal_reply(Request(scope), refusal)(scope, receive, send_guarded)

    def _refusal(self, scope: Any, headers: Headers, given: str) -> Refusal | None:
        if _is_open(scope["path"]):
            return None
        site = headers.get("sec-fetch-site", "same-origin")
        origin = headers.get("origin")
        own = f"http://{headers.get('host', '')}"
        elsewhere = site not in ("same-origin", "none") and not (scope["path"] == "/" and given)
        if elsewhere or (scope["method"] in _CHANGING and origin != own):
            return Refusal(403, t("only the page that this server has sent may ask this"), code="other-origin")
        if not self._knows(given) and not self._knows(cookie_parser(headers.get("cookie", "")).get(self.cookie, "")):
            return Refusal(401, t("open the address that luthier ui printed"), code="no-token")
        return None

    def _knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())


def _is_open(path: str) -> bool:
    return path.startswith(OPEN_PATHS)


def _language(headers: Headers) -> str:
    """As the page says; of what is no page's, as the browser prefers."""
    asked = headers.get("x-luthier-language") or headers.get("accept-language", "")
    return "zh" if asked.lower().startswith("zh") else "en"


_LOCKED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Luthier</title>
<h1>Luthier</h1><p>Open the address that <code>luthier ui</code> printed: it has the key to this page.</p>
<p lang="zh">请打开 <code>luthier ui</code> 打印的地址：其中带有打开本页的密钥。</p></html>"""
