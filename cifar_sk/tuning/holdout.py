"""What a study's winner is worth on images that the study never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import bootstrap
from sklearn.base import clone

from cifar_sk.evaluation.fold_task import seeded_clone
from cifar_sk.metrics.intervals import Interval
from cifar_sk.metrics.scores import score_predictions

__all__ = ["compare_on_holdout", "paired_difference"]


def compare_on_holdout(
    pipelines: Mapping[str, Any],
    data: tuple[Any, Any],
    holdout: tuple[Any, Any],
    *,
    n_seeds: int = 5,
    random_state: int = 0,
    watch: Callable[[str, int], None] | None = None,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Fit pipelines with several seeds, and score them on a split that nobody has seen.

    Parameters
    ----------
    pipelines : mapping of str to Pipeline
        Left as they are.
    data, holdout : (X, y)
        What is trained on and what is scored.
    n_seeds : int, default=5
        Fits of each pipeline; the same seeds for all.
    random_state : int, default=0
        What the seeds come from.
    watch : callable, default=None
        Called with the name and the number of the fit before each.

    Returns
    -------
    scores : DataFrame
        A row per pipeline and seed: ``model``, ``seed`` and a column per metric.
    correct : dict of str to ndarray of float64, shape (n_holdout,)
        For each pipeline, which share of its fits gets a sample right.
    """
    X, y = data
    holdout_X, holdout_y = holdout
    classes = np.unique(y)
    target = np.searchsorted(classes, holdout_y)
    rows, hits = [], {name: np.zeros(len(target)) for name in pipelines}
    for seed in range(n_seeds):
        for name, pipeline in pipelines.items():
            if watch is not None:
                watch(name, seed)
            fitted = seeded_clone(clone(pipeline), random_state, seed).fit(X, y)
            proba = np.asarray(fitted.predict_proba(holdout_X), dtype=np.float64)
            hits[name] += (proba.argmax(axis=1) == target) / n_seeds
            rows.append({"model": name, "seed": seed, **score_predictions(target, proba)})
    return pd.DataFrame(rows), hits


def paired_difference(first: np.ndarray, second: np.ndarray, *, random_state: int = 0) -> Interval:
    """By how much the first is more accurate than the second, on the same samples.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n_samples,)
        Which share of a model's fits gets each sample right.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    Interval
        Difference of accuracies, and its 95 % percentile bootstrap bounds over samples; all
        training runs are held fixed.

    Examples
    --------
    >>> first, second = np.array([1, 1, 1, 0.5]), np.array([0, 1, 0.5, 0.5])
    >>> paired_difference(first, second).estimate
    0.375
    """
    difference = np.asarray(first) - np.asarray(second)
    bounds = bootstrap(
        (difference,),
        np.mean,
        n_resamples=10_000,
        batch=100,
        method="percentile",
        rng=np.random.default_rng(random_state),
    ).confidence_interval
    return Interval(float(difference.mean()), float(bounds.low), float(bounds.high))
