"""Sounds as people have them: of several rates, widths and channels, cut off, empty."""

import io
import struct

import numpy as np
import pytest
import soundfile

from luthier.media.sounds import check_sound, read_sound
from luthier.media.unreadable import Unreadable
from media.made import tone, wav


def pitch(samples: np.ndarray, rate: int) -> float:
    """Hertz of the loudest frequency."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_any_width_are_the_same_sound(width: int) -> None:
    samples = read_sound(wav(tone(440), width=width), 16000, 30)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, tone(440), atol=1.5 / 2**7 if width == 1 else 1e-4)


def test_another_rate_keeps_the_pitch_and_the_length() -> None:
    samples = read_sound(wav(tone(1000, 0.5, rate=44100), rate=44100), 16000, 30)
    assert len(samples) == 8000
    assert pitch(samples, 16000) == pytest.approx(1000, abs=3)


def test_two_channels_are_their_mean() -> None:
    both = np.stack([tone(440), -tone(440) / 2], 1)
    np.testing.assert_allclose(read_sound(wav(both), 16000, 30), tone(440) / 4, atol=1e-4)


def test_no_more_is_read_than_was_asked_for() -> None:
    assert len(read_sound(wav(tone(440, 2.0)), 16000, 0.5)) == 8000


def test_a_file_that_was_cut_off_says_so() -> None:
    data = wav(tone(440))
    check_sound(data)
    with pytest.raises(Unreadable, match="is cut off"):
        check_sound(data[: len(data) // 2])


def test_a_file_without_samples_is_refused() -> None:
    with pytest.raises(Unreadable, match="holds no samples"):
        check_sound(wav(np.zeros(0)))


def test_floating_point_samples_and_flac_are_read_by_the_other_library() -> None:
    for kind, subtype in (("WAV", "FLOAT"), ("FLAC", "PCM_16")):
        file = io.BytesIO()
        soundfile.write(file, tone(440), 16000, format=kind, subtype=subtype)
        np.testing.assert_allclose(read_sound(file.getvalue(), 16000, 30), tone(440), atol=1e-4)


def test_an_impossible_rate_is_refused() -> None:
    data = bytearray(wav(tone(440)))
    data[24:28] = struct.pack("<I", 7)
    with pytest.raises(Unreadable, match="7 samples a second"):
        check_sound(bytes(data))
