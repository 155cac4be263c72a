"""A real PostgreSQL on a free port, where its programs are on this machine."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from luthier.extras import has


def _programs() -> str | None:
    """Where the programs of a PostgreSQL lie."""
    found = [Path(path).parent for path in (shutil.which("initdb"),) if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if has("pgserver"):
        import pgserver  # pyright: ignore[reportMissingImports]

        found.append(Path(pgserver.__file__).parent / "pginstall" / "bin")
    return next(
        (str(folder) for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()), None
    )


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of an empty database that answers, with a password in it. Skips where there is no PostgreSQL."""
    programs = _programs()
    if programs is None or not (has("psycopg") or has("psycopg2")):
        pytest.skip("no PostgreSQL (initdb, postgres) or no psycopg on this machine")
    keep = tempfile.TemporaryDirectory(prefix="luthier-pg-")  # pytest's own folders are closed to other users
    folder = Path(keep.name)
    become: list[str] = []
    user = getpass.getuser()
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "nobody"
        become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(folder, "nobody", "nogroup")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(folder / "data")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": str(folder)}
    subprocess.run(
        [*become, f"{programs}/initdb", "-D", data, "-U", "luthier", "-A", "trust", "-N"], check=True, **quiet
    )
    server = subprocess.Popen(
        [*become, f"{programs}/postgres", "-D", data, "-p", str(port), "-k", str(folder), "-h", "127.0.0.1", "-F"],
        **quiet,
    )
    try:
        address = f"postgresql://luthier:{user}-secret@127.0.0.1:{port}/postgres"
        _wait(address)
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown, which waits for no client
        server.wait(20)
        keep.cleanup()


def _wait(address: str) -> None:
    import sqlalchemy

    driver = "psycopg" if has("psycopg") else "psycopg2"
    engine = sqlalchemy.create_engine(address.replace("postgresql:", f"postgresql+{driver}:"))
    for _ in range(100):
        try:
            with engine.connect():
                return
        except sqlalchemy.exc.OperationalError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")
