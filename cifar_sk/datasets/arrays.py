"""Arrays of images and labels: checks, fingerprint, subsets and sizes, whatever they came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cifar_sk.errors import InputError

__all__ = [
    "OpenedDataset",
    "check_pixels",
    "data_fingerprint",
    "resize_images",
    "stratified_subset",
]

Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class OpenedDataset:
    """A data set whose labels are read and whose images are drawn on demand.

    Encoded images (JPEG, PNG) are decoded only if they are drawn, so a subset costs a subset.

    Attributes
    ----------
    name : str
        What the content is, e.g. ``"cifar10-subset"``.
    source : str
        Where it came from, one sentence.
    description : str
        What there is to know about it.
    target_names : list of str
        The classes, in the order of the labels.
    target : ndarray of int64, shape (n,)
        The labels, 0 to ``len(target_names) - 1``.
    draw : callable
        Indices (n,), or None for all, in; images uint8 (n, h, w, c) out.
    draw_test : callable or None
        Returns the test images and labels; None where there is no official test split.
    """

    name: str
    source: str
    description: str
    target_names: list[str]
    target: np.ndarray
    draw: Callable[[np.ndarray | None], np.ndarray]
    draw_test: Callable[[], Arrays] | None = None


def check_pixels(images: np.ndarray, where: str) -> np.ndarray:
    """Return images as uint8 (n, h, w, c), or say what they are instead.

    Parameters
    ----------
    images : ndarray
        Candidate images; (n, h, w) is taken as one channel.
    where : str
        How a message names them.

    Returns
    -------
    ndarray of uint8, shape (n, h, w, c)

    Raises
    ------
    InputError
        For another dtype (with the conversion that mends it) or another shape.

    Examples
    --------
    >>> check_pixels(np.zeros((2, 8, 8), np.uint8), "'images'").shape
    (2, 8, 8, 1)
    """
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


def stratified_subset(target: np.ndarray, limit: int, random_state: int) -> np.ndarray:
    """Choose `limit` samples with every class in its share, give or take one.

    Systematic sampling: the samples are shuffled, sorted by class, and taken at equal steps.

    Parameters
    ----------
    target : ndarray of int, shape (n,)
        The labels.
    limit : int
        Number of samples to choose.
    random_state : int
        Seed.

    Returns
    -------
    ndarray of int64, shape (limit,)
        Indices, ascending.

    Raises
    ------
    InputError
        If the subset would lack a class.

    Examples
    --------
    >>> target = np.repeat([0, 1], [30, 10])
    >>> np.bincount(target[stratified_subset(target, 8, random_state=0)])
    array([6, 2])
    """
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
    """Resize images, bilinear and antialiased.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, h, w, c)
        One or three channels.
    image_size : tuple of int
        The new height and width, pixels.

    Returns
    -------
    ndarray of uint8, shape (n, *image_size, c)
        `images` itself if it has that size.

    Examples
    --------
    >>> resize_images(np.full((1, 8, 8, 3), 7, np.uint8), (2, 4))[0, 0, 0]
    array([7, 7, 7], dtype=uint8)
    """
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
