"""What is an address and what is a path; and nobody waits for an address without end."""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from luthier.errors import DataError, without_secrets
from luthier.language import t

ResultT = TypeVar("ResultT")

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_DATABASES = {
    "sqlite",
    "postgresql",
    "postgres",
    "mysql",
    "mariadb",
    "mssql",
    "oracle",
    "duckdb",
    "snowflake",
    "clickhouse",
}
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

ANSWER_SECONDS = 5.0
"""Until the first byte."""
STALL_SECONDS = 15.0
"""Between one byte and the next."""


class LateError(Exception):
    """Nothing came in time."""


def scheme_of(named: str) -> str:
    """In small letters, such as https; "" for a path."""
    match = _ADDRESS.match(named)
    return match[1].lower() if match else ""


def is_database(named: str) -> bool:
    """Whether it is an address as SQLAlchemy takes."""
    scheme = scheme_of(named)
    return "+" in scheme or scheme in _DATABASES


def is_hub_name(named: str) -> bool:
    """Whether it could be the name of a data set of the Hugging Face hub: owner/name."""
    return _HUB_NAME.fullmatch(named) is not None


def host_of(address: str) -> str:
    """Of what is asked, for messages: the host, without who asks."""
    try:
        return urlsplit(address).hostname or scheme_of(address)
    except ValueError:
        return scheme_of(address)


def file_name(address: str) -> str:
    """The last part of the path, as a name for a local file."""
    try:
        name = unquote(urlsplit(address).path).rstrip("/").rpartition("/")[2]
    except ValueError:
        name = ""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-")[-100:] or "data"


def with_variables(address: str) -> str:
    """With ${NAME} filled in from the environment, so that no secret need stand in a file or a command.

    Errors: DataError for a variable that is not set, and for a login that was left out where the address was stored.
    """
    if ":***@" in address or "//***@" in address or "=***" in address:
        fix = t("give the address again, or write the secret as ${NAME}, an environment variable")
        raise DataError.at(address, t("the login was not stored with the run"), fix, code="no-login")

    def value(match: re.Match[str]) -> str:
        if match[1] in os.environ:
            return quote(os.environ[match[1]], safe="")
        what = t("the environment variable {name} is not set", name=match[1])
        raise DataError.at(without_secrets(address), what, f"export {match[1]}=…", code="no-login")

    return re.sub(r"\$\{(\w+)\}", value, address)


class Watch:
    """Says when something was last heard of."""

    def __init__(self) -> None:
        self.heard, self.last = False, time.monotonic()

    def hear(self) -> None:
        self.heard, self.last = True, time.monotonic()


def in_time(work: Callable[[Watch], ResultT]) -> ResultT:
    """What the work returns, done in a thread of its own that is left alone when it is late.

    work: takes a Watch, which it lets hear of its progress. Errors: LateError; whatever the work raises.
    """
    watch, done = Watch(), queue.Queue[tuple[Any, BaseException | None]]()

    def run() -> None:
        try:
            done.put((work(watch), None))
        except BaseException as error:
            done.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    while True:
        patience = STALL_SECONDS if watch.heard else ANSWER_SECONDS
        left = watch.last + patience - time.monotonic()
        try:
            result, error = done.get(timeout=max(left, 0.0))
        except queue.Empty:
            if time.monotonic() - watch.last >= patience:
                raise LateError from None
            continue
        if error is not None:
            raise error
        return result
