"""How often conformal sets hold the true class, and how large they are."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pandas as pd

from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics.conformal import CONFIDENCES, TrueScores, threshold_of_folds
from cifar_sk.metrics.conformal_scores import METHODS, classes_within, conformity_scores
from cifar_sk.metrics.fold_table import pooling_note
from cifar_sk.metrics.intervals import wilson_interval

__all__ = ["conformal_table"]

_COUNTS = ["n", "n_covered", "total_size", "n_single", "n_empty"]


def conformal_table(result: OOFResult) -> pd.DataFrame:
    """Measure how often sets hold the true class, and how large they are.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    DataFrame
        For each ``method`` and ``confidence`` a row of all samples, and one of each class:
        ``row`` ("all" or "class"), ``class``, ``n`` predictions, ``coverage`` (share of sets
        that hold the true class), ``ci95_low`` and ``ci95_high``, ``mean_size``,
        ``share_single`` and ``share_empty`` (sets of one class, and of none).

    Notes
    -----
    The threshold of a fold comes from the other folds of its pass, so that no image takes part
    in the threshold of its own set; a pass with a single scored fold is left out. Folds of a
    grouped run hold whole groups, and so do the thresholds. The interval is Wilson's (1927),
    https://doi.org/10.1080/01621459.1927.10502953, for images that are independent; there is
    none with groups, nor with several passes.
    """
    result.pooled()  # refuses a run without predictions
    tables = []
    for method in METHODS:
        counts = dict.fromkeys(CONFIDENCES, np.zeros((len(_COUNTS), len(result.classes)), int))
        for folds in _passes(result):
            scores = [conformity_scores(np.asarray(fold.proba), method) for fold in folds]
            true = [TrueScores.of(result, *pair) for pair in zip(folds, scores, strict=True)]
            for place, fold in enumerate(folds):
                others = true[:place] + true[place + 1 :]
                for confidence in CONFIDENCES:
                    sets = classes_within(scores[place], threshold_of_folds(others, confidence))
                    found = _count(result.target[fold.test_index], sets)
                    counts[confidence] = counts[confidence] + found
        tables += [_rows(result, method, c, count) for c, count in counts.items()]
    table = pd.concat(tables, ignore_index=True)
    table.attrs["note"] = pooling_note(result)
    return table


def _passes(result: OOFResult) -> list[list[FoldResult]]:
    """List the scored folds of each complete pass over the samples, where there are two."""
    passes = groupby(result.scored, key=lambda fold: fold.index // result.n_folds)
    return [folds for _, group in passes if len(folds := list(group)) > 1]


def _count(target: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Return `_COUNTS` in rows and the true classes in columns."""
    size = sets.sum(axis=1)
    is_covered = sets[np.arange(len(target)), target]
    counted = [np.ones_like(size), is_covered, size, size == 1, size == 0]
    counts = [np.bincount(target, values, sets.shape[1]) for values in counted]
    return np.rint(counts).astype(int)


def _rows(result: OOFResult, method: str, confidence: float, counts: np.ndarray) -> pd.DataFrame:
    with_all = np.column_stack([counts.sum(axis=1), counts])
    found = pd.DataFrame(with_all.T, columns=_COUNTS)
    n = found["n"].where(found["n"] > 0)  # NaN for a class without predictions
    coverage = found["n_covered"] / n
    table = pd.DataFrame(
        {
            "method": method,
            "confidence": confidence,
            "row": ["all", *["class"] * len(result.class_names)],
            "class": ["", *result.class_names],
            "n": found["n"],
            "coverage": coverage,
            "ci95_low": np.nan,
            "ci95_high": np.nan,
            "mean_size": found["total_size"] / n,
            "share_single": found["n_single"] / n,
            "share_empty": found["n_empty"] / n,
        }
    )
    if result.groups is None and result.n_passes == 1:
        table["ci95_low"], table["ci95_high"] = wilson_interval(coverage, n)
    return table
