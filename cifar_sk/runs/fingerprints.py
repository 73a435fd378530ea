"""Fingerprints of samples and fit parameters, equal in every process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import joblib
import numpy as np

from cifar_sk.datasets.arrays import data_fingerprint
from cifar_sk.datasets.copies import hash_each

__all__ = ["image_hashes", "samples_fingerprint", "value_fingerprint"]


def samples_fingerprint(
    X: Any, target: np.ndarray, class_names: Sequence[str]
) -> tuple[str, tuple[int, ...]]:
    """Return a fingerprint of samples and labels, and the shape of one sample."""
    content = _content(X)
    if isinstance(content, np.ndarray) and content.dtype.kind in "biufcSU":
        fingerprint = data_fingerprint(content, target, class_names)
    else:
        fingerprint = _hash((content, target, list(class_names)))
    shape: tuple[int, ...] = getattr(X, "shape", getattr(content, "shape", ()))
    return fingerprint, tuple(map(int, shape[1:]))


def image_hashes(X: Any) -> np.ndarray:
    """Hash every sample on its own: equal samples have equal hashes, in any data set and order.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of n_samples rows
        Images, or samples of any other kind. Images are equal if their bytes are; the shape does
        not count, so an image and its flattened row are equal.

    Returns
    -------
    ndarray of uint64, shape (n_samples,)
        The first 64 bits of BLAKE2b; two of a million different samples share a hash with a
        probability of 3e-8.

    Examples
    --------
    >>> hashes = image_hashes(np.array([[1, 2], [3, 4], [1, 2]], np.uint8))
    >>> hashes[0] == hashes[2], hashes[0] == hashes[1]
    (np.True_, np.False_)
    """
    if hasattr(X, "iloc"):
        content = _frame_content(X)[1]
        return content if content.dtype == np.uint64 else hash_each(_texts(content))
    if hasattr(X, "tocsr"):
        _, starts, columns, values = _content(X)
        parts = pairwise(starts)
        return hash_each(columns[a:b].tobytes() + values[a:b].tobytes() for a, b in parts)
    content = _content(X)
    if isinstance(content, np.ndarray) and content.dtype.kind in "biufc":
        return hash_each(row.tobytes() for row in content)
    return hash_each(_texts(content))


def _texts(samples: Iterable[Any]) -> Iterable[bytes]:
    """Give samples that are no numbers as bytes: an array's strings are as wide as the longest."""
    plain = (row.tolist() if isinstance(row, np.ndarray | np.generic) else row for row in samples)
    return (_hash(row).encode() for row in plain)


def value_fingerprint(value: Any) -> str:
    """Return a fingerprint of what ``fit`` is given, such as weights."""
    content = _content(value)
    return _hash(np.ascontiguousarray(content) if isinstance(content, np.ndarray) else content)


def _content(X: Any) -> Any:
    """Return what samples hold, in a form that is equal where they are equal."""
    if hasattr(X, "tocsr"):
        rows = X.tocsr(copy=True)
        rows.sum_duplicates()  # which also sorts the columns
        return rows.shape, rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data
    if hasattr(X, "iloc"):
        return _frame_content(X)
    try:
        values = np.asarray(X)
    except ValueError:  # lists of different lengths
        return X
    return X if values.dtype == object else values


def _frame_content(X: Any) -> Any:
    from pandas.util import hash_pandas_object

    names = [str(name) for name in (X.columns if X.ndim == 2 else [X.name])]
    try:
        return names, hash_pandas_object(X, index=False).to_numpy()
    except TypeError:  # cells that hold lists and the like
        return names, X.to_numpy()


def _hash(content: Any) -> str:
    return str(joblib.hash(content, hash_name="sha1"))
