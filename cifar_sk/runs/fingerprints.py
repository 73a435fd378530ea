"""Fingerprints of a program's own samples and fit parameters, equal in every process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np

from cifar_sk.datasets.arrays import data_fingerprint

__all__ = ["samples_fingerprint", "value_fingerprint"]


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
