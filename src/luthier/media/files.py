"""What a cell names: a file of an image or a sound beside the data, or its bytes as they came over the network."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from luthier.errors import DataError, Place, shown
from luthier.language import t
from luthier.media import images, sounds
from luthier.media.unreadable import Unreadable

MOST_BYTES = 256 * 2**20
"""Of one file."""
MOST_SENT_BYTES = 10 * 2**20
"""Of one file that comes over the network, unpacked from base64."""
IMAGE, AUDIO = "image", "audio"
ENDINGS: Mapping[str, tuple[str, ...]] = {IMAGE: images.ENDINGS, AUDIO: sounds.ENDINGS}
_CHECKS: Mapping[str, Callable[[bytes], None]] = {IMAGE: images.check_image, AUDIO: sounds.check_sound}
_DATA_ADDRESS = re.compile(r"data:[\w.+/-]+;base64,")


@dataclass(frozen=True)
class Media:
    """kind: image or audio. digest: SHA-256 of the bytes, so that copies under two names are one.

    path: of the file; "" where `data` holds the bytes. written: the cell.
    """

    kind: str
    digest: str
    path: str = field(default="", compare=False)
    data: bytes = field(default=b"", compare=False, repr=False)
    written: str = field(default="", compare=False)

    def read(self) -> bytes:
        """Errors: DataError where the file went or changed since it was checked."""
        if not self.path:
            return self.data
        try:
            data = Path(self.path).read_bytes()
        except OSError as error:
            raise DataError.at(self.path, str(error.strerror), t("is it still there?"), code="missing-media") from None
        if hashlib.sha256(data).hexdigest() != self.digest:
            raise DataError.at(self.path, t("was changed while it was read"), t("start again"), code="broken-media")
        return data


def named_media(value: Any, kind: str, place: Place) -> Media | None:
    """The file that a cell names, relative to the data's own folder; None for an empty cell.

    place: of the row, with the data's file. Errors: DataError for what is not there, lies outside that folder, or
    cannot be read.
    """
    place = replace(place, column=kind)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        what = t("{value} is no path of a file", value=shown(value))
        raise DataError.at(place, what, t("write the path as a text"), code="wrong-type")
    folder = Path(place.file).parent.absolute()
    path = os.path.normpath(folder / value.strip())
    if not Path(path).is_relative_to(folder):
        what = t("{path} lies outside {folder}, where the data are", path=shown(value), folder=shown(str(folder)))
        fix = t("put the files, or a link to their folder, beside the data")
        raise DataError.at(place, what, fix, code="media-outside")
    try:
        about = Path(path).stat()
        found = _checked(kind, path, about.st_mtime_ns, about.st_size)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        what = t("{path} cannot be read: {reason}", path=shown(value), reason=reason)
        fix = t("paths are relative to {folder}; an empty cell means that there is none", folder=shown(str(folder)))
        raise DataError.at(place, what, fix, code="missing-media") from None
    if isinstance(found, Unreadable):
        raise DataError.at(place, f"{shown(value)} {found.what}", found.fix, code=found.code)
    return Media(kind, found, path, written=value)


def sent_media(value: Any, kind: str) -> Media | None:
    """Bytes in base64, with or without data:…;base64, in front. A path is refused: a stranger must not have this
    machine read its files. Errors: DataError."""
    place = Place("input", column=kind)
    if value is None or value == "":
        return None
    fix = t("send the file's bytes in base64")
    if not isinstance(value, str):
        raise DataError.at(place, t("{value} is no text", value=shown(value)), fix, code="wrong-type")
    if len(value) > MOST_SENT_BYTES * 4 // 3 + 100:
        what = t("is larger than {most} bytes", most=MOST_SENT_BYTES)
        raise DataError.at(place, what, t("scale it down"), code="media-too-large")
    try:
        data = base64.b64decode(_DATA_ADDRESS.sub("", value, count=1), validate=True)
    except (binascii.Error, ValueError):
        what = t("{kind} is no base64; paths and addresses are refused", kind=kind)
        raise DataError.at(place, what, fix, code="not-base64") from None
    try:
        _CHECKS[kind](data)
    except Unreadable as found:
        raise DataError.at(place, f"{kind} {found.what}", found.fix, code=found.code) from None
    return Media(kind, hashlib.sha256(data).hexdigest(), data=data)


@lru_cache(200_000)
def _checked(kind: str, path: str, _changed: int, size: int) -> str | Unreadable:
    """The digest of a file that can be read, else what is wrong with it: many rows may name one file."""
    if size > MOST_BYTES:
        what = t("is larger than {most} bytes", most=MOST_BYTES)
        return Unreadable(what, t("scale it down"), "media-too-large")
    data = Path(path).read_bytes()
    try:
        _CHECKS[kind](data)
    except Unreadable as found:
        return found
    return hashlib.sha256(data).hexdigest()
