"""What took long to compute is kept on disk, under a name that is made of all that it was computed from.

The folder is LUTHIER_CACHE, else the user's cache folder. It belongs to the user alone, may be removed at any time, and
never holds more than it is allowed to: what was used longest ago goes first. An entry appears whole or not at all, so
that several processes can share the folder: of two that compute the same the first one's is kept.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from luthier.files import files_in, remove_folder, whole_folder

FACTS = "facts.json"
VARIABLE = "LUTHIER_CACHE"
_LOCK = ".lock"
_LEFT_FREE = 2**30
"""Bytes of the disk that an entry must leave to others."""
_ABANDONED = 24 * 3600
"""Seconds after which what is half written belongs to a process that is gone."""


class NoRoom(Exception):  # noqa: N818  an answer, not a failure
    """The entry is larger than the cache may be, or than what the disk has left."""


@dataclass(frozen=True)
class Cache:
    """most_bytes: that all entries may have together."""

    folder: Path
    most_bytes: int

    def find(self, key: str) -> Path | None:
        """The entry's folder, which counts as used now; None where there is no such entry, or a file of it has not the
        size that it was written with."""
        path = self.folder / key
        try:
            facts = read_facts(path)
            whole = all((path / name).stat().st_size == size for name, size in facts["sizes"].items())
            os.utime(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole and path.is_dir():
            with self._locked(), suppress(OSError):
                remove_folder(path)
        return path if whole else None

    @contextmanager
    def adding(self, key: str, needed: int, facts: Mapping[str, Any]) -> Iterator[Path]:
        """Gives a folder to fill; it becomes the entry when the block ends without an error. needed: bytes that it will
        have, about. facts: what `read_facts` gives back.

        Errors: NoRoom before anything is written. OSError.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked():
            self._make_room(needed)
        if (self.folder / key).exists():  # another process wrote it in the meantime
            with TemporaryDirectory(dir=self.folder, prefix=".tmp-") as unused:
                yield Path(unused)
            return
        try:
            with whole_folder(self.folder / key) as temporary:
                yield temporary
                sizes = {path.name: path.stat().st_size for path in files_in(temporary)}
                text = json.dumps({**facts, "sizes": sizes}, indent=1)
                (temporary / FACTS).write_text(text, encoding="utf-8")
        except OSError:
            if not (self.folder / key).is_dir():  # else another process was quicker, and wrote the same
                raise

    def could_hold(self, needed: int) -> bool:
        """Whether there is room for an entry of so many bytes, in place of older ones if need be."""
        free = shutil.disk_usage(self.folder).free + self.bytes_used()
        return needed <= self.most_bytes and needed + _LEFT_FREE <= free

    def bytes_used(self) -> int:
        return sum(size for _, size, _ in self._entries())

    def _make_room(self, needed: int) -> None:
        if needed > self.most_bytes:
            raise NoRoom
        for path in self.folder.glob(".*-*"):  # of whole_folder and remove_folder
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED:
                    shutil.rmtree(path, ignore_errors=True)
        entries = self._entries()
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total + needed <= self.most_bytes and needed + _LEFT_FREE <= shutil.disk_usage(self.folder).free:
                return
            with suppress(OSError):  # a process that reads it keeps what it has opened
                remove_folder(path)
                total -= size
        if needed + _LEFT_FREE > shutil.disk_usage(self.folder).free:
            raise NoRoom

    def _entries(self) -> list[tuple[float, int, Path]]:
        """When it was used, its bytes and its folder, of what was used longest ago first."""
        found: list[tuple[float, int, Path]] = []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if not path.name.startswith(".") and path.is_dir():
                with suppress(OSError):  # removed by another process just now
                    size = sum(file.stat().st_size for file in files_in(path))
                    found.append((path.stat().st_mtime, size, path))
        return sorted(found)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def open_cache(most_bytes: int, environment: Mapping[str, str] = os.environ) -> Cache | None:
    """most_bytes: 0 for no cache. None where there is none, or its folder cannot be written."""
    if most_bytes <= 0:
        return None
    home = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".cache")
    folder = Path(environment.get(VARIABLE) or home / "luthier")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _LOCK).touch()
    except OSError:
        return None
    return Cache(folder, most_bytes)


def read_facts(entry: Path) -> dict[str, Any]:
    """Errors: OSError, ValueError for an entry that is gone or damaged."""
    return json.loads((entry / FACTS).read_text(encoding="utf-8"))


def key_of(facts: Mapping[str, Any], *contents: Any) -> str:
    """A name for what was computed from the facts, which are JSON, and from contents: arrays, or mappings of arrays by
    name, in their order."""
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True, default=str).encode(), digest_size=20)
    for content in contents:
        named = sorted(content.items()) if isinstance(content, Mapping) else [("", content)]
        for name, array in named:
            values = np.ascontiguousarray(array)
            digest.update(f"{name} {values.dtype} {values.shape};".encode())
            digest.update(values.data.cast("B") if values.size else b"")
    return digest.hexdigest()
