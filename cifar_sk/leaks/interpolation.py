"""A rule of samples that were made up between two others before the folds, as SMOTE makes them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cifar_sk.leaks.findings import Leak, leak_rule
from cifar_sk.leaks.neighbours import dimension
from cifar_sk.leaks.subject import Subject

__all__ = ["interpolated_samples"]

_N_QUERIES = 80
_N_NEAREST = 150
_MOST_OTHERS = 2_000
_MOST_COLUMNS = 256
_LEAST_SHARE = 0.05
_GRIDS = (1, 2, 4, 5, 8, 10, 16, 20, 100, 255, 1000)


@leak_rule("interpolated_samples")
def interpolated_samples(subject: Subject) -> Iterator[Leak]:
    """Find samples that lie exactly on the line between two others."""
    rows = subject.rows
    if rows is None or rows.shape[1] < 2:
        return
    step = max(1, rows.shape[1] // _MOST_COLUMNS)  # three in a line are so in some columns too
    columns = np.asarray(rows[subject.sample(_MOST_OTHERS), ::step], dtype=np.float64)
    columns = columns[:, np.ptp(columns, axis=0) > 0]
    if columns.shape[1] < 2 or len(columns) < 30 or not np.isfinite(columns).all():
        return
    unit = _unit(columns)
    queries = np.random.default_rng(0).permutation(len(columns))[:_N_QUERIES]
    between = [_lies_between(columns, query, unit) for query in queries]
    if unit and dimension(np.array([near for _, near in between])) < 5:
        return  # on few levels in few dimensions, three in a line are no wonder
    share = float(np.mean([lies for lies, _ in between]))
    if share >= _LEAST_SHARE:
        yield Leak(
            f"{share:.0%} of the samples lie exactly between two others, as SMOTE and MixUp make "
            f"them",
            "resample inside the pipeline (--resample, or imblearn.pipeline), so that only "
            "training folds are",
            {"share": share, "samples": len(queries)},
        )


def _unit(columns: np.ndarray) -> float:
    """Return the step between levels, such as 1 of whole numbers; 0 where there are none."""
    some = columns[:200]
    scaled = ((parts, some * parts) for parts in _GRIDS)
    fitting = (parts for parts, part in scaled if np.abs(part - np.rint(part)).max() < 1e-6)
    return 1 / next(fitting, np.inf)


def _lies_between(columns: np.ndarray, query: int, unit: float) -> tuple[bool, np.ndarray]:
    """Tell whether a sample lies on a line between two, and the distances of its nearest."""
    difference = columns - columns[query]
    lengths = np.sqrt((difference**2).sum(axis=1))
    lengths[lengths == 0] = np.inf
    nearest = np.argsort(lengths)[: min(_N_NEAREST, int(np.isfinite(lengths).sum()))]
    lengths = lengths[nearest]
    directions = difference[nearest] / lengths[:, None]
    cosines = directions @ directions.T
    one, other = np.unravel_index(int(cosines.argmin()), cosines.shape)
    # Distance of the sample from the line, by the difference of the two directions.
    off = np.sqrt(((directions[one] + directions[other]) ** 2).sum())
    near = min(lengths[one], lengths[other])
    residual = near * off
    rounding = 0.45 * unit * np.sqrt(columns.shape[1])
    limit = rounding if unit else 1e-5 * near
    return bool(residual <= limit and off < 0.1), lengths[:32]
