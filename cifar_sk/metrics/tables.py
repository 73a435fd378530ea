"""Predictions to tables: a row per fold, per class, per sample, with uncertainty.

The registry of metrics lives in `cifar_sk.metrics.scores`, the table of folds in
`cifar_sk.metrics.fold_table`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import (
    classification_report,
    confusion_matrix,
    precision_recall_fscore_support,
)

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics.fold_table import fold_count, row_name
from cifar_sk.metrics.intervals import Interval, bootstrap_interval
from cifar_sk.metrics.scores import (
    N_CALIBRATION_BINS,
    calibration_bins,
)

__all__ = [
    "calibration_table",
    "class_metrics",
    "classification_report_text",
    "confusion_table",
    "oof_predictions",
    "pooled_accuracy",
    "pooling_note",
]


def pooled_accuracy(
    result: OOFResult,
    *,
    confidence: float = 0.95,
    n_resamples: int = 10_000,
    random_state: int = 0,
) -> Interval:
    """Accuracy over all out-of-fold predictions, with a stratified bootstrap interval.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned. Samples are resampled, with all their repeats.
    confidence, n_resamples, random_state
        As for `cifar_sk.metrics.intervals.bootstrap_interval`.

    Returns
    -------
    Interval
        Accuracy and its bounds; all NaN without predictions.
    """
    n_correct = np.zeros(len(result.target), dtype=np.int64)
    n_predicted = np.zeros_like(n_correct)
    for fold in result.scored:
        n_predicted[fold.test_index] += 1
        target, predicted, _ = _pool(result, [fold])
        n_correct[fold.test_index] += predicted == target
    return bootstrap_interval(
        result.target,
        n_correct,
        n_predicted,
        confidence=confidence,
        n_resamples=n_resamples,
        random_state=random_state,
    )


def class_metrics(result: OOFResult) -> pd.DataFrame:
    """Precision, recall, F1 and support per class, pooled and in each fold.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    DataFrame
        ``row`` ("pooled", then ``fold_00`` and so on), ``class``, ``precision``, ``recall``,
        ``f1`` and ``support``, the number of predictions for samples of the class. 0 / 0 counts
        as 0. ``attrs["note"]`` is `pooling_note`.

    Raises
    ------
    InputError
        If no fold has predictions.
    """
    parts = {"pooled": _select(result)}
    parts |= {row_name(fold): [fold] for fold in result.scored}
    table = pd.concat([_class_rows(result, row, folds) for row, folds in parts.items()])
    table.attrs["note"] = pooling_note(result)
    return table.reset_index(drop=True)


def confusion_table(
    result: OOFResult, fold: int | None = None, *, normalize: bool = False
) -> pd.DataFrame:
    """Confusion matrix: true classes in rows, predicted ones in columns.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.
    fold : int, default=None
        `FoldResult.index` of one fold; None pools all predictions, those of all repeats.
    normalize : bool, default=False
        Divide each row by its sum: shares of the true class. A class without samples keeps 0.

    Returns
    -------
    DataFrame of int64, or float64 if normalised, shape (n_classes, n_classes)
        Class names on both axes.

    Raises
    ------
    InputError
        If the fold, or every fold, has no predictions.
    """
    target, predicted, _ = _pool(result, _select(result, fold))
    matrix = confusion_matrix(
        target,
        predicted,
        labels=np.arange(len(result.classes)),
        normalize="true" if normalize else None,
    )
    names = list(result.class_names)
    table = pd.DataFrame(matrix, pd.Index(names, name="true"), pd.Index(names, name="predicted"))
    table.attrs["note"] = pooling_note(result) if fold is None else ""
    return table


def oof_predictions(result: OOFResult) -> pd.DataFrame:
    """Every out-of-fold prediction, in sample order.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    DataFrame
        ``sample``, ``repeat`` (only with repeats), ``fold``, ``true`` and ``predicted`` class
        names, and ``proba_NAME`` per class. Samples of failed or missing folds have no row.

    Raises
    ------
    InputError
        If no fold has predictions.
    """
    folds = _select(result)
    target, predicted, proba = _pool(result, folds)
    names = np.asarray(result.class_names, dtype=object)
    sizes = [len(fold.test_index) for fold in folds]
    index = pd.DataFrame(
        {
            "sample": np.concatenate([fold.test_index for fold in folds]),
            "repeat": np.repeat([fold.repeat for fold in folds], sizes),
            "fold": np.repeat([fold.fold for fold in folds], sizes),
            "true": names[target],
            "predicted": names[predicted],
        }
    )
    table = index.join(pd.DataFrame(proba, columns=[f"proba_{name}" for name in names]))
    table = table.sort_values(["sample", "repeat"], ignore_index=True)
    return table if result.n_repeats > 1 else table.drop(columns="repeat")


def classification_report_text(result: OOFResult) -> str:
    """Scikit-learn's classification report on the pooled out-of-fold predictions.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    str
        The report; `pooling_note` follows where repeats or missing folds make it needed.

    Raises
    ------
    InputError
        If no fold has predictions.
    """
    folds = _select(result)
    target, predicted, _ = _pool(result, folds)
    report = classification_report(
        target,
        predicted,
        labels=np.arange(len(result.classes)),
        target_names=result.class_names,
        zero_division=0,
    )
    is_plain = result.n_repeats == 1 and len(folds) == result.n_expected
    return report if is_plain else f"{report}\n{pooling_note(result)}\n"


def calibration_table(result: OOFResult, *, n_bins: int = N_CALIBRATION_BINS) -> pd.DataFrame:
    """Confidence against accuracy of the pooled out-of-fold predictions.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.
    n_bins : int, default=15
        Bins of equal width.

    Returns
    -------
    DataFrame
        As `cifar_sk.metrics.scores.calibration_bins`. ``attrs["note"]`` is `pooling_note`.

    Raises
    ------
    InputError
        If no fold has predictions, or `n_bins` is less than 1.
    """
    target, _, proba = _pool(result, _select(result))
    table = calibration_bins(target, proba, n_bins=n_bins)
    table.attrs["note"] = pooling_note(result)
    return table


def pooling_note(result: OOFResult) -> str:
    """Say what a pooled table holds.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned.

    Returns
    -------
    str
        One sentence: how many folds of how many, and how often repeats count a sample.
    """
    note = f"Pooled out-of-fold predictions of {fold_count(result)}"
    if result.n_repeats == 1:
        return f"{note}."
    return (
        f"{note}; with {result.n_repeats} repeats, a sample counts up to {result.n_repeats} times."
    )


def _select(result: OOFResult, fold: int | None = None) -> list[FoldResult]:
    """Return the scored folds, or the one asked for."""
    folds = [scored for scored in result.scored if fold in {None, scored.index}]
    if not folds:
        known = ", ".join(str(scored.index) for scored in result.scored) or "none"
        which = "any fold" if fold is None else f"fold {fold}"
        raise InputError(
            f"result must hold predictions of {which}, but the scored folds are: {known}; "
            "see the errors of the failed folds, or resume the run"
        )
    return folds


def _pool(result: OOFResult, folds: list[FoldResult]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true classes, predicted classes and probabilities, fold after fold."""
    target = np.concatenate([result.target[fold.test_index] for fold in folds])
    proba = np.concatenate([fold.proba for fold in folds if fold.proba is not None])
    return target, proba.argmax(axis=1), proba


def _class_rows(result: OOFResult, row: str, folds: list[FoldResult]) -> pd.DataFrame:
    target, predicted, _ = _pool(result, folds)
    labels = np.arange(len(result.classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        target, predicted, labels=labels, zero_division=0
    )
    columns = {"precision": precision, "recall": recall, "f1": f1, "support": support}
    return pd.DataFrame({"row": row, "class": list(result.class_names), **columns})
