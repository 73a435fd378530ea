"""Bootstrap intervals on what two classifiers differ by in each class.

Samples are drawn with replacement within each true class, each with both classifiers' predictions
of all repeats. Only how often a class's samples got which predictions enters F1, so the draws are
multinomial counts of the distinct outcomes. The intervals are about *these fitted models*: what
varies between training runs is not in them.

References
----------
Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.
https://doi.org/10.1201/9780429246593
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
    confidence: float = 0.95,
    n_resamples: int = 2_000,
    random_state: int = 0,
) -> pd.DataFrame:
    """Tabulate F1 of every class, 0 / 0 as 0, with percentile bounds of second - first."""
    # target is (n_samples,); first and second are classes, (n_samples, n_passes).
    if n_resamples < 1:
        raise InputError(f"n_resamples must be at least 1, got {n_resamples}; use 1000 or more")
    generator = np.random.default_rng(random_state)
    n_passes = first.shape[1]
    support = np.bincount(target, minlength=n_classes)
    # Row 0 counts the samples themselves, the others are drawn.
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
    total = predicted + support * n_passes
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
            "support": support,
        }
    )
