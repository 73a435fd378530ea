"""Predictions to tables: per fold, per class and per sample, with their uncertainty."""

from cifar_sk.metrics.fold_table import fold_metrics
from cifar_sk.metrics.scores import METRICS, score_predictions
from cifar_sk.metrics.tables import (
    calibration_table,
    class_metrics,
    classification_report_text,
    confusion_table,
    oof_predictions,
    pooled_accuracy,
)

__all__ = [
    "METRICS",
    "calibration_table",
    "class_metrics",
    "classification_report_text",
    "confusion_table",
    "fold_metrics",
    "oof_predictions",
    "pooled_accuracy",
    "score_predictions",
]
