"""Images as people have them: turned, transparent, of few colours, cut off, far too large."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from luthier.media.images import check_image, read_image
from luthier.media.unreadable import Unreadable
from media.made import draw_shape, encoded, png


def colour_at(pixels: np.ndarray, x: int, y: int) -> list[int]:
    return pixels[y, x].tolist()


def test_it_is_red_green_blue_whatever_the_file_holds() -> None:
    image = draw_shape("red", "box")
    kinds = {"RGB": image, "P": image.quantize(4), "RGBA": image.convert("RGBA"), "CMYK": image.convert("CMYK")}
    for mode, one in kinds.items():
        pixels = read_image(encoded(one, "TIFF" if mode == "CMYK" else "PNG"))
        assert (pixels.shape, pixels.dtype) == ((24, 24, 3), np.uint8), mode
        assert colour_at(pixels, 12, 12) == [255, 0, 0], mode


def test_what_is_transparent_is_white_not_black() -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.putpixel((3, 3), (0, 0, 255, 255))
    pixels = read_image(png(image))
    assert colour_at(pixels, 0, 0) == [255, 255, 255]
    assert colour_at(pixels, 3, 3) == [0, 0, 255]


def test_sixteen_bits_of_grey_become_eight() -> None:
    grey = np.full((4, 4), 32896, np.uint16)
    assert colour_at(read_image(png(Image.fromarray(grey))), 0, 0) == [128, 128, 128]


def test_it_is_turned_as_its_camera_was_held() -> None:
    image = Image.new("RGB", (8, 4), "white")
    image.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[274] = 6  # a quarter to the right, to stand upright
    pixels = read_image(png(image, exif=exif.tobytes()))
    assert pixels.shape == (8, 4, 3)
    assert colour_at(pixels, 3, 0) == [255, 0, 0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_that_was_cut_off_is_damaged(kind: str) -> None:
    data = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)), kind)
    check_image(data)
    with pytest.raises(Unreadable, match="is damaged") as found:
        check_image(data[: len(data) // 2])
    assert found.value.code == "broken-media"


def test_a_small_file_that_claims_a_gigapixel_is_not_unpacked() -> None:
    header = struct.pack(">IIBBBBB", 40_000, 30_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    packed = [struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks]
    with pytest.raises(Unreadable) as found:
        check_image(b"\x89PNG\r\n\x1a\n" + b"".join(packed))
    assert found.value.code == "media-too-large"


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n"])
def test_what_is_no_image_of_a_kind_that_is_read_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable, match="no image of a known kind"):
        check_image(data)
