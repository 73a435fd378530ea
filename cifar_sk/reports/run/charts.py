"""Numbers for what the page draws itself, in the reader's colours: bars, matrix, reliability."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.displays import ClassScoresDisplay, ReliabilityDisplay
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics import class_metrics, confusion_table

__all__ = [
    "SHADES",
    "class_bars",
    "matrix_rows",
    "reliability_marks",
    "reliability_summary",
    "shade",
]

SHADES = (0.01, 0.05, 0.2, 0.5)  # share of the true class where the next shade begins


def shade(share: float) -> int:
    """Return the shade of a cell: 0 for none, then 1 to 5.

    Examples
    --------
    >>> [shade(share) for share in (0, 0.01, 0.02, 1)]
    [0, 1, 2, 5]
    """
    return int(np.searchsorted(SHADES, share)) + 1 if share > 0 else 0


def matrix_rows(result: OOFResult) -> list[list[tuple[int, str]]]:
    """Return counts and style classes of the pooled confusion matrix, row by row.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    list of list of (int, str)
    """
    counts = confusion_table(result).to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return [
        [
            (int(count), f"{'right' if row == column else 'wrong'}-{shade(share)}")
            for column, (count, share) in enumerate(zip(*pair, strict=True))
        ]
        for row, pair in enumerate(zip(counts, shares, strict=True))
    ]


def class_bars(result: OOFResult) -> list[dict[Any, Any]]:
    """Return the scores of every class, as numbers.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    list of dict
        ``class``, ``precision``, ``recall``, ``f1``, ``support`` pooled; ``low`` and ``high``,
        the range of F1 over folds, NaN if no fold holds the class.
    """
    pooled = class_metrics(result).query("row == 'pooled'")
    spread = ClassScoresDisplay.from_result(result).scores
    low, high = spread.min(axis=1).to_numpy(), spread.max(axis=1).to_numpy()
    return [
        {**row, "low": low[place], "high": high[place]}
        for place, row in enumerate(pooled.drop(columns="row").to_dict("records"))
    ]


def reliability_marks(result: OOFResult) -> dict[str, Any]:
    """Return the reliability diagram as numbers.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    dict
        ``error``, the expected calibration error; ``summary``, a sentence; and ``bins``: dicts
        of ``lower``, ``upper``, ``confidence``, ``accuracy``, ``n_samples`` and ``height``, the
        share of the fullest bin.
    """
    display = ReliabilityDisplay.from_result(result)
    bins = display.frame()
    bins["height"] = bins["n_samples"] / bins["n_samples"].max()
    return {
        "error": display.expected_calibration_error,
        "summary": reliability_summary(bins),
        "bins": bins.to_dict("records"),
    }


def reliability_summary(bins: pd.DataFrame) -> str:
    """Say in a sentence what a reliability diagram shows.

    Parameters
    ----------
    bins : DataFrame
        As `ReliabilityDisplay.frame` returns it.

    Returns
    -------
    str

    Examples
    --------
    >>> reliability_summary(pd.DataFrame({"accuracy": [0.5], "confidence": [0.75],
    ...                                   "n_samples": [10]}))
    'Predictions are on average less accurate than confident, by 0.250.'
    """
    mean = np.average(bins["accuracy"] - bins["confidence"], weights=bins["n_samples"])
    tendency = "less" if mean < 0 else "more"
    return f"Predictions are on average {tendency} accurate than confident, by {abs(mean):.3f}."
