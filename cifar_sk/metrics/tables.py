"""Tables of predictions: by class, by confusion, by sample, by confidence."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import classification_report, precision_recall_fscore_support

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.fold_table import pooling_note, row_name
from cifar_sk.metrics.intervals import Interval, bootstrap_interval
from cifar_sk.metrics.scores import N_CALIBRATION_BINS, calibration_bins

__all__ = [
    "calibration_table",
    "class_metrics",
    "classification_report_text",
    "confusion_table",
    "f1_by_fold",
    "oof_predictions",
    "pooled_accuracy",
    "shares_of_rows",
]


def pooled_accuracy(result: OOFResult) -> Interval:
    """Accuracy of all out-of-fold predictions, with a 95 % bootstrap interval.

    Samples, or groups where they have them, are drawn with all their repeats. All NaN without
    predictions.
    """
    if not result.scored:
        return Interval(np.nan, np.nan, np.nan)
    pooled = result.pooled()
    n_correct = pooled.n_predictions - pooled.n_wrong
    return bootstrap_interval(result.target, n_correct, pooled.n_predictions, groups=result.groups)


def class_metrics(result: OOFResult) -> pd.DataFrame:
    """Precision, recall, F1 and support per class, pooled and in each fold.

    ``row`` is "pooled", then ``fold_00`` and so on; ``class``, ``precision``, ``recall``, ``f1``
    and ``support``, the number of predictions for samples of the class. 0 / 0 counts as 0.
    """
    pooled, names = result.pooled(), list(result.class_names)
    labels = np.arange(len(names))  # all, so that every fold has a row for every class
    parts = {"pooled": np.ones(len(pooled.fold), dtype=bool)}
    parts |= {row_name(fold): pooled.fold == fold.index for fold in result.scored}
    tables = []
    for row, part in parts.items():
        target, predicted = pooled.target[part], pooled.predicted[part]
        scores = precision_recall_fscore_support(target, predicted, labels=labels, zero_division=0)
        columns = dict(zip(["precision", "recall", "f1", "support"], scores, strict=True))
        tables.append(pd.DataFrame({"row": row, "class": names, **columns}))
    table = pd.concat(tables, ignore_index=True)
    table.attrs["note"] = pooling_note(result)
    return table


def f1_by_fold(classes: pd.DataFrame) -> pd.DataFrame:
    """Return F1 of `class_metrics`, a row per class and a column per fold; NaN without samples."""
    folds = classes[classes["row"] != "pooled"]
    n_classes = (classes["row"] == "pooled").sum()
    # F1 is 0 without samples, which says nothing of the model.
    f1 = folds["f1"].where(folds["support"] > 0).to_numpy().reshape(-1, n_classes)
    names = classes["class"].iloc[:n_classes].tolist()
    return pd.DataFrame(f1.T, index=names, columns=folds["row"].unique())


def confusion_table(result: OOFResult, fold: int | None = None) -> pd.DataFrame:
    """Confusion matrix, true classes in rows and predicted ones in columns, by name.

    Of one fold, by `FoldResult.index`, or of all predictions, those of all repeats.
    ``attrs["note"]`` says what is pooled, as in other pooled tables.
    """
    pooled, names = result.pooled(), list(result.class_names)
    if fold is not None and fold not in pooled.confusions:
        known = ", ".join(map(str, pooled.confusions))
        raise InputError(
            f"result must hold predictions of fold {fold}, but the scored folds are: {known}; "
            "see the errors of the failed folds, or resume the run"
        )
    counts = pooled.confusion if fold is None else pooled.confusions[fold]
    table = pd.DataFrame(counts, pd.Index(names, name="true"), pd.Index(names, name="predicted"))
    table.attrs["note"] = pooling_note(result) if fold is None else ""
    return table


def shares_of_rows(counts: pd.DataFrame) -> pd.DataFrame:
    """Divide each row of a confusion matrix by its sum; a row of zeros stays."""
    return counts.div(counts.sum(axis=1).replace(0, 1), axis=0)


def oof_predictions(result: OOFResult) -> pd.DataFrame:
    """Every out-of-fold prediction, in sample order.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    DataFrame
        ``sample``, ``repeat`` and ``seed`` (only where there are several), ``fold``, ``true``
        and ``predicted`` class names, and ``proba_NAME`` per class. Samples of failed or missing
        folds have no row.

    Raises
    ------
    InputError
        If no fold has predictions.
    """
    pooled = result.pooled()
    names = np.asarray(result.class_names, dtype=object)
    number, fold = np.divmod(pooled.fold, result.n_folds)
    repeat, seed = np.divmod(number, result.n_seeds)
    columns = {
        "sample": pooled.sample,
        "repeat": repeat,
        "seed": seed,
        "fold": fold,
        "true": names[pooled.target],
        "predicted": names[pooled.predicted],
    }
    proba = pd.DataFrame(pooled.proba, columns=[f"proba_{name}" for name in names])
    table = pd.DataFrame(columns).join(proba)
    table = table.sort_values(["sample", "repeat", "seed"], ignore_index=True)
    several = {"repeat": result.n_repeats, "seed": result.n_seeds}
    return table.drop(columns=[name for name, n in several.items() if n == 1])


def classification_report_text(result: OOFResult) -> str:
    """Scikit-learn's classification report, with a sentence on what is pooled where needed."""
    pooled = result.pooled()
    report = classification_report(
        pooled.target,
        pooled.predicted,
        labels=np.arange(len(result.classes)),
        target_names=result.class_names,
        zero_division=0,
    )
    is_plain = result.n_passes == 1 and len(result.scored) == result.n_expected
    return report if is_plain else f"{report}\n{pooling_note(result)}\n"


def calibration_table(result: OOFResult, *, n_bins: int = N_CALIBRATION_BINS) -> pd.DataFrame:
    """Return `calibration_bins` of all out-of-fold predictions."""
    pooled = result.pooled()
    table = calibration_bins(pooled.target, pooled.proba, n_bins=n_bins)
    table.attrs["note"] = pooling_note(result)
    return table
