"""What the fold loop hands on: out-of-fold predictions, a fold at a time and together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cifar_sk.errors import InputError

__all__ = ["FoldResult", "OOFResult", "Pooled"]


@dataclass(frozen=True)
class FoldResult:
    """One fitted and scored fold, or the reason why there is none.

    Attributes
    ----------
    index : int
        Position among all folds of the run, ``(repeat * n_seeds + seed) * n_folds + fold``.
    repeat, fold : int
        Which repeat, and which fold of it; both count from 0.
    n_train : int
        Samples given to ``fit``, the early-stopping split included.
    test_index : ndarray of int64, shape (n_test,)
        The scored samples, ascending.
    proba : ndarray of float64, shape (n_test, n_classes), or None
        Class probabilities for `test_index`, columns in the order of `OOFResult.classes`;
        None where the fold failed.
    fit_time, score_time : float
        Wall time, seconds.
    history : dict of str to list of float
        A value per epoch: ``loss``, ``accuracy`` and, where an inner validation split was held
        out of the training fold, ``val_loss`` and ``val_accuracy``. Empty for estimators that
        keep no ``history_``.
    n_epochs : int or None
        Epochs trained; None for estimators that have none.
    n_parameters : int or None
        Weights of the fitted network, trainable or not.
    n_multiply_adds : int or None
        Multiply-adds of one image's prediction; None where they are not known.
    best_params : dict or None
        What a search inside the fold chose, JSON values by name; None for other estimators.
    error : str or None
        Why the fold failed, in one line.
    holdout_proba : ndarray of float64, shape (n_holdout, n_classes), or None
        Probabilities of this fold's model on the data set's official test split, where asked.
    seed : int
        Which fit of the same samples, from 0.
    """

    index: int
    repeat: int
    fold: int
    n_train: int
    test_index: np.ndarray
    proba: np.ndarray | None = None
    fit_time: float = float("nan")
    score_time: float = float("nan")
    history: dict[str, list[float]] = field(default_factory=dict)
    n_epochs: int | None = None
    n_parameters: int | None = None
    n_multiply_adds: int | None = None
    best_params: dict[str, Any] | None = None
    error: str | None = None
    holdout_proba: np.ndarray | None = None
    seed: int = 0

    @property
    def failed(self) -> bool:
        """Whether the fold has no predictions."""
        return self.proba is None


@dataclass(frozen=True)
class OOFResult:
    """Out-of-fold predictions of a whole run.

    Attributes
    ----------
    target : ndarray of int64, shape (n_samples,)
        True classes as positions in `classes`.
    classes : ndarray, shape (n_classes,)
        The labels as `fit` saw them, sorted.
    class_names : tuple of str
        What to call them in tables and figures, in the same order.
    n_folds, n_repeats : int
        Folds of one repeat, and how often the folds were drawn.
    folds : tuple of FoldResult
        Ascending by `FoldResult.index`, the failed ones included. A run that was interrupted
        has fewer than `n_expected`.
    holdout_target : ndarray of int64, shape (n_holdout,), or None
        True classes of the official test split, where it was scored.
    n_seeds : int
        Fits of every fold, each with other training seeds.
    groups : ndarray of int64, shape (n_samples,), or None
        The group of every sample, as numbers from 0 on; None where there are no groups.
    """

    target: np.ndarray
    classes: np.ndarray
    class_names: tuple[str, ...]
    n_folds: int
    n_repeats: int
    folds: tuple[FoldResult, ...]
    holdout_target: np.ndarray | None = None
    n_seeds: int = 1
    groups: np.ndarray | None = None

    @property
    def scored(self) -> tuple[FoldResult, ...]:
        """The folds that have predictions."""
        return tuple(fold for fold in self.folds if not fold.failed)

    @property
    def failed(self) -> tuple[FoldResult, ...]:
        """The folds that failed, with their reasons."""
        return tuple(fold for fold in self.folds if fold.failed)

    @property
    def n_passes(self) -> int:
        """How often every sample is predicted; pass ``repeat * n_seeds + seed`` is one of them."""
        return self.n_repeats * self.n_seeds

    @property
    def n_expected(self) -> int:
        """How many folds the whole run has."""
        return self.n_folds * self.n_passes

    @property
    def n_groups(self) -> int | None:
        """Number of groups; None where the run has none."""
        return None if self.groups is None else int(self.groups.max()) + 1

    @property
    def passes(self) -> str:
        """What differs between passes: "repeats", "seeds" or "repeats and seeds"."""
        if self.n_seeds == 1:
            return "repeats"
        return "repeats and seeds" if self.n_repeats > 1 else "seeds"

    def pooled(self) -> Pooled:
        """Put the predictions of all scored folds together, once; an `InputError` if none is."""
        return self._pooled

    @cached_property
    def _pooled(self) -> Pooled:
        folds = [(fold, fold.proba) for fold in self.scored if fold.proba is not None]
        if not folds:
            raise InputError(
                "result must hold predictions of one fold or more, got none; see the errors of "
                "the failed folds, or resume the run"
            )
        sample = np.concatenate([fold.test_index for fold, _ in folds])
        return Pooled(
            sample=sample,
            fold=np.repeat([fold.index for fold, _ in folds], [len(p) for _, p in folds]),
            target=self.target[sample],
            proba=np.concatenate([proba for _, proba in folds]),
            n_samples=len(self.target),
        )

    @cached_property
    def oof_proba(self) -> np.ndarray:
        """Probabilities in sample order, averaged over passes, float64 (n_samples, n_classes).

        NaN for samples that only failed or missing folds hold.
        """
        total = np.zeros((len(self.target), len(self.classes)))
        count = np.zeros(len(self.target))
        for fold in self.scored:
            total[fold.test_index] += fold.proba
            count[fold.test_index] += 1
        with np.errstate(invalid="ignore"):
            return total / count[:, None]


@dataclass(frozen=True)
class Pooled:
    """Out-of-fold predictions of all scored folds, one fold after the other."""

    sample: np.ndarray  # int64 (n_predictions,); a sample occurs once in every pass
    fold: np.ndarray  # int64 (n_predictions,): `FoldResult.index` of the fold that predicted it
    target: np.ndarray  # int64 (n_predictions,): true classes as columns of `proba`
    proba: np.ndarray  # float64 (n_predictions, n_classes)
    n_samples: int  # of the run, those without a prediction included

    @cached_property
    def predicted(self) -> np.ndarray:
        """Predicted classes as columns of `proba`, int64 (n_predictions,)."""
        return self.proba.argmax(axis=1)

    @cached_property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted class, float64 (n_predictions,)."""
        return self.proba[np.arange(len(self.proba)), self.predicted]

    @cached_property
    def is_wrong(self) -> np.ndarray:
        """Whether each prediction is wrong, bool (n_predictions,)."""
        return self.predicted != self.target

    @cached_property
    def n_predictions(self) -> np.ndarray:
        """Number of predictions of each sample, int64 (n_samples,)."""
        return np.bincount(self.sample, minlength=self.n_samples)

    @cached_property
    def n_wrong(self) -> np.ndarray:
        """Number of wrong predictions of each sample, int64 (n_samples,)."""
        return np.bincount(self.sample[self.is_wrong], minlength=self.n_samples)

    @cached_property
    def confusions(self) -> dict[int, np.ndarray]:
        """Counts (n_classes, n_classes) by fold index, true classes in rows."""
        n_classes = self.proba.shape[1]
        cell = self.target * n_classes + self.predicted
        counts = {
            int(index): np.bincount(cell[self.fold == index], minlength=n_classes**2)
            for index in np.unique(self.fold)
        }
        return {index: count.reshape(n_classes, n_classes) for index, count in counts.items()}

    @cached_property
    def confusion(self) -> np.ndarray:
        """Counts (n_classes, n_classes) of all folds, true classes in rows."""
        return np.sum([*self.confusions.values()], axis=0)
