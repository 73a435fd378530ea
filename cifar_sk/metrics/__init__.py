"""Predictions to tables: per fold, per class and per sample, with their uncertainty."""

from cifar_sk.metrics.fold_table import fold_metrics, fold_times
from cifar_sk.metrics.scores import METRICS, score_predictions
from cifar_sk.metrics.tables import oof_predictions

__all__ = ["METRICS", "fold_metrics", "fold_times", "oof_predictions", "score_predictions"]
