"""Predictions to tables: per fold, per class and per sample, with their uncertainty."""

from cifar_sk.metrics.fold_table import best_params_table, fold_metrics, row_name
from cifar_sk.metrics.scores import METRICS, score_predictions
from cifar_sk.metrics.tables import (
    calibration_table,
    class_metrics,
    classification_report_text,
    confusion_table,
    oof_predictions,
    pooled_accuracy,
    pooling_note,
)

__all__ = [
    "METRICS",
    "best_params_table",
    "calibration_table",
    "class_metrics",
    "classification_report_text",
    "confusion_table",
    "fold_metrics",
    "oof_predictions",
    "pooled_accuracy",
    "pooling_note",
    "row_name",
    "score_predictions",
]
