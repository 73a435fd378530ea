"""Exact copies among images, found by their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

__all__ = ["first_copies", "hash_each"]


def first_copies(images: np.ndarray) -> np.ndarray:
    """Return for every image the position of the first one that is the same byte for byte.

    Parameters
    ----------
    images : ndarray of shape (n, ...)
        Any dtype; at least one image.

    Returns
    -------
    ndarray of int64, shape (n,)
        An image that is no copy of an earlier one has its own position.

    Examples
    --------
    >>> first_copies(np.array([[1, 2], [3, 4], [1, 2]]))
    array([0, 1, 0])
    """
    seen: dict[bytes, int] = {}
    first = np.empty(len(images), dtype=np.int64)
    for position, image in enumerate(images):
        digest = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        first[position] = seen.setdefault(digest, position)
    return first


def hash_each(samples: Iterable[bytes]) -> np.ndarray:
    """Return 64 bits of BLAKE2b of each sample, uint64 (n,), which are equal where bytes are."""
    digests = b"".join(hashlib.blake2b(sample, digest_size=8).digest() for sample in samples)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
