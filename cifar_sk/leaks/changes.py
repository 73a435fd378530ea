"""Scored samples that a fit can reach beside X and y: found by their hashes, changed for a fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from cifar_sk.leaks.reach import reachable
from cifar_sk.leaks.subject import Subject, hash_rows

__all__ = ["Change", "changes_of"]


@dataclass(frozen=True)
class _Held:
    """Rows of an array: samples of the scored fold or of the test split, or their labels."""

    array: np.ndarray
    rows: np.ndarray
    is_labels: bool
    of_test_split: bool


@dataclass(frozen=True)
class Change:
    """Arrays with scored samples that a fit can reach."""

    held: tuple[_Held, ...]

    def __bool__(self) -> bool:
        return bool(self.held)

    def kinds(self) -> list[tuple[str, bool]]:
        """List what can be changed, and whether it is of the test split."""
        splits = sorted({held.of_test_split for held in self.held})
        return [(what, split) for split in splits for what in ("labels", "samples")]

    @contextmanager
    def made(self, what: str, *, test_split: bool) -> Iterator[None]:
        """Change arrays in place, and put them back at the end."""
        chosen = [
            held
            for held in self.held
            if held.of_test_split == test_split and held.is_labels == (what == "labels")
        ]
        kept = [(held.array, held.array.copy(), held.array.flags.writeable) for held in chosen]
        try:
            for held in chosen:
                held.array.flags.writeable = True
                _shift(held) if held.is_labels else _distort(held)
            yield
        finally:
            for array, content, writeable in kept:
                array[...] = content
                array.flags.writeable = writeable


def _shift(held: _Held) -> None:
    """Call each class by the name of the next."""
    labels = np.unique(held.array)
    places = np.searchsorted(labels, held.array[held.rows])
    held.array[held.rows] = labels[(places + 1) % len(labels)]


def _distort(held: _Held) -> None:
    """Turn values around, and shuffle them over the samples."""
    part = held.array[held.rows]
    turned = (part.max() - part) + part.min() if part.dtype.kind in "iu" else 1 - 50 * part
    order = np.random.default_rng(0).permutation(len(part))
    held.array[held.rows] = turned[order].astype(part.dtype)


def changes_of(subject: Subject, *roots: Any) -> Change:
    """Find arrays that can be reached, as from an estimator, and that hold scored samples."""
    rows_of_all, of_all = subject.rows, subject.hashes
    if rows_of_all is None or of_all is None:
        return Change(())
    scored = np.setdiff1d(subject.splits[0].test, subject.splits[0].train)
    hashes = {False: np.setdiff1d(of_all[scored], of_all[subject.splits[0].train])}
    if subject.test_rows is not None:
        hashes[True] = hash_rows(subject.test_rows.astype(rows_of_all.dtype, copy=False))
    arrays = [
        value
        for value in reachable(*roots)
        if isinstance(value, np.ndarray) and value.dtype != object and _can_be_changed(value)
    ]
    found = []
    for samples in arrays:
        for of_test_split, known in hashes.items():
            rows = _rows_of(samples, rows_of_all, known)
            if rows.size:
                found.append(_Held(samples, rows, False, of_test_split))
                labels = (a for a in arrays if a.ndim == 1 and len(a) == len(samples))
                found += [_Held(array, rows, True, of_test_split) for array in labels]
    return Change(tuple(found))


def _can_be_changed(array: np.ndarray) -> bool:
    if array.flags.writeable:
        return True
    try:
        array.flags.writeable = True
    except ValueError:  # it belongs to a file or to another library
        return False
    array.flags.writeable = False
    return True


def _rows_of(array: np.ndarray, rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the positions of known samples in an array."""
    n_columns = int(np.prod(array.shape[1:])) if array.ndim > 1 else 0
    if n_columns != rows.shape[1] or array.dtype.kind not in "biuf":
        return np.empty(0, dtype=np.intp)
    flat: Any = array.reshape(len(array), -1).astype(rows.dtype, copy=False)
    return np.flatnonzero(np.isin(hash_rows(flat), known))
