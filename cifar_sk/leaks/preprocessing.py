"""A rule of samples that were scaled, centred or rotated by figures of all of them.

Whoever scales by means of their own training fold has no column whose mean over *all* samples is
0; whoever scales all samples at once has nothing else. So the traces are exact.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtr

from cifar_sk.leaks.findings import Leak, leak_rule
from cifar_sk.leaks.subject import Subject

__all__ = ["preprocessed_outside"]

_MOST_COLUMNS = 64  # that are looked at; a trace is in all of them
_LEAST_SAMPLES = 20
_SHARE = 0.9  # of the columns must show the trace
_NEAR = 0.02  # standard errors: what chance leaves of a mean in 1.6 % of columns
_GRIDS = (*range(1, 257), 1000, 65535)  # parts into which a unit of brightness is divided


@leak_rule("preprocessed_outside", in_runs=True)
def preprocessed_outside(subject: Subject) -> Iterator[Leak]:
    """Find samples that were standardised, whitened or the like before the folds were made."""
    rows = subject.rows
    if rows is None or len(rows) < _LEAST_SAMPLES or rows.dtype.kind != "f" or subject.is_whole:
        return
    trace, where = _trace(subject, rows), "all samples"
    if trace is None and subject.test_rows is not None:
        trace = _trace(subject, np.concatenate([rows, subject.test_rows]))
        where = "all samples and the test split together"
    if trace is not None:
        yield Leak(
            f"the samples were preprocessed before the folds were made: over {where}, {trace}",
            "give them as they were, and make the preprocessing a step of the pipeline",
            {"trace": trace, "over": where},
        )


def _trace(subject: Subject, rows: np.ndarray) -> str | None:
    step = max(1, rows.shape[1] // _MOST_COLUMNS)
    columns = np.asarray(rows[:, ::step], dtype=np.float64)
    if not np.isfinite(columns).all():
        return None  # missing values are left to the pipeline
    columns = columns[:, np.ptp(columns, axis=0) > 0]
    if columns.shape[1] < 2:
        return None
    for find in (_centred, _uncorrelated, _ranged, _of_quartiles, _ranked):
        if trace := find(columns):
            return trace
    return _centred_as_a_whole(subject, rows)


def _centred(columns: np.ndarray) -> str | None:
    deviations = columns.std(axis=0)
    errors = np.abs(columns.mean(axis=0)) / deviations * np.sqrt(len(columns))
    if len(errors) < 5 and (errors > 1e-6).any():
        return None
    if (errors < _NEAR).mean() < _SHARE or _is_by_sample(columns):
        return None
    is_scaled = (np.abs(deviations - 1) < 1e-3).mean() >= _SHARE
    return "every column has mean 0" + (" and standard deviation 1" if is_scaled else "")


def _is_by_sample(columns: np.ndarray) -> bool:
    """Tell whether each sample is centred by itself, which is no leak."""
    spread = np.maximum(columns.std(axis=1), 1e-12)
    return bool((np.abs(columns.mean(axis=1)) / spread < 1e-4).all())


def _uncorrelated(columns: np.ndarray) -> str | None:
    n_samples, n_columns = columns.shape
    if n_columns < 3 or n_samples < n_columns + 3:
        return None
    correlations = np.corrcoef(columns.T)[np.triu_indices(n_columns, 1)]
    chance = 1 / np.sqrt(n_samples)
    if np.quantile(np.abs(correlations), 0.99) < 1e-3 * chance:
        return "columns are uncorrelated, as principal components are"
    return None


def _ranged(columns: np.ndarray) -> str | None:
    low, high = columns.min(axis=0), columns.max(axis=0)
    for bottom in (0.0, -1.0):
        is_ranged = (np.abs(low - bottom) < 1e-6) & (np.abs(high - 1) < 1e-6)
        if len(low) >= 3 and is_ranged.mean() >= _SHARE and not _is_on_a_grid(columns):
            by_itself = (columns.max(axis=1) == 1).all() and (columns.min(axis=1) == bottom).all()
            return None if by_itself else f"every column reaches from {bottom:g} to 1"
    return None


def _is_on_a_grid(columns: np.ndarray) -> bool:
    """Tell whether values are levels, as pixels divided by 255 are."""
    some = columns[:300]
    return any(np.abs(some * parts - np.round(some * parts)).max() < 1e-3 for parts in _GRIDS)


def _of_quartiles(columns: np.ndarray) -> str | None:
    low, middle, high = np.quantile(columns, (0.25, 0.5, 0.75), axis=0)
    is_scaled = (np.abs(middle) < 1e-6) & (np.abs(high - low - 1) < 1e-6)
    return (
        "every column has median 0 and quartiles at a distance of 1" if is_scaled.all() else None
    )


def _ranked(columns: np.ndarray) -> str | None:
    even = np.linspace(0, 1, len(columns))[:, None]
    for ranks in (columns, ndtr(columns)):
        away = np.abs(np.sort(ranks, axis=0) - even).max(axis=0)
        if (away < 3 / len(columns)).mean() >= _SHARE:
            return "every column has the quantiles of one distribution exactly"
    return None


def _centred_as_a_whole(subject: Subject, rows: np.ndarray) -> str | None:
    """Notice one mean for all pixels, or one per channel."""
    shape = subject.image_shape
    if shape is None or _is_by_sample(np.asarray(rows[:200], dtype=np.float64)):
        return None
    error = _NEAR / np.sqrt(len(rows))
    for n_channels in {1, shape[2]}:
        pixels = rows.reshape(-1, n_channels)
        if (np.abs(pixels.mean(axis=0, dtype=np.float64)) >= error).any():
            continue
        if (np.abs(pixels.std(axis=0) - 1) < error).all():
            return "all pixels together have mean 0 and standard deviation 1"
    return None
