"""Groups of samples that belong together, such as the photographs of one object."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifar_sk.errors import InputError

__all__ = ["group_numbers"]


def group_numbers(groups: Any, n_samples: int) -> np.ndarray:
    """Give groups numbers from 0 on in the order in which they first occur, int64 (n_samples,)."""
    import pandas as pd

    given = groups if isinstance(groups, np.ndarray) else np.asarray(groups, dtype=object)
    if given.ndim == 2 and given.shape[1] == 1:  # a table of one column
        given = given[:, 0]
    if given.ndim != 1:
        raise InputError(
            f"groups must hold one group for each sample, got the shape {given.shape}; number "
            "the groups, and pass a list of numbers."
        )
    if len(given) != n_samples:
        raise InputError(f"There are {len(given)} groups for {n_samples} samples.")
    try:
        numbers, _ = pd.factorize(given)
    except TypeError as error:
        raise InputError(f"groups must hold numbers or texts ({error}).") from error
    missing = np.flatnonzero(numbers < 0)
    if missing.size:
        raise InputError(
            f"Sample {missing[0]} has no group; give a group of its own to each sample that "
            "belongs to no other."
        )
    return numbers.astype(np.int64)
