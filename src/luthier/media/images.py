"""The bytes of an image file to pixels. Needs pillow, from the extra [media]."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from luthier.errors import shown
from luthier.extras import need
from luthier.language import t
from luthier.media.unreadable import Unreadable

MOST_PIXELS = 50_000_000
"""150 MB when unpacked. A small file can claim a gigapixel."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Pillow reads more; some of those start other programs (EPS)."""
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_SMALL = 256


def check_image(data: bytes) -> None:
    """Unpacks the image to its end; of a JPEG only a small version, which is as telling and far quicker.

    Errors: Unreadable.
    """
    _unpacked(data, small=True)


def read_image(data: bytes) -> np.ndarray:
    """uint8 [H, W, 3], red, green, blue: of several frames the first, turned as its EXIF orientation says, what is
    transparent on white. Errors: Unreadable."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(_unpacked(data, small=False))
    if image.mode.startswith("I;16"):
        return np.repeat((np.asarray(image) // 257).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def _unpacked(data: bytes, *, small: bool) -> Any:
    need("PIL")
    from PIL import Image, UnidentifiedImageError

    fix = t("save it anew, or empty the cell: the row then has no image")
    try:
        with warnings.catch_warnings():  # of a size that is told below
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > MOST_PIXELS:
                raise _too_large(f"{image.width} × {image.height}")
            if small:
                image.draft("RGB", (_SMALL, _SMALL))
            image.load()
    except Image.DecompressionBombError:
        raise _too_large(t("too many")) from None
    except UnidentifiedImageError:
        what = t("is no image of a known kind ({kinds})", kinds=", ".join(FORMATS))
        raise Unreadable(what, fix, "broken-media") from None
    except Unreadable:
        raise
    except Exception as error:  # damaged files make pillow's parsers fail in many ways
        reason = shown(str(error).splitlines()[0] if str(error) else type(error).__name__, 100)
        raise Unreadable(t("is damaged: {reason}", reason=reason), fix, "broken-media") from None
    return image


def _too_large(size: str) -> Unreadable:
    what = t("has {size} pixels, more than {most:,}", size=size, most=MOST_PIXELS)
    return Unreadable(what, t("scale it down"), "media-too-large")
