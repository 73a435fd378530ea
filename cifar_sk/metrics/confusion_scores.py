"""Scores that are functions of a confusion matrix, for many matrices at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["CONFUSION_SCORES"]


def _shares(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the diagonal, the sums of rows (true) and those of columns (predicted)."""
    return np.einsum("...ii->...i", counts), counts.sum(axis=-1), counts.sum(axis=-2)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide, 0 / 0 as 0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    hits, true, _ = _shares(counts)
    return _ratio(hits, true).sum(axis=-1) / (true > 0).sum(axis=-1)


def _by_class(part: str, weighted: bool) -> Callable[[np.ndarray], np.ndarray]:
    def score(counts: np.ndarray) -> np.ndarray:
        hits, true, predicted = _shares(counts)
        below = {"precision": predicted, "recall": true, "f1": (true + predicted) / 2}[part]
        values = _ratio(hits, below)
        if not weighted:
            return values.mean(axis=-1)
        return (values * true).sum(axis=-1) / true.sum(axis=-1)

    return score


def _mcc(counts: np.ndarray) -> np.ndarray:
    hits, true, predicted = _shares(counts)
    n = counts.sum(axis=(-1, -2))
    above = hits.sum(axis=-1) * n - (true * predicted).sum(axis=-1)
    spread = (n**2 - (predicted**2).sum(axis=-1)) * (n**2 - (true**2).sum(axis=-1))
    return _ratio(above, np.sqrt(np.maximum(spread, 0)))


def _cohen_kappa(counts: np.ndarray) -> np.ndarray:
    hits, true, predicted = _shares(counts)
    n = counts.sum(axis=(-1, -2))
    chance = (true * predicted).sum(axis=-1) / n**2
    with np.errstate(invalid="ignore"):  # 0 / 0: agreement by chance is certain
        return (hits.sum(axis=-1) / n - chance) / (1 - chance)


CONFUSION_SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "balanced_accuracy": _balanced_accuracy,
    "precision_macro": _by_class("precision", False),
    "recall_macro": _by_class("recall", False),
    "f1_macro": _by_class("f1", False),
    "precision_weighted": _by_class("precision", True),
    "recall_weighted": _by_class("recall", True),
    "f1_weighted": _by_class("f1", True),
    "mcc": _mcc,
    "cohen_kappa": _cohen_kappa,
}
"""Name of a metric to a function of counts (..., n_classes, n_classes), true classes in rows."""
