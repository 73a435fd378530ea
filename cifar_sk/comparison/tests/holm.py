"""Holm's correction of p values for being many, and which tests are one and the same.

References
----------
Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
Statistics 6, 65–70. https://www.jstor.org/stable/4615733
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["holm", "same_tests"]

_ROUNDING = 1e-9  # of the length of a vector of differences


def holm(p_values: ArrayLike) -> np.ndarray:
    """Return the corrected p values; NaN counts as a test that was made, and stays NaN."""
    values = np.asarray(p_values, dtype=float)
    m = len(values)
    order = np.argsort(values, kind="stable")  # NaN last
    steps = np.minimum(values[order] * (m - np.arange(m)), 1)
    adjusted = np.full(m, np.nan)
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted


def same_tests(differences: ArrayLike) -> list[int]:
    """Return for each row of differences over folds the first row that is the same test.

    Rows that are equal but for rounding, or for a factor, have the same t statistic: on balanced
    classes accuracy, macro recall and Cohen's kappa are such. A row with NaN is its own test.
    """
    rows = [np.asarray(row, dtype=float) for row in np.asarray(differences)]
    first: list[int] = []
    for place, row in enumerate(rows):
        known = (k for k in dict.fromkeys(first) if _is_same(rows[k], row))
        first.append(next(known, place))
    return first


def _is_same(one: np.ndarray, two: np.ndarray) -> bool:
    lengths = np.linalg.norm(one), np.linalg.norm(two)
    if np.isnan(lengths).any() or min(lengths) < _ROUNDING:
        return bool(np.less(lengths, _ROUNDING).all())  # no difference in any fold
    # Differences in one fold alone are proportional by chance.
    if np.count_nonzero(abs(one) > _ROUNDING * lengths[0]) < 2:
        return bool(np.allclose(one, two, rtol=0, atol=_ROUNDING))
    cosine = one @ two / (lengths[0] * lengths[1])
    return bool(np.allclose(one / lengths[0], np.sign(cosine) * two / lengths[1], atol=_ROUNDING))
