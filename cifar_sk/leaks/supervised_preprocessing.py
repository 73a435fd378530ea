"""Rules of samples that were prepared with the labels of all of them.

References
----------
.. [1] C. Ambroise, G. J. McLachlan, "Selection bias in gene extraction on the basis of microarray
   gene-expression data", PNAS 99, 2002, :doi:`10.1073/pnas.102102699`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import kstest
from sklearn.feature_selection import f_classif

from cifar_sk.leaks.findings import Leak, leak_rule
from cifar_sk.leaks.subject import Subject

__all__ = ["selected_outside", "target_encoded"]

_LEAST_COLUMNS = 8
_MOST_COLUMNS = 200
_MOST_CATEGORIES = 40
_MOST_P = 0.05


@leak_rule("selected_outside", in_runs=True)
def selected_outside(subject: Subject) -> Iterator[Leak]:
    """Find columns that were chosen out of noise because they go with the labels."""
    # p values of noise are even from 0 to 1; of what was chosen by them, from 0 to a threshold.
    # Those of real features spread over orders of magnitude instead.
    rows = subject.rows
    if rows is None or not _LEAST_COLUMNS <= rows.shape[1] <= 5_000 or rows.dtype == np.uint8:
        return
    part = subject.sample(2_000)
    columns = np.asarray(rows[part], dtype=np.float64)
    columns = columns[:, np.ptp(columns, axis=0) > 0]
    if columns.shape[1] < _LEAST_COLUMNS or not np.isfinite(columns).all():
        return
    p = f_classif(columns, subject.y[part])[1]
    highest = float(p.max())
    if highest > _MOST_P or (p > highest / 2).mean() < 0.25:
        return
    if kstest(p / highest, "uniform").pvalue > 0.01:
        yield Leak(
            f"all {len(p)} columns go with the labels, and as evenly as noise does that was "
            f"chosen by p < {highest:.2g}",
            "make the selection of features a step of the pipeline",
            {"columns": len(p), "highest_p": highest},
        )


@leak_rule("target_encoded", in_runs=True)
def target_encoded(subject: Subject) -> Iterator[Leak]:
    """Find columns that were encoded or centred by the labels of all samples."""
    rows = subject.rows
    if rows is None or rows.dtype.kind != "f" or subject.is_whole:
        return
    columns = np.asarray(rows[:, :: max(1, rows.shape[1] // _MOST_COLUMNS)], dtype=np.float64)
    if not np.isfinite(columns).all():
        return
    is_table = rows.shape[1] <= _MOST_COLUMNS and subject.image_shape is None
    tried = columns.T if is_table else columns.T[:0]
    encoded = [i for i, column in enumerate(tried) if _is_mean_label(column, subject.codes)]
    remedy = "encode inside the pipeline, as sklearn.preprocessing.TargetEncoder does"
    if encoded:
        yield Leak(
            f"column {encoded[0]} holds the mean label of the samples that share its value, "
            f"computed over all samples",
            remedy,
            {"columns": encoded[:20]},
        )
    elif _is_centred_by_class(columns, subject.codes):
        yield Leak(
            "every column has the same mean in each class, so the samples were centred with "
            "their labels",
            "leave labels out of the preprocessing; at predict there are none",
            {"columns": columns.shape[1]},
        )


def _is_mean_label(column: np.ndarray, codes: np.ndarray) -> bool:
    """Tell whether each value is the share of a class among its samples, perhaps smoothed."""
    values, groups, counts = np.unique(column, return_inverse=True, return_counts=True)
    if not 4 <= len(values) <= len(column) / 2 or values.min() < 0:
        return False
    if np.array_equal(values, np.round(values)):
        return False
    targets = [codes, *(codes == code for code in range(codes.max() + 1) if codes.max() > 1)]
    for target in targets:
        sums = np.bincount(groups, target.astype(np.float64))
        if _fits(values, counts, sums):
            return True
    return False


def _fits(values: np.ndarray, counts: np.ndarray, sums: np.ndarray) -> bool:
    """Compare values with ``sums / counts``, or ``(sums + a) / (counts + m)`` with any a and m."""
    excess = sums - values * counts
    tolerance = 1e-5 * counts
    if (np.abs(excess) < tolerance).all():
        return True
    # Two categories may have one value by chance, so most must fit, and not all.
    some = np.argsort(-counts)[:_MOST_CATEGORIES]
    values, excess, tolerance = values[some], excess[some], tolerance[some]
    one, other = np.triu_indices(len(values), 1)
    smoothing = (excess[one] - excess[other]) / (values[one] - values[other])
    offsets = excess[one] - smoothing * values[one]
    errors = np.abs(excess - smoothing[:, None] * values - offsets[:, None])
    n_near = (errors < 4 * tolerance).sum(axis=1)
    n_most = int(n_near[smoothing > 0].max(initial=0))
    return n_most >= max(5, 0.7 * len(values))


def _is_centred_by_class(columns: np.ndarray, codes: np.ndarray) -> bool:
    columns = columns[:, np.ptp(columns, axis=0) > 0]
    if columns.shape[1] < 5 or np.bincount(codes).min() < 3:
        return False
    ratios = f_classif(columns, codes)[0]
    return bool((ratios < 1e-4).mean() >= 0.9)
