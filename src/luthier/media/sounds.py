"""The bytes of a sound file to samples. WAV is read by the standard library, other kinds by soundfile."""

from __future__ import annotations

import io
import math
import wave
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.errors import shown
from luthier.extras import need
from luthier.language import t
from luthier.media.unreadable import Unreadable

ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
_UNKNOWN_LENGTH = 0x7FFFFFFF
"""Bytes: what is written to a pipe carries a length from here on."""
_LEAST_RATE, _MOST_RATE = 1_000, 384_000


@dataclass(frozen=True)
class _Sound:
    """samples: float32 [T, channels], -1 to 1, from the beginning. rate: samples a second. whole: whether the file
    holds as many as it says."""

    samples: np.ndarray
    rate: int
    whole: bool


def check_sound(data: bytes) -> None:
    """Errors: Unreadable for what is no sound, is cut off, or holds no samples."""
    sound = _read(data, math.inf)
    fix = t("save it anew, or empty the cell: the row then has no sound")
    if not sound.whole:
        raise Unreadable(t("is cut off: its header promises more samples"), fix, "broken-media")
    if not len(sound.samples):
        raise Unreadable(t("holds no samples"), fix, "broken-media")
    if not np.isfinite(sound.samples).all():
        raise Unreadable(t("holds samples that are no numbers"), fix, "broken-media")


def read_sound(data: bytes, rate: int, seconds: float) -> np.ndarray:
    """float32 [T]: the mean of the channels at `rate` samples a second, at most the first `seconds`.

    Errors: Unreadable.
    """
    sound = _read(data, seconds)
    mono = sound.samples.mean(1)
    if sound.rate != rate:
        from scipy.signal import resample_poly

        shared = math.gcd(rate, sound.rate)
        mono = resample_poly(mono, rate // shared, sound.rate // shared)
    return np.ascontiguousarray(mono, np.float32)


def _read(data: bytes, seconds: float) -> _Sound:
    fix = t("save it anew, or empty the cell: the row then has no sound")
    try:
        sound = _read_wav(data, seconds) if data[:4] == b"RIFF" else None
    except (wave.Error, EOFError, ValueError, RuntimeError):
        sound = None  # floating-point or compressed samples, or a damaged file: the other library tells
    try:
        sound = sound or _read_other(data, seconds)
    except RuntimeError as error:  # soundfile's errors are of this kind
        reason = shown(str(error), 100)
        raise Unreadable(t("is no sound that can be read: {reason}", reason=reason), fix, "broken-media") from None
    if not _LEAST_RATE <= sound.rate <= _MOST_RATE:
        raise Unreadable(t("claims {rate} samples a second", rate=sound.rate), fix, "broken-media")
    return sound


def _read_wav(data: bytes, seconds: float) -> _Sound:
    with wave.open(io.BytesIO(data)) as file:
        count, channels, width, rate = file.getnframes(), file.getnchannels(), file.getsampwidth(), file.getframerate()
        wanted = min(count, int(seconds * rate)) if math.isfinite(seconds) else count
        content = file.readframes(wanted)
    frame = channels * width
    content = content[: len(content) // frame * frame]
    whole = len(content) == wanted * frame or count * frame >= _UNKNOWN_LENGTH - 4096
    if width == 1:
        samples = (np.frombuffer(content, np.uint8).astype(np.float32) - 128) / 128
    elif width == 3:  # into the upper three bytes of four
        wide = np.zeros((len(content) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        samples = wide.view("<i4")[:, 0].astype(np.float32) / 2**31
    else:
        samples = np.frombuffer(content, f"<i{width}").astype(np.float32) / 2 ** (8 * width - 1)
    return _Sound(samples.reshape(-1, channels), rate, whole)


def _read_other(data: bytes, seconds: float) -> _Sound:
    library: Any = need("soundfile")
    with library.SoundFile(io.BytesIO(data)) as file:
        wanted = min(file.frames, int(seconds * file.samplerate)) if math.isfinite(seconds) else file.frames
        samples = file.read(wanted, dtype="float32", always_2d=True)
        return _Sound(samples, file.samplerate, len(samples) == wanted)
