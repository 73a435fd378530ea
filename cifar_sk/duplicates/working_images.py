"""The small grey and coloured images on which near-duplicates are searched."""

from __future__ import annotations

import numpy as np

from cifar_sk.datasets.arrays import resize_images
from cifar_sk.errors import InputError

__all__ = ["SIZE", "check_images", "grey", "working_images"]

SIZE = 32  # pixels, the side of a working image
_CHUNK = 2_000  # images converted at a time
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def check_images(images: np.ndarray) -> np.ndarray:
    """Return images as an array (n, h, w, c) of 1 or 3 channels, or say what they are instead."""
    images = np.asarray(images)
    shape = images.shape
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or 0 in shape or images.shape[-1] not in {1, 3, 4}:
        raise InputError(
            f"images must have the shape (n, h, w) or (n, h, w, c) with 1, 3 or 4 channels, and "
            f"none of them 0, got {shape}; reshape flattened images first."
        )
    if images.dtype != np.uint8:
        _check_floats(images)
    return images[..., :3]  # of four channels the last is transparency


def _check_floats(images: np.ndarray) -> None:
    if images.dtype.kind != "f":
        raise InputError(
            f"images must be uint8 from 0 to 255 or float from 0 to 1, got {images.dtype}; "
            "convert them with astype('uint8')."
        )
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK]
        if not np.isfinite(part).all():
            bad = start + int(np.argmin(np.isfinite(part).all(axis=(1, 2, 3))))
            raise InputError(
                f"images must be finite, but image {bad} has NaN or infinite pixels; repair it or "
                "leave it out."
            )
        if part.min() < 0 or part.max() > 1:
            raise InputError(
                f"images of floats must be from 0 to 1, got {part.min():g} to {part.max():g}; "
                "undo their normalisation, or divide by 255."
            )


def working_images(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return those rows of checked images as uint8 (len(rows), 32, 32, 1 or 3)."""
    small = np.empty((len(rows), SIZE, SIZE, images.shape[-1]), dtype=np.uint8)
    for start in range(0, len(rows), _CHUNK):
        part = images[rows[start : start + _CHUNK]]
        if part.dtype != np.uint8:
            part = np.rint(part * 255).astype(np.uint8)
        small[start : start + _CHUNK] = resize_images(part, (SIZE, SIZE))
    return small


def grey(images: np.ndarray) -> np.ndarray:
    """Return the brightness of working images, uint8 (n, 32, 32)."""
    if images.shape[-1] == 1:
        return images[..., 0]
    result = np.empty(images.shape[:3], dtype=np.uint8)
    for start in range(0, len(images), _CHUNK):
        result[start : start + _CHUNK] = np.rint(images[start : start + _CHUNK] @ _LUMA)
    return result
