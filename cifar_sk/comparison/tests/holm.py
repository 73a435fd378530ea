"""Holm's correction of p values for being many.

References
----------
Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
Statistics 6, 65–70. https://www.jstor.org/stable/4615733
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["holm"]


def holm(p_values: ArrayLike) -> np.ndarray:
    """Return the corrected p values; NaN counts as a test that was made, and stays NaN."""
    values = np.asarray(p_values, dtype=float)
    m = len(values)
    order = np.argsort(values, kind="stable")  # NaN last
    steps = np.minimum(values[order] * (m - np.arange(m)), 1)
    adjusted = np.full(m, np.nan)
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted
