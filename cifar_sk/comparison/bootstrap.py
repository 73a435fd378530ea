"""Bootstrap intervals on what two classifiers differ by in each class.

Samples are drawn with replacement within each true class, each with both classifiers' predictions
of all repeats. Only how often a class's samples got which predictions enters F1, so the draws are
multinomial counts of the distinct outcomes. Where samples have groups, whole groups are drawn
instead, over all classes, for those of a group are not independent. The intervals are about *these
fitted models*: what varies between training runs is not in them.

References
----------
Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.
https://doi.org/10.1201/9780429246593

Field, C. A. and Welsh, A. H. (2007). Bootstrapping clustered data. Journal of the Royal
Statistical Society B 69, 369–390. https://doi.org/10.1111/j.1467-9868.2007.00593.x
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError

__all__ = ["class_f1_differences"]


def class_f1_differences(
    target: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    n_classes: int,
    *,
    groups: np.ndarray | None = None,
    confidence: float = 0.95,
    n_resamples: int = 2_000,
    random_state: int = 0,
) -> pd.DataFrame:
    """Tabulate F1 of every class, 0 / 0 as 0, with percentile bounds of second - first."""
    # target is (n_samples,); first and second are classes, (n_samples, n_passes).
    if n_resamples < 1:
        raise InputError(f"n_resamples must be at least 1, got {n_resamples}; use 1000 or more")
    generator = np.random.default_rng(random_state)
    if groups is None:
        counts = _within_classes(target, first, second, n_classes, n_resamples, generator)
    else:
        counts = _of_groups(target, first, second, n_classes, groups, n_resamples, generator)
    hits, total = counts
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    difference = f1[1] - f1[0]
    low, high = np.quantile(difference[1:], [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return pd.DataFrame(
        {
            "f1_first": f1[0, 0],
            "f1_second": f1[1, 0],
            "difference": difference[0],
            "low": low,
            "high": high,
            "support": np.bincount(target, minlength=n_classes),
        }
    )


def _within_classes(
    target: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    n_classes: int,
    n_resamples: int,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Count hits and, of F1, twice the mean of true and predicted; row 0 is without drawing."""
    n_passes = first.shape[1]
    support = np.bincount(target, minlength=n_classes)
    hits = np.zeros((2, n_resamples + 1, n_classes))
    predicted = np.zeros_like(hits)
    for label in np.flatnonzero(support):
        inside = target == label
        outcomes, counts = np.unique(
            np.hstack([first[inside], second[inside]]), axis=0, return_counts=True
        )
        draws = generator.multinomial(counts.sum(), counts / counts.sum(), size=n_resamples)
        weights = np.vstack([counts, draws]).astype(np.float64)  # BLAS multiplies floats only
        for run, columns in enumerate((outcomes[:, :n_passes], outcomes[:, n_passes:])):
            occurrences = columns[:, :, None] == np.arange(n_classes)
            received = weights @ occurrences.sum(axis=1, dtype=np.float64)
            predicted[run] += received
            hits[run, :, label] = received[:, label]
    return hits, predicted + support * n_passes


def _of_groups(
    target: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    n_classes: int,
    groups: np.ndarray,
    n_resamples: int,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Count the same with whole groups drawn."""
    _, group = np.unique(groups, return_inverse=True)
    n_groups, n_passes = int(group.max()) + 1, first.shape[1]

    def by_group(classes: np.ndarray, members: np.ndarray) -> np.ndarray:
        cells = np.bincount(members * n_classes + classes, minlength=n_groups * n_classes)
        return cells.reshape(n_groups, n_classes)

    support = n_passes * by_group(target, group)
    parts = []
    for predicted in (first, second):
        right = predicted == target[:, None]
        hit = sum(by_group(target[r], group[r]) for r in right.T)
        parts += [hit, support + sum(by_group(column, group) for column in predicted.T)]
    sums = np.hstack(parts).astype(np.float64)
    equal = np.full(n_groups, 1 / n_groups)
    draws = (generator.multinomial(n_groups, equal) @ sums for _ in range(n_resamples))
    drawn = np.vstack([sums.sum(axis=0), *draws])
    hits_and_totals = drawn.reshape(n_resamples + 1, 2, 2, n_classes)
    return hits_and_totals[:, :, 0].swapaxes(0, 1), hits_and_totals[:, :, 1].swapaxes(0, 1)
