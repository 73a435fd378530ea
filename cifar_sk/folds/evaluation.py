"""What is evaluated, as the fold loop tells it to whoever keeps the folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifar_sk.folds.splits import Split

__all__ = ["Evaluation"]


@dataclass(frozen=True)
class Evaluation:
    """An estimator, samples and folds: all that a run's numbers depend on.

    Attributes
    ----------
    estimator : classifier or pipeline
        Not fitted.
    X, y : array-like of shape (n_samples, ...) and ndarray of shape (n_samples,)
        Samples and labels.
    splits : sequence of Split
        All folds.
    random_state : int
        The run's seed.
    class_names : tuple of str
        What the sorted labels are called.
    holdout : (X, y) or None
        The official test split.
    fit_params : mapping
        What ``fit`` is given beside X and y, such as weights.
    engine : str
        Where folds run.
    n_jobs, n_threads : int or None
        Folds at a time, and threads of each.
    save_models : bool
        Whether fitted classifiers are kept.
    groups : ndarray of int64, shape (n_samples,), or None
        The group of every sample, as numbers from 0 on.
    """

    estimator: Any
    X: Any
    y: np.ndarray
    splits: Sequence[Split]
    random_state: int
    class_names: tuple[str, ...]
    holdout: tuple[Any, Any] | None = None
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "serial"
    n_jobs: int | None = None
    n_threads: int | None = None
    save_models: bool = False
    groups: np.ndarray | None = None
