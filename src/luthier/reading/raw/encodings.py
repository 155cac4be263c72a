"""In which encoding a text is written: by its first bytes, by strict decoding, else by which reading makes sense."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO

from luthier.errors import DataError, Place, did_you_mean, shown
from luthier.language import t
from luthier.reading.raw.plausible import COMMON, MODELS

UTF8 = "utf-8"
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_KNOWN = (
    "utf-8",
    "utf-16",
    "utf-32",
    "gb18030",
    "big5",
    "shift_jis",
    "euc_jp",
    "euc_kr",
    "cp1252",
    "latin-1",
    "cp1251",
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_SCANNED = 64 * 2**20
"""Bytes looked at before reading. Decoding them takes a tenth of a second; what comes later is told by row."""
_BLOCK = 2**20
_MOST_LINES, _SAMPLE_BYTES = 20_000, 2**16
_SURE, _SENSIBLE = 0.95, 0.25
"""How sure a guess must be to be taken, and how sensible (nats a character, against chance) to be a candidate."""


@dataclass(frozen=True)
class Encoding:
    """codec: Python's name, for bytes behind the byte-order mark. mark: its length in bytes. confidence: 1 where the
    bytes leave no doubt."""

    codec: str
    mark: int = 0
    confidence: float = 1.0

    @property
    def is_wide(self) -> bool:
        """Whether a byte below 128 may be part of something else than an ASCII character."""
        return self.codec in _WIDE

    def note(self) -> str | None:
        """For people; None for UTF-8."""
        if self.codec == UTF8:
            return None
        if self.confidence == 1.0:
            return t("encoding {name}", name=self.codec)
        return t("encoding {name}, recognised with {share:.0%} confidence", name=self.codec, share=self.confidence)


@dataclass
class _Evidence:
    """good, bad: lines beyond ASCII that can be decoded, and that cannot. first: line, offset, bytes of the first bad.

    cut: the last bad line breaks off inside a character, where all before it was well.
    """

    good: int = 0
    bad: int = 0
    first: tuple[int, int, bytes] | None = None
    cut: bool = False
    sample: list[bytes] = field(default_factory=list)
    _size: int = 0

    def add(self, line: bytes, codec: str, number: int, offset: int) -> None:
        """The next line beyond ASCII, its number and where it begins."""
        try:
            line.decode(codec)
            self.good += 1
            return
        except UnicodeDecodeError as error:
            start = error.start
            self.cut = error.end == len(line) and (self.good > 0 or not line[:start].isascii())
        self.bad += 1
        if self.first is None:
            self.first = (number, offset + start, line[start : start + 4])
        if self._size < _SAMPLE_BYTES:
            self.sample.append(line[:_SAMPLE_BYTES].rstrip(b"\r\n"))
            self._size += len(line)


def find_encoding(open_bytes: Callable[[], AbstractContextManager[BinaryIO]], name: str, asked: str | None) -> Encoding:
    """open_bytes: opens the text at its beginning. name: the file's, for messages. asked: what the user says it is.

    Errors: DataError where there is no such encoding, or several are possible.
    """
    with open_bytes() as raw:
        head = raw.read(_BLOCK)
    marked = next((Encoding(codec, len(bom)) for bom, codec in _BOMS if head.startswith(bom)), None)
    if asked is not None:
        codec = _known_codec(asked, name)
        if marked and marked.codec.startswith(codec.removesuffix("-sig")):
            return marked
        found = Encoding({"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": UTF8}.get(codec, codec))
        return found if found.is_wide else _confirmed(found, _gather(open_bytes, codec), name)
    if marked and marked.codec != UTF8:
        return marked
    wide = _wide(head)
    if wide is not None:
        return Encoding(wide)
    return _told(_gather(open_bytes, UTF8), name, marked.mark if marked else 0)


def _told(evidence: _Evidence, name: str, mark: int) -> Encoding:
    if evidence.bad == 0 or mark or evidence.good * 4 >= evidence.bad or (evidence.cut and evidence.bad == 1):
        return Encoding(UTF8, mark)
    ranked = rank(evidence.sample)
    if ranked and ranked[0][1] >= _SURE:
        return Encoding(ranked[0][0], 0, min(ranked[0][1], 0.99))
    raise _ambiguous(name, evidence, [codec for codec, _ in ranked[:4]])


def rank(lines: list[bytes]) -> list[tuple[str, float]]:
    """Encodings in which the lines make sense, the likeliest first, each with its probability among them and chance.
    Of two that read the same text only the better one counts."""
    best: dict[str, tuple[float, str]] = {}
    for codec, models in MODELS.items():
        text = _decoded(lines, codec)
        if text is None:
            continue
        score, characters = max(model.score(text) for model in models)
        if characters and score / characters >= _SENSIBLE and (text not in best or score > best[text][0]):
            best[text] = (score, codec)
    best = {text: (score + COMMON.get(codec, 0.0), codec) for text, (score, codec) in best.items()}
    ranked = sorted(best.values(), key=lambda pair: -pair[0])
    weights = [math.exp(max(score - ranked[0][0], -700.0)) for score, _ in ranked]
    total = sum(weights) + (math.exp(max(-ranked[0][0], -700.0)) if ranked else 0.0)
    return [(codec, weight / total) for (_, codec), weight in zip(ranked, weights, strict=True)]


def _decoded(lines: list[bytes], codec: str) -> str | None:
    """None where more than one line in twenty cannot be decoded: those few are told row by row."""
    found: list[str] = []
    for line in lines:
        try:
            found.append(line.decode(codec))
        except UnicodeError:
            if (len(lines) - len(found)) * 20 > len(lines) + 19:
                return None
    return "\n".join(found) if len(found) * 20 >= len(lines) * 19 else None


def _confirmed(encoding: Encoding, evidence: _Evidence, name: str) -> Encoding:
    """Errors: DataError where most lines are not in the encoding that the user names."""
    if evidence.bad <= max(evidence.good, 1) or evidence.first is None:
        return encoding
    line, offset, found = evidence.first
    what = t("is not {encoding}: bytes {found} at offset {offset}",
             encoding=encoding.codec, found=found.hex(" "), offset=offset)  # fmt: skip
    ranked = rank(evidence.sample) if evidence.good == 0 else []
    if ranked:
        fix = t("it looks like {name}: leave data.encoding out, or data.encoding={name}", name=ranked[0][0])
    else:
        fix = t("leave data.encoding out to have it found, or name another")
    raise DataError.at(Place(name, line), what, fix, code="encoding")


def _ambiguous(name: str, evidence: _Evidence, candidates: list[str]) -> DataError:
    assert evidence.first is not None
    line, offset, found = evidence.first
    what = t("is not {encoding}: bytes {found} at offset {offset}", encoding=UTF8, found=found.hex(" "), offset=offset)
    if not candidates:
        fix = t("save the file as UTF-8, or name its encoding, such as gb18030, cp1252 or utf-16: data.encoding=…")
        return DataError.at(Place(name, line), what, fix, code="encoding")
    text = evidence.sample[0]
    readings = ", ".join(f"{codec} {shown(text.decode(codec, 'replace').strip(), 40)}" for codec in candidates)
    what += t("; it could be {readings}", readings=readings)
    ways = " | ".join(f"data.encoding={codec}" for codec in candidates)
    return DataError.at(Place(name, line), what, t("say which: {ways}", ways=ways), code="encoding")


def _gather(open_bytes: Callable[[], AbstractContextManager[BinaryIO]], codec: str) -> _Evidence:
    """Looks at every line that is not plain ASCII; at none where all of it can be decoded."""
    evidence = _Evidence()
    decoder = codecs.getincrementaldecoder(codec)()
    total = 0
    with open_bytes() as raw:
        try:
            while total < _SCANNED and (block := raw.read(_BLOCK)):
                total += len(block)
                decoder.decode(block)
            decoder.decode(b"", final=total < _SCANNED)
            return evidence
        except UnicodeError:
            pass
    with open_bytes() as raw:
        offset = number = 0
        for piece in raw:
            for line in re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", piece):
                number += 1
                if not line.isascii():
                    evidence.add(line, codec, number, offset)
                offset += len(line)
            if evidence.good + evidence.bad >= _MOST_LINES or offset >= _SCANNED:
                return evidence
    return evidence


def _wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte-order mark: its ASCII characters leave zeros at every second or fourth byte."""
    head = head[: 2**16 - 2**16 % 4]
    head = head[: len(head) - len(head) % 4] or head
    if head.count(0) * 50 < len(head):
        return None
    for codec in _WIDE:
        width = 4 if "32" in codec else 2
        first = 0 if codec.endswith("le") else width - 1
        try:
            text = head[: len(head) - len(head) % width].decode(codec)
        except UnicodeDecodeError as error:
            if error.start < len(head) - width:
                continue
            text = head[: error.start].decode(codec)
        zeros = head.count(0)
        own = sum(head[first + i :: width].count(0) for i in range(1, width)) if first == 0 else 0
        own = own or sum(head[i::width].count(0) for i in range(width - 1))
        sensible = sum(c.isprintable() or c in "\t\r\n" for c in text)
        if own >= zeros * 0.9 and sensible >= len(text) * 0.95 and any(c in text for c in "\n\r"):
            return codec
    return None


def _known_codec(asked: str, name: str) -> str:
    try:
        codec = codecs.lookup(asked).name
        if "a,\n".encode(codec).decode(codec) == "a,\n":
            return codec
    except (LookupError, UnicodeError, TypeError, ValueError, AssertionError):
        pass
    what = t("'{name}' is no encoding", name=asked)
    raise DataError.at(name, what, did_you_mean(asked, _KNOWN), code="encoding")
