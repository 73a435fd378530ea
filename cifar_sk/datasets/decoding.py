"""Encoded images (JPEG, PNG, …), from files or bytes, into arrays."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cifar_sk.datasets.arrays import Size
from cifar_sk.errors import InputError, reading, reason

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["check_unpacked", "decode_images", "encoded_size"]

# The formats that are read, whatever a file is called. Pillow would read more, and start
# Ghostscript for one of them (EPS).
_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")

# What unpacks to more than the first is to be of this many times its size at most: photographs
# are 5 to 20 times as large as their JPEG files, and a bomb is a thousand times.
_ALWAYS_UNPACKED = 2**30  # bytes
_MOST_TIMES = 200


def check_unpacked(unpacked: int, packed: int, where: str) -> None:
    """Refuse what unpacks, in bytes, to far more than images do, before it takes the time."""
    limit = max(_ALWAYS_UNPACKED, _MOST_TIMES * packed)
    if unpacked > limit:
        raise InputError(
            f"{where} unpacks to more than {limit / 1e9:.1f} GB, over {_MOST_TIMES} times its "
            "size, as no data set of images does: take it from a source you trust, or save "
            "images of fewer pixels"
        )


def decode_images(
    encoded: Sequence[Path | bytes],
    where: Sequence[str],
    image_size: Size,
    *,
    resize: bool = True,
    packed: int | None = None,
) -> np.ndarray:
    """Decode files or their contents, as RGB, into one array uint8 (n, *image_size, 3).

    `packed` is how many bytes they take on disk; None for their own.
    """
    if packed is None:
        packed = sum(len(k) if isinstance(k, bytes) else k.stat().st_size for k in encoded)
    of_all = f"{where[0]} and its like"
    with reading(of_all, "one array of images", "choose a smaller image_size or a limit"):
        images = np.empty((len(encoded), *image_size, 3), dtype=np.uint8)
    errors, unpacked = [], 0
    with _bombs_refused():
        for k, item in enumerate(encoded):
            try:
                with _opened(item, where[k]) as image:
                    unpacked += image.width * image.height * len(image.getbands())
                    check_unpacked(unpacked, packed, of_all)
                    images[k] = _resized(_as_rgb(image), image_size, resize=resize)
            except _NoImageError as error:
                errors.append(str(error))
    if errors:
        more = f", nor are {len(errors) - 1} more" if len(errors) > 1 else ""
        raise InputError(f"{errors[0]}{more}: remove or replace what is not an image")
    return images


def encoded_size(encoded: bytes, where: str) -> Size:
    """Return the height and width, pixels, of an encoded image."""
    with _bombs_refused(), _opened(encoded, where) as image:
        return image.height, image.width


class _NoImageError(InputError):
    """A file that is damaged, foreign, absurdly large, or of another size than the others."""


@contextmanager
def _bombs_refused() -> Iterator[None]:
    """Refuse images of 90 million pixels and more, of which Pillow would only warn."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def _opened(item: Path | bytes, where: str) -> Iterator[Image]:
    """Open an image; whatever Pillow raises for it becomes a sentence."""
    from PIL import Image

    source = io.BytesIO(item) if isinstance(item, bytes) else item
    try:
        with Image.open(source, formats=_FORMATS) as image:
            yield image
    except InputError:
        raise
    except Exception as error:
        text = f"{where} is no image that can be read ({reason(error)})"
        raise _NoImageError(text) from error


def _resized(rgb: Image, image_size: Size, *, resize: bool) -> np.ndarray:
    from PIL import Image

    height, width = image_size
    if rgb.size != (width, height):
        if not resize:
            got = f"{rgb.height}×{rgb.width} pixels among images of {height}×{width}"
            raise ValueError(f"{got}, give image_size to resize them")
        rgb = rgb.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(rgb)


def _as_rgb(image: Image) -> Image:
    """Convert any mode to RGB, upright, with the 16 bits of medical or depth images scaled."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I;16"):
        return Pillow.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in {"I", "F"}:
        raise ValueError(f"its 32-bit pixels (mode {image.mode}) have no fixed range")
    if "transparency" in image.info:
        image = image.convert("RGBA")  # Pillow warns where a transparent palette skips this step
    return image.convert("RGB")
