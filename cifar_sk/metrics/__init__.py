"""Predictions to tables: per fold, per class and per sample, with their uncertainty."""

from cifar_sk.metrics.conformal import ConformalSets, conformal_sets
from cifar_sk.metrics.conformal_table import conformal_table
from cifar_sk.metrics.fold_table import fold_metrics, fold_times
from cifar_sk.metrics.scores import METRICS, score_predictions
from cifar_sk.metrics.tables import oof_predictions

__all__ = [
    "METRICS",
    "ConformalSets",
    "conformal_sets",
    "conformal_table",
    "fold_metrics",
    "fold_times",
    "oof_predictions",
    "score_predictions",
]
