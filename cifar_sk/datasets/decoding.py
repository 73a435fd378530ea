"""Encoded images (JPEG, PNG, …), from files or bytes, into arrays."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cifar_sk.datasets.arrays import Size
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["decode_images", "encoded_size"]

# The formats that are read, whatever a file is called. Pillow would read more, and start
# Ghostscript for one of them (EPS).
_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")


def decode_images(
    encoded: Sequence[Path | bytes],
    where: Sequence[str],
    image_size: Size,
    *,
    resize: bool = True,
) -> np.ndarray:
    """Decode files or their contents, as RGB, into one array uint8 (n, *image_size, 3)."""
    images = np.empty((len(encoded), *image_size, 3), dtype=np.uint8)
    errors = []
    for k, item in enumerate(encoded):
        try:
            images[k] = _decode(item, image_size, resize=resize)
        except _unreadable() as error:
            errors.append(f"{where[k]} is no image that can be read ({str(error) or 'damaged'})")
    if errors:
        more = f", nor are {len(errors) - 1} more" if len(errors) > 1 else ""
        raise InputError(f"{errors[0]}{more}: remove or replace what is not an image")
    return images


def encoded_size(encoded: bytes, where: str) -> Size:
    """Return the height and width, pixels, of an encoded image."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
            return image.height, image.width
    except _unreadable() as error:
        raise InputError(f"{where} is no image that can be read ({error})") from error


def _unreadable() -> tuple[type[Exception], ...]:
    """Return what Pillow raises for files that are damaged, foreign or absurdly large."""
    from PIL import Image

    return OSError, SyntaxError, ValueError, Image.DecompressionBombError


def _decode(item: Path | bytes, image_size: Size, *, resize: bool) -> np.ndarray:
    from PIL import Image

    height, width = image_size
    source = io.BytesIO(item) if isinstance(item, bytes) else item
    with Image.open(source, formats=_FORMATS) as image:
        rgb = _as_rgb(image)
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
