"""Parameters as JSON values, for files that people read and programs compare."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """Turn a parameter's value into JSON values, equal for equal parameters.

    Tuples and arrays become lists; an estimator its class's name, for its parameters are listed
    by themselves; other objects their name or text, and NaN its text.

    Examples
    --------
    >>> plain({"widths": (32, 64), "tol": float("nan")})
    {'widths': [32, 64], 'tol': 'nan'}
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no NaN, and NaN is never equal to itself
    if isinstance(value, bool | int | float | str | None):
        return value
    if hasattr(value, "get_params"):
        return type(value).__name__
    # An address would be another one in every process.
    return getattr(value, "__qualname__", None) or re.sub(r" at 0x[0-9a-f]+", "", repr(value))
