"""Numbers for what the page draws itself, in the reader's colours: bars, matrix, reliability."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.metrics.scores import calibration_error
from cifar_sk.metrics.tables import shares_of_rows
from cifar_sk.reports.run.tables import RunTables

__all__ = ["SHADES", "class_bars", "matrix_rows", "reliability_marks", "reliability_summary"]

SHADES = (0.01, 0.05, 0.2, 0.5)  # share of the true class where the next shade begins


def matrix_rows(tables: RunTables) -> list[list[tuple[int, str]]]:
    """Return count and style class of each cell of the pooled confusion matrix, row by row."""
    counts, shares = tables.confusion.to_numpy(), shares_of_rows(tables.confusion).to_numpy()
    shades = np.where(shares > 0, np.searchsorted(SHADES, shares) + 1, 0)  # 0 for none, to 5
    kinds = np.where(np.eye(len(counts), dtype=bool), "right", "wrong")
    return [
        [(count, f"{kind}-{shade}") for count, kind, shade in zip(*row, strict=True)]
        for row in zip(counts.tolist(), kinds, shades, strict=True)
    ]


def class_bars(tables: RunTables) -> list[dict[Any, Any]]:
    """Return pooled scores of every class, and ``low`` and ``high``, F1's range over folds."""
    pooled = tables.classes.query("row == 'pooled'").drop(columns="row")
    f1 = tables.class_f1
    low, high = f1.min(axis=1).to_numpy(), f1.max(axis=1).to_numpy()
    return pooled.assign(low=low, high=high).to_dict("records")


def reliability_marks(tables: RunTables) -> dict[str, Any]:
    """Return the filled bins of the reliability diagram, with ``height`` 1 for the fullest."""
    bins = tables.calibration.query("n_samples > 0")
    bins = bins.assign(height=bins["n_samples"] / bins["n_samples"].max())
    return {
        "error": calibration_error(bins),
        "summary": reliability_summary(bins),
        "bins": bins.to_dict("records"),
    }


def reliability_summary(bins: pd.DataFrame) -> str:
    """Say in a sentence what the filled bins of a reliability diagram show.

    >>> reliability_summary(pd.DataFrame({"accuracy": [0.5], "confidence": [0.75],
    ...                                   "n_samples": [10]}))
    'Predictions are on average less accurate than confident, by 0.250.'
    """
    mean = np.average(bins["accuracy"] - bins["confidence"], weights=bins["n_samples"])
    tendency = "less" if mean < 0 else "more"
    return f"Predictions are on average {tendency} accurate than confident, by {abs(mean):.3f}."
