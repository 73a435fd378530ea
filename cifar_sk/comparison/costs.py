"""Weights, multiply-adds and seconds of runs, as their folds recorded them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.runs.reading import FinishedRun

__all__ = ["cost_table"]


def cost_table(runs: Sequence[FinishedRun], names: Sequence[str]) -> pd.DataFrame:
    """Tabulate seconds per fold, milliseconds per image and counts of the network, by run."""
    # Counts are NaN where they were not recorded or differ between folds.
    rows = [_cost_row(run, name) for run, name in zip(runs, names, strict=True)]
    return pd.DataFrame(rows).astype({"n_parameters": "float64", "multiply_adds": "float64"})


def _cost_row(run: FinishedRun, name: str) -> dict[str, Any]:
    folds = run.result.scored
    fit_times = np.array([fold.fit_time for fold in folds])
    score_times = np.array([fold.score_time for fold in folds])
    sizes = np.array([len(fold.test_index) for fold in folds])
    return {
        "run": name,
        "n_parameters": _same_in_all([fold.n_parameters for fold in folds]),
        "multiply_adds": _same_in_all([fold.n_multiply_adds for fold in folds]),
        "fit_time": fit_times.mean(),
        "fit_time_std": fit_times.std(ddof=1) if len(fit_times) > 1 else math.nan,
        "predict_ms_per_image": float((1000 * score_times / sizes).mean()),
    }


def _same_in_all(counts: Sequence[int | None]) -> int | None:
    return counts[0] if len(set(counts)) == 1 else None
