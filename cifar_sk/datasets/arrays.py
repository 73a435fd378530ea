"""Arrays of images and labels: checks, fingerprint, subsets and sizes, whatever they came from."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from cifar_sk.datasets.labels import check_class_names, encode_labels, encode_test_labels
from cifar_sk.errors import InputError

__all__ = [
    "Arrays",
    "OpenedDataset",
    "Size",
    "data_fingerprint",
    "leave_out",
    "open_arrays",
    "own_name",
    "resize_images",
    "stratified_subset",
]

Arrays = tuple[np.ndarray, np.ndarray]
Size = tuple[int, int]  # height and width, pixels

_KNOWN_NAMES = re.compile(r"(cifar-?100?|digits)(-jpeg)?(-subset)?", re.IGNORECASE)


@dataclass(frozen=True)
class OpenedDataset:
    """A data set whose labels are read, and whose images are decoded when they are drawn."""

    name: str
    source: str
    description: str
    target_names: list[str]
    target: np.ndarray
    draw: Callable[[np.ndarray | None], np.ndarray]
    draw_test: Callable[[], Arrays] | None = None


def own_name(path: Path, kind: str) -> str:
    """Name a data set after its file, but never as one whose content is known."""
    stem = path.resolve().name if path.is_dir() else path.stem
    return f"{stem}-{kind}" if _KNOWN_NAMES.fullmatch(stem) else stem


def open_arrays(
    arrays: Mapping[str, Any],
    keys: tuple[str, str],
    test_keys: tuple[str, str] | None,
    class_names: Iterable[Any] | None,
    *,
    name: str,
    where: str,
    source: str,
    description: str | None = None,
) -> OpenedDataset:
    """Check images and labels that are in memory; `where` is what messages call them."""
    names = None if class_names is None else check_class_names(class_names, where)
    images, labels = _pair(arrays, keys, where)
    target, target_names = encode_labels(labels, names, f"{where}, {keys[1]}")
    test: Arrays | None = None
    if test_keys and all(arrays.get(key) is not None for key in test_keys):
        test_images, test_labels = _pair(arrays, test_keys, where)
        test_where = f"{where}, {test_keys[1]},"
        test = test_images, encode_test_labels(test_labels, labels, names, test_where)
    return OpenedDataset(
        name=name,
        source=source,
        description=description or f"{len(images):,} images from the arrays {' and '.join(keys)}.",
        target_names=target_names,
        target=target,
        draw=lambda index: images if index is None else images[index],
        draw_test=(lambda: test) if test else None,
    )


def _pair(arrays: Mapping[str, Any], keys: tuple[str, str], where: str) -> Arrays:
    """Return images, checked, and as many labels."""
    images = _check_pixels(np.asarray(arrays[keys[0]]), f"{where}, {keys[0]},")
    labels = np.atleast_1d(np.asarray(arrays[keys[1]]))
    if len(images) != len(labels):
        raise InputError(
            f"{where} must have one label per image, got {len(images)} in {keys[0]} and "
            f"{len(labels)} in {keys[1]}"
        )
    return images, labels


def _check_pixels(images: np.ndarray, where: str) -> np.ndarray:
    """Return images as uint8 (n, h, w, c), of (n, h, w) too, or say what they are instead."""
    if images.dtype != np.uint8:
        raise InputError(f"{where} must be uint8 (0 to 255), got {_dtype_and_remedy(images)}")
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or 0 in images.shape:
        shape = images.shape
        raise InputError(f"{where} must have the shape (n, h, w, c), none of them 0, got {shape}")
    if images.shape[-1] not in {1, 3}:
        remedy = "images.transpose(0, 2, 3, 1)" if images.shape[1] in {1, 3} else "drop the others"
        raise InputError(
            f"{where} must have 1 or 3 channels in the last axis, got the shape {images.shape}: "
            f"{remedy} before saving"
        )
    return np.ascontiguousarray(images)


def _dtype_and_remedy(images: np.ndarray) -> str:
    """Say which dtype and values stand in place of uint8, and how to convert them."""
    if images.dtype.kind not in "iuf" or images.size == 0:
        return f"{images.dtype} of shape {images.shape}: save numbers from 0 to 255"
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        return f"{images.dtype} with NaN or infinite values: repair or drop those images first"
    low, high = images.min(), images.max()
    got = f"{images.dtype} from {low:g} to {high:g}"
    if low < 0 or high > 255:
        return f"{got}: undo the normalisation before saving"
    if images.dtype.kind == "f" and high <= 1:
        return f"{got}: save (images * 255).round().astype('uint8')"
    return f"{got}: save images.round().astype('uint8')"


def data_fingerprint(images: np.ndarray, target: np.ndarray, target_names: Sequence[str]) -> str:
    """Identify a data set: SHA-256 over its images, labels and class names.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w, c)
        Shape and bytes both count.
    target : ndarray of int, shape (n,)
        The labels.
    target_names : sequence of str
        The class names.

    Returns
    -------
    str
        64 hexadecimal digits, the same on every machine.

    Examples
    --------
    >>> images = np.zeros((2, 4, 4, 3), np.uint8)
    >>> data_fingerprint(images, np.array([0, 1]), ["cat", "dog"])[:8]
    'e300bab6'
    """
    digest = hashlib.sha256(json.dumps([list(images.shape), list(target_names)]).encode())
    # Views, not copies: hashlib reads the arrays' own memory.
    digest.update(np.ascontiguousarray(images).reshape(-1).data)
    digest.update(np.ascontiguousarray(target, dtype="<i8").data)
    return digest.hexdigest()


def leave_out(dataset: Bunch, positions: np.ndarray) -> Bunch:
    """Return a data set without the images at some positions; its test split stays as it is."""
    images = np.delete(dataset.images, positions, axis=0)
    target = np.delete(dataset.target, positions)
    source = f"{dataset.source} {len(positions):,} of its images are left out."
    fingerprint = data_fingerprint(images, target, dataset.target_names)
    changed = {"images": images, "target": target, "source": source, "fingerprint": fingerprint}
    return Bunch(**{**dataset, **changed})


def stratified_subset(target: np.ndarray, limit: int, random_state: int) -> np.ndarray:
    """Choose `limit` indices, ascending, with every class in its share, give or take one."""
    n_classes = len(np.unique(target))
    shuffled = np.random.default_rng(random_state).permutation(len(target))
    by_class = shuffled[np.argsort(target[shuffled], kind="stable")]
    steps = ((np.arange(limit) + 0.5) * len(target) / max(limit, 1)).astype(np.int64)
    index = np.sort(by_class[steps])
    n_kept = len(np.unique(target[index]))
    if n_kept < n_classes:
        raise InputError(
            f"limit must leave an image of each of the {n_classes} classes, got {limit}, which "
            f"leaves {n_kept}: choose a larger limit"
        )
    return index


def resize_images(images: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Resize images uint8 (n, h, w, c) to (height, width), bilinear and antialiased."""
    if images.shape[1:3] == image_size:
        return images
    from PIL import Image

    height, width = image_size
    resized = np.empty((len(images), height, width, images.shape[3]), dtype=np.uint8)
    for image, out in zip(images, resized, strict=True):
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        smaller = picture.resize((width, height), Image.Resampling.BILINEAR)
        out[...] = np.asarray(smaller).reshape(out.shape)
    return resized
