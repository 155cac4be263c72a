"""Who is let in: those with a key, who ask for this machine by its own name, as long as there is room."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request

from luthier.errors import ConfigError, printable
from luthier.language import t
from luthier.production.limits import Limits
from luthier.production.requests import Refusal, refusal_reply

OPEN_PATHS = frozenset(("/health/live", "/health/ready"))
"""For what watches the server, which has no key."""
LOCAL_NAMES = frozenset(("localhost", "127.0.0.1", "[::1]"))
_SHORTEST = 16
_KEY = re.compile(r"[\x21-\x7e]+")


def read_keys(file: Path | None, environment: str | None) -> list[bytes]:
    """Digests of the keys: of a file with one a line, and of LUTHIER_API_KEYS with commas between. Errors: ConfigError
    for a file that cannot be read and for a key that is easily guessed."""
    named: list[tuple[str, str]] = []
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            what = t("the keys cannot be read: {error}", error=error)
            raise ConfigError.at(str(file), what, t("a text file with one key a line"), code="unreadable") from None
        named += [(f"{file}:{number}", line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
        if not named:
            raise ConfigError.at(str(file), t("holds no key"), t("a text file with one key a line"), code="no-keys")
    named += [("LUTHIER_API_KEYS", key.strip()) for key in (environment or "").split(",") if key.strip()]
    for place, key in named:
        if len(key) < _SHORTEST or not _KEY.fullmatch(key):
            what = t("a key has at least {count} visible ASCII characters", count=_SHORTEST)
            fix = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'
            raise ConfigError.at(place, what, fix, code="weak-key")
    return [_digest(key) for _, key in named]


class Door:
    """Around the application, in plain ASGI: looks at the headers alone, before a body is read. keys: digests; without
    any all are let in. hosts: names by which the server may be asked for; empty for any. A page of another site that a
    browser on this machine shows can reach 127.0.0.1 under a name of its own, but not under these. overload: what is
    said to who asks for an answer now, None where there is room: saying no has to cost little when many ask."""

    def __init__(
        self,
        app: Any,
        keys: Sequence[bytes] = (),
        hosts: Collection[str] = (),
        overload: Callable[[], Refusal | None] = lambda: None,
        header_bytes: int = Limits.header_bytes,
    ) -> None:
        self._app, self._keys, self._hosts, self._overload = app, keys, hosts, overload
        self._header_bytes = header_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        await refusal_reply(Request(scope), refusal)(scope, receive, send)

    def _refusal(self, scope: Any) -> Refusal | None:
        headers = Headers(scope=scope)
        host = re.sub(r":\d+$", "", headers.get("host", ""))
        if self._hosts and host.lower() not in self._hosts:
            what = t("this server is not called {host}", host=printable(host[:100]))
            return Refusal(421, what, code="wrong-host")
        if self._keys and scope["path"] not in OPEN_PATHS and not self._known(headers):
            what = t("a key is wanted: Authorization: Bearer KEY")
            return Refusal(401, what, code="invalid_api_key")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._header_bytes:
            what = t("the headers are larger than {most} bytes", most=self._header_bytes)
            return Refusal(431, what, code="headers-too-large")
        return self._overload() if scope["method"] == "POST" else None

    def _known(self, headers: Headers) -> bool:
        """All keys are compared to the end, so that the time tells nothing."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        key = given if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        digest = _digest(key.strip())
        return sum(hmac.compare_digest(digest, known) for known in self._keys) > 0


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
