"""A file or folder appears whole or not at all, whenever the power goes.

What is being written carries a temporary name (`.tmp-…`), what is being removed another (`.trash-…`); neither is
ever read. A sealed folder also carries a manifest that vouches for every byte in it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from luthier.errors import Place, Problem, RunError, StoppedError
from luthier.language import t

MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1
_TEMPORARY = ".tmp-"
_TRASH = ".trash-"
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS, errno.ENOENT, errno.ESTALE}


class Damaged(Exception):  # noqa: N818  says what the folder is, not that something failed
    """A sealed folder whose bytes are not those that were written. The message is the reason."""


@contextmanager
def whole_file(final: Path) -> Iterator[Path]:
    """Gives a temporary path to write; it becomes `final`, replacing it, when the block ends without an error."""
    temporary = final.with_name(f"{_TEMPORARY}{secrets.token_hex(4)}-{final.name[-100:]}")
    try:
        yield temporary
        to_disk(temporary)
        temporary.replace(final)
        to_disk(final.parent)
    finally:
        temporary.unlink(missing_ok=True)


def check_target(path: Path, endings: Sequence[str]) -> None:
    """Refuses, before any work is done, a file that could not be written. Errors: RunError."""
    if path.suffix.lower() not in endings:
        fix = t("name it {endings}", endings=" / ".join(endings))
        raise RunError.at(str(path), t("'{ending}' cannot be written", ending=path.suffix), fix, code="usage")
    if path.is_dir():
        raise RunError.at(str(path), t("is a folder"), t("name a file"), code="usage")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        what, fix = t("{folder} cannot be written", folder=path.parent), t("name a file in another folder")
        raise RunError.at(str(path), what, fix, code="read-only")


def write_text(final: Path, text: str) -> None:
    """Writes a small UTF-8 file whole."""
    with whole_file(final) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def whole_folder(final: Path, facts: Mapping[str, Any] | None = None) -> Iterator[Path]:
    """Gives a temporary folder to fill; it becomes `final` when the block ends without an error.

    facts: where given, the folder is sealed: a manifest with these facts and every file's size and SHA-256.
    Order matters: every file reaches the disk, then the manifest that vouches for them, then the name.
    Errors: FileExistsError where `final` exists.
    """
    if final.exists():
        raise FileExistsError(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f"{_TEMPORARY}{final.name}-{secrets.token_hex(4)}")
    temporary.mkdir()
    try:
        yield temporary
        files = files_in(temporary)
        for path in files:
            to_disk(path)
        if facts is not None:
            _write_manifest(temporary, files, facts)
        to_disk(temporary)
        temporary.rename(final)
        to_disk(final.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def open_sealed(folder: Path) -> dict[str, Any]:
    """The facts of a sealed folder, after every byte of it was checked. Errors: Damaged with the reason."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest = json.loads(text)
        digest = manifest.pop("sha256")
        listed: dict[str, Any] = manifest["files"]
        facts = dict(manifest["facts"])
    except FileNotFoundError:
        raise Damaged(t("{name} is missing", name=MANIFEST)) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(t("{name} cannot be read ({error})", name=MANIFEST, error=type(error).__name__)) from None
    if digest != _digest_of(manifest) or manifest.get("format") != MANIFEST_FORMAT:
        raise Damaged(t("{name} is not as it was written", name=MANIFEST))
    present = {str(path.relative_to(folder)): path for path in files_in(folder) if path.name != MANIFEST}
    for name in sorted(set(listed) ^ set(present)):
        raise Damaged(t("{name} is missing", name=name) if name in listed else t("{name} was added", name=name))
    for name, path in present.items():
        if path.stat().st_size != listed[name]["size"] or sha256(path) != listed[name]["sha256"]:
            raise Damaged(t("{name} is not as it was written", name=name))
    return facts


def remove_folder(folder: Path) -> None:
    """Renames, then deletes: a folder that is half gone never carries a name that is read."""
    trash = folder.with_name(f"{_TRASH}{folder.name}-{secrets.token_hex(4)}")
    folder.rename(trash)
    shutil.rmtree(trash)


def sweep(folder: Path) -> list[str]:
    """Removes what an interrupted process left under temporary and trash names. Returns those names."""
    left = [p for p in folder.iterdir() if p.name.startswith((_TEMPORARY, _TRASH))] if folder.is_dir() else []
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return sorted(path.name for path in left)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def to_disk(path: Path) -> None:
    """fsync of a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def disk_trouble(folder: Path, needed: int = 0) -> Iterator[None]:
    """Turns what a full, broken or vanished disk raises inside the block into a StoppedError.

    needed: bytes that the block is about to write; refused beforehand where they are not free.
    """
    free = _free(folder)
    if needed and free is not None and free < needed:
        raise _stopped(folder, t("No space left on device"), needed, free)
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise _stopped(folder, os.strerror(error.errno), needed, _free(folder)) from error


def _stopped(folder: Path, what: str, needed: int, free: int | None) -> StoppedError:
    numbers = [t("needed {size}", size=size_text(needed))] if needed else []
    numbers += [t("free {size}", size=size_text(free))] if free is not None else []
    detail = f" ({', '.join(numbers)})" if numbers else ""
    fix = t("make room or mend the disk, then run the same command with --resume")
    return StoppedError(Problem(Place(str(folder)), what + detail, fix, "disk"))


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def size_text(size: float) -> str:
    """Bytes for people: 1.5 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _write_manifest(folder: Path, files: list[Path], facts: Mapping[str, Any]) -> None:
    listed = {str(path.relative_to(folder)): {"size": path.stat().st_size, "sha256": sha256(path)} for path in files}
    manifest: dict[str, Any] = {"format": MANIFEST_FORMAT, "facts": dict(facts), "files": listed}
    manifest["sha256"] = _digest_of(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    to_disk(folder / MANIFEST)


def _digest_of(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
