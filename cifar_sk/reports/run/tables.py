"""Everything that is counted or scored of a run, once: for its files, figures and page."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import numpy as np
import pandas as pd

from cifar_sk.duplicates.across_folds import copies_sentence
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics import conformal_table, fold_metrics, fold_times, oof_predictions
from cifar_sk.metrics.fold_table import best_params_table, pooling_note, row_name
from cifar_sk.metrics.interval_table import component_table, interval_table, run_spreads
from cifar_sk.metrics.tables import (
    calibration_table,
    class_metrics,
    classification_report_text,
    confusion_table,
    f1_by_fold,
    pooled_accuracy,
)
from cifar_sk.mistakes.confusions import confused_pairs, hardest_classes
from cifar_sk.mistakes.image_statistics import check_images, errors_by_appearance
from cifar_sk.mistakes.label_errors import label_issues
from cifar_sk.mistakes.samples import missed_samples, sample_predictions

__all__ = ["RunTables"]

T = TypeVar("T")


def _once(compute: Callable[[OOFResult], T]) -> cached_property[T]:
    return cached_property(lambda tables: compute(tables.result))


class RunTables:
    """The tables of a run, each computed when first asked for; most need a fold's predictions.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned.
    images : ndarray of shape (n_samples, h, w[, c]), default=None
        The images of the data set, uint8 or float from 0 to 1.

    Attributes
    ----------
    folds, times, predictions, classes, confusion, calibration, conformal : DataFrame
        Of `fold_metrics`, `fold_times`, `oof_predictions`, `class_metrics`, `confusion_table`,
        `calibration_table` and `conformal_table` in `cifar_sk.metrics`.
    timed_folds : DataFrame
        ``folds`` with the times of the same rows beside them, as page and terminal show them.
    spreads : dict of str to Spread
        What each metric varied with.
    intervals, components : DataFrame
        Of `interval_table` and `component_table` there: what is known of the scores, and what
        they vary with.
    class_f1 : DataFrame of float, shape (n_classes, n_folds)
        F1 of every class in every fold, NaN where a fold has no samples of the class.
    confusions : dict of str to DataFrame
        Of each scored fold, by its name, such as "fold_00".
    accuracy : Interval
        Accuracy of all predictions, ``estimate``, ``low`` and ``high``.
    samples, missed, pairs, class_errors, issues : DataFrame
        Of `sample_predictions`, `missed_samples`, `confused_pairs`, `hardest_classes` and
        `label_issues` in `cifar_sk.mistakes`.
    by_statistic : dict of str to DataFrame
        Error rates by brightness and by contrast; empty without images.
    copies : str or None
        A sentence on exact copies across folds; None without images.
    best_params, report_text, note
        What a search chose in each fold; scikit-learn's classification report; a sentence on
        what is pooled.

    Raises
    ------
    InputError
        If there is not one image per sample.
    """

    def __init__(self, result: OOFResult, images: np.ndarray | None = None) -> None:
        if images is not None:
            check_images(images, len(result.target))
        self.result = result
        self.images = images
        self.note = pooling_note(result)

    folds = _once(fold_metrics)
    times = _once(fold_times)
    spreads = cached_property(lambda self: run_spreads(self.result, self.folds))
    intervals = cached_property(lambda self: interval_table(self.result, self.folds, self.spreads))
    components = cached_property(lambda self: component_table(self.result, self.spreads))
    best_params = _once(best_params_table)
    classes = _once(class_metrics)
    class_f1 = cached_property(lambda self: f1_by_fold(self.classes))
    confusion = _once(confusion_table)
    predictions = _once(oof_predictions)
    report_text = _once(classification_report_text)
    calibration = _once(calibration_table)
    conformal = _once(conformal_table)
    accuracy = _once(pooled_accuracy)
    samples = _once(sample_predictions)
    missed = _once(missed_samples)
    pairs = _once(confused_pairs)
    class_errors = _once(hardest_classes)
    issues = _once(label_issues)

    @cached_property
    def timed_folds(self) -> pd.DataFrame:
        """Scores and times of every fold, as page and terminal show them."""
        return self.folds.merge(self.times[["row", "fit_time", "score_time"]], "left", on="row")

    @cached_property
    def confusions(self) -> dict[str, pd.DataFrame]:
        """Confusion matrix of each scored fold, by its name."""
        scored = self.result.scored
        return {row_name(fold): confusion_table(self.result, fold.index) for fold in scored}

    @cached_property
    def by_statistic(self) -> dict[str, pd.DataFrame]:
        """Error rates by brightness and by contrast, where there are images."""
        if self.images is None:
            return {}
        return errors_by_appearance(self.result, self.images)

    @cached_property
    def copies(self) -> str | None:
        """Say how many images have an exact copy in another fold, where there are images."""
        if self.images is None or not self.result.folds:
            return None
        return copies_sentence(self.images, (fold.test_index for fold in self.result.folds))
