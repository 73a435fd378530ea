"""What is audited: an estimator, samples and folds, in the forms that rules ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cifar_sk.datasets.copies import hash_each
from cifar_sk.folds.splits import Split

__all__ = ["Subject", "hash_rows", "numeric_rows"]

_MOST_CELLS = 400_000_000  # of a dense copy; sparse data beyond it are not looked into
_MIN_SIDE = 6  # pixels; fewer columns are taken for a table


@dataclass(frozen=True)
class Subject:
    """What is audited.

    Attributes
    ----------
    estimator : classifier or None
        Not fitted; None where only a run's files are there.
    X : array-like of shape (n_samples, ...) or None
        Samples.
    y : ndarray of shape (n_samples,)
        Labels.
    splits : sequence of Split
        Folds.
    groups : ndarray of shape (n_samples,) or None
        Groups that no fold should tear apart.
    test : (X, y) or None
        An official test split.
    fit_params : mapping
        What ``fit`` is given besides.
    random_state : int
        Seed of the fits.
    stored_hashes : ndarray of uint64, shape (n_samples,), or None
        One per sample, equal where samples are, for runs without their samples.
    shared : dict
        What rules have computed and others use, such as fitted models.
    """

    estimator: Any
    X: Any
    y: np.ndarray
    splits: Sequence[Split]
    groups: np.ndarray | None = None
    test: tuple[Any, np.ndarray] | None = None
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    random_state: int = 0
    stored_hashes: np.ndarray | None = None
    shared: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def codes(self) -> np.ndarray:
        """Labels as positions in the sorted classes."""
        return np.unique(self.y, return_inverse=True)[1]

    @cached_property
    def n_classes(self) -> int:
        """How many classes there are."""
        return int(self.codes.max()) + 1

    @cached_property
    def rows(self) -> np.ndarray | None:
        """Samples as rows of numbers, or None where they are no numbers; integers stay so."""
        return numeric_rows(self.X)

    @cached_property
    def test_rows(self) -> np.ndarray | None:
        """The test split as rows like those of the samples, or None."""
        found = None if self.test is None else numeric_rows(self.test[0])
        if found is None or self.rows is None or found.shape[1] != self.rows.shape[1]:
            return None
        return found

    @cached_property
    def hashes(self) -> np.ndarray | None:
        """A number for each sample, equal where samples are; None where they are no numbers."""
        if self.stored_hashes is not None:
            return self.stored_hashes
        return None if self.rows is None else hash_rows(self.rows)

    @cached_property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Height, width and channels of a sample; of flat rows they are guessed."""
        shape = np.shape(self.X)[1:]
        if len(shape) in {2, 3}:
            return (*shape, 1)[:3]
        if self.rows is None:
            return None
        for channels in (1, 3):
            side = round((self.rows.shape[1] / channels) ** 0.5)
            if side >= _MIN_SIDE and side * side * channels == self.rows.shape[1]:
                return (side, side, channels) if self._is_smooth(side, channels) else None
        return None

    def _is_smooth(self, side: int, channels: int) -> bool:
        """Tell images from tables: neighbouring pixels are alike, or bytes."""
        rows = self.rows
        if rows is None or rows.dtype == np.uint8:
            return True
        some = rows[:500].reshape(-1, side, side, channels).astype(np.float64)
        some = some - some.mean(axis=0)
        beside = (some[:, :, 1:] * some[:, :, :-1]).sum()
        afar = (some[:, :, side // 2 :] * some[:, :, : side - side // 2]).sum()
        return bool(beside - afar > 0.2 * (some**2).sum())

    @cached_property
    def is_whole(self) -> bool:
        """Tell whether all values are whole numbers."""
        rows = self.rows
        if rows is None:
            return False
        return rows.dtype.kind in "biu" or bool(np.array_equal(rows[:2000], np.round(rows[:2000])))

    def sample(self, n_most: int) -> np.ndarray:
        """Draw positions of at most so many samples, the same ones every time."""
        n_samples = len(self.y)
        if n_samples <= n_most:
            return np.arange(n_samples)
        return np.sort(np.random.default_rng(0).choice(n_samples, n_most, replace=False))

    @cached_property
    def first_repeat(self) -> list[Split]:
        """The folds of the first repeat, which hold every sample once."""
        return [split for split in self.splits if split.repeat == 0 and split.seed == 0]


def numeric_rows(X: Any) -> np.ndarray | None:
    """Return samples as a matrix of numbers without copying where possible, or None."""
    if X is None:
        return None
    if hasattr(X, "toarray"):
        X = X.toarray() if X.shape[0] * X.shape[1] <= _MOST_CELLS else None
    try:
        values = np.asarray(X)
    except ValueError:  # lists of different lengths
        return None
    if values.dtype.kind not in "biuf" or values.ndim < 2:
        return None
    return values.reshape(len(values), -1)


def hash_rows(rows: np.ndarray) -> np.ndarray:
    """Hash each row: numbers that are equal where the bytes of rows are."""
    return hash_each(row.tobytes() for row in rows)
