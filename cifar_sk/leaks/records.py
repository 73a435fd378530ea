"""A rule of finished runs: what the curves of training say of the fold that was scored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cifar_sk.folds.predictions import OOFResult
from cifar_sk.leaks.findings import Finding

__all__ = ["stopped_on_scored_fold"]

_NEAR = 1e-5  # Keras writes float32


def stopped_on_scored_fold(result: OOFResult) -> Iterator[Finding]:
    """Find runs whose networks were validated, epoch by epoch, on the fold that was scored.

    In each fold the validation accuracy of the last epoch, or of the best, is then the accuracy
    of the scored fold exactly; an inner split has other images and another accuracy.
    """
    folds = [fold for fold in result.scored if _curve(fold.history) is not None]
    if len(folds) < 3:
        return
    matches = []
    for fold in folds:
        curve = np.asarray(_curve(fold.history))
        told = np.argmax(np.asarray(fold.proba), axis=1)
        accuracy = float((told == result.target[fold.test_index]).mean())
        kept = curve[-1], curve.max()  # weights are those of the last epoch, or of the best
        matches.append(min(abs(value - accuracy) for value in kept) < _NEAR)
    if all(matches):
        yield Finding(
            "stopped_on_scored_fold",
            f"in all {len(folds)} folds the validation accuracy at the end, or at its best, is "
            f"exactly the accuracy of the scored fold, so training was watched on that fold, and "
            f"may have been stopped by it",
            "watch a part of the training fold (validation_fraction)",
            {"folds": len(folds)},
        )


def _curve(history: dict[str, list[float]]) -> list[float] | None:
    names = (name for name in history if name.startswith("val_") and name.endswith("accuracy"))
    return history.get(next(names, ""))
