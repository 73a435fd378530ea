"""Distances between scored samples and those that are trained on, as the rules of copies ask."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import euclidean_distances

from cifar_sk.leaks.subject import Subject

__all__ = ["dimension", "scaled_rows", "training_distances"]

_MOST_QUERIES = 150
_MOST_TRAINING = 4_000
_MOST_COLUMNS = 256


def scaled_rows(subject: Subject) -> np.ndarray | None:
    """Return samples with columns of equal spread, or pixels as they are; None if unfit."""
    rows = subject.rows
    if rows is None or rows.shape[1] < 2:
        return None
    step = max(1, rows.shape[1] // _MOST_COLUMNS)
    columns = rows[:, ::step].astype(np.float64)
    if not np.isfinite(columns).all():
        return None
    if subject.image_shape is not None:
        return columns
    spread = columns.std(axis=0)
    return (columns - columns.mean(axis=0))[:, spread > 0] / spread[spread > 0]


def training_distances(subject: Subject, rows: np.ndarray, n_nearest: int) -> np.ndarray:
    """Return distances of some scored samples to the nearest that their fold trains on."""
    generator = np.random.default_rng(0)
    folds = subject.first_repeat
    found = []
    for split in folds:
        n_queries = max(1, min(len(split.test), _MOST_QUERIES // len(folds)))
        queries = generator.choice(split.test, n_queries, replace=False)
        train = np.setdiff1d(split.train, split.test)
        if len(train) > _MOST_TRAINING:  # those beside it in the file, and others
            near = (queries[:, None] + np.arange(-10, 11)).ravel()
            others = generator.choice(train, _MOST_TRAINING, replace=False)
            train = np.union1d(np.intersect1d(near, train), others)
        if len(train) > n_nearest:
            distances = euclidean_distances(rows[queries], rows[train])
            found.append(np.sort(np.partition(distances, n_nearest, axis=1)[:, :n_nearest]))
    return np.concatenate(found) if found else np.empty((0, n_nearest))


def dimension(distances: np.ndarray) -> float:
    """Estimate the dimension of samples from sorted distances: how fast neighbours become many.

    The highest over several numbers of neighbours, since copies make some of them look low.
    """
    found = []
    for k in (1, 2, 4, 8, 16):
        if 2 * k <= distances.shape[1]:
            near, far = distances[:, k - 1], distances[:, 2 * k - 1]
            growth = np.log(far[near > 0] / near[near > 0])
            if len(growth):
                found.append(np.log(2) / max(float(np.median(growth)), 1e-3))
    return max(found, default=0.0)
