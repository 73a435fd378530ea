"""How many images are scored by a model that was trained on a copy of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cifar_sk.datasets.copies import first_copies

__all__ = ["copied_across_folds", "copies_sentence"]


def copied_across_folds(copies: np.ndarray, tests: Iterable[np.ndarray]) -> np.ndarray:
    """Tell which images are scored in a fold whose training part holds a copy of them.

    Parameters
    ----------
    copies : ndarray of int, shape (n_samples,)
        Images of one number, from 0 on, are copies of each other.
    tests : iterable of ndarray of int
        The samples that each fold scores; it trains on all others.

    Returns
    -------
    ndarray of bool, shape (n_samples,)

    Examples
    --------
    >>> copied_across_folds(np.array([0, 0, 2, 2]), [np.array([0, 2, 3]), np.array([1])])
    array([ True,  True, False, False])
    """
    is_copied = np.zeros(len(copies), dtype=bool)
    in_all = np.bincount(copies)
    for test in tests:
        own = copies[test]
        in_test = np.bincount(own, minlength=len(in_all))
        is_copied[test] |= in_test[own] < in_all[own]
    return is_copied


def copies_sentence(images: np.ndarray, tests: Iterable[np.ndarray]) -> str:
    """Say how many images have an exact copy in another fold, found by hashes.

    Parameters
    ----------
    images : ndarray of shape (n_samples, ...)
        The images of a data set.
    tests : iterable of ndarray of int
        The samples that each fold scores.

    Returns
    -------
    str
        A sentence for a report.
    """
    n = int(copied_across_folds(first_copies(np.asarray(images)), tests).sum())
    if not n:
        return "No image has an exact copy in another fold."
    verb = "has" if n == 1 else "have"
    return (
        f"{n:,} of {len(images):,} images {verb} an exact copy in another fold, on which the "
        "model that scores them was trained, so the scores are too high for new images; "
        "--duplicates group keeps copies in one fold."
    )
