"""Labels as they are stored, strings or integers, into class numbers and class names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cifar_sk.errors import InputError

__all__ = ["check_class_names", "encode_labels", "encode_test_labels"]


def check_class_names(names: Iterable[Any], where: str) -> list[str]:
    """Return class names as texts; they tell the classes apart, in tables and in JSON."""
    if getattr(names, "ndim", 1) > 1:
        raise InputError(f"{where}: class names must be a list, got a table")
    texts = [str(name) for name in names]
    for text, count in Counter(texts).items():
        if count > 1:
            raise InputError(f"{where}: two classes are called {text!r}; give each its own name")
        if not text.strip() or "\0" in text or text != text.encode(errors="ignore").decode():
            raise InputError(f"{where}: a class is called {text!r}; name it in Unicode characters")
    return texts


def encode_labels(
    labels: np.ndarray, class_names: Sequence[str] | None, where: str
) -> tuple[np.ndarray, list[str]]:
    """Turn string or integer labels (n,) or (n, 1) into class numbers and class names."""
    labels = _flat_labels(labels, where)
    if class_names is not None:
        class_names = check_class_names(class_names, where)
    if labels.dtype.kind == "U":
        target, names = _encode_strings(labels, class_names, where)
    else:
        target, names = _encode_integers(labels, class_names, where)
    counts = np.bincount(target, minlength=len(names))
    missing = [name for name, count in zip(names, counts, strict=True) if count == 0]
    if np.count_nonzero(counts) < 2:
        raise InputError(
            f"{where} must have at least two classes, got only {sorted(set(labels.tolist()))}"
        )
    if missing:
        raise InputError(
            f"{where} must have every class, got no image of {', '.join(missing[:5])}: "
            "add images of it, or leave it out of the class names"
        )
    return target, names


def _flat_labels(labels: np.ndarray, where: str) -> np.ndarray:
    """Return integer or string labels of shape (n,)."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise InputError(
            f"{where} must be one label per image, shape (n,), got the shape {labels.shape}: "
            "save labels.argmax(axis=1) if they are one-hot"
        )
    if labels.dtype.kind == "S":
        labels = labels.astype(str)
    if labels.dtype.kind not in "iuU":
        got = "NaN" if labels.dtype.kind == "f" and np.isnan(labels).any() else str(labels.dtype)
        raise InputError(
            f"{where} must be integers or strings, got {got}: save labels.astype('int64')"
        )
    return labels


def _encode_strings(
    labels: np.ndarray, class_names: Sequence[str] | None, where: str
) -> tuple[np.ndarray, list[str]]:
    if class_names is None:
        class_names = check_class_names(sorted(set(labels.tolist())), where)
    names = list(class_names)
    position = {name: k for k, name in enumerate(names)}
    unknown = sorted(set(labels.tolist()) - position.keys())
    if unknown:
        raise InputError(f"{where} must be among the class names {names}, got {unknown[0]!r}")
    return np.array([position[label] for label in labels.tolist()], dtype=np.int64), names


def _encode_integers(
    labels: np.ndarray, class_names: Sequence[str] | None, where: str
) -> tuple[np.ndarray, list[str]]:
    present = np.unique(labels)
    low, high = (int(present[0]), int(present[-1])) if present.size else (0, 0)
    if low < 0 or (class_names is not None and high >= len(class_names)):
        limit = "0 or more" if class_names is None else f"from 0 to {len(class_names) - 1}"
        raise InputError(f"{where} must be {limit}, got {low if low < 0 else high}")
    if class_names is not None:
        return labels.astype(np.int64), list(class_names)
    return np.searchsorted(present, labels).astype(np.int64), [str(k) for k in present.tolist()]


def encode_test_labels(
    labels: np.ndarray, train_labels: np.ndarray, class_names: Sequence[str] | None, where: str
) -> np.ndarray:
    """Give test labels the numbers that `encode_labels` gives to the training labels."""
    train_labels, labels = _flat_labels(train_labels, where), _flat_labels(labels, where)
    unseen = sorted(set(labels.tolist()) - set(train_labels.tolist()), key=str)
    if unseen:
        raise InputError(
            f"{where} must be of classes that the training images have, got {unseen[0]!r}"
        )
    both = np.concatenate([train_labels, labels])
    return encode_labels(both, class_names, where)[0][len(train_labels) :]
