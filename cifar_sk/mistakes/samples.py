"""Predictions sample by sample: which are wrong, how surely, and in how many repeats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult

__all__ = ["PooledPredictions", "missed_samples", "pool_predictions", "sample_predictions"]


@dataclass(frozen=True)
class PooledPredictions:
    """Out-of-fold predictions of all scored folds, one after the other.

    Attributes
    ----------
    sample : ndarray of int64, shape (n_predictions,)
        Which sample; with repeats it occurs once for each.
    fold : ndarray of int64, shape (n_predictions,)
        `FoldResult.index` of the fold that predicted it.
    target, predicted : ndarray of int64, shape (n_predictions,)
        Classes as columns of `proba`.
    proba : ndarray of float64, shape (n_predictions, n_classes)
        Class probabilities.
    """

    sample: np.ndarray
    fold: np.ndarray
    target: np.ndarray
    predicted: np.ndarray
    proba: np.ndarray

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted class, float64 (n_predictions,)."""
        return self.proba[np.arange(len(self.proba)), self.predicted]

    @property
    def is_wrong(self) -> np.ndarray:
        """Whether each prediction is wrong, bool (n_predictions,)."""
        return self.predicted != self.target


def pool_predictions(result: OOFResult) -> PooledPredictions:
    """Put the predictions of all scored folds together, those of every repeat.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    PooledPredictions

    Raises
    ------
    InputError
        If no fold has predictions.
    """
    folds = [(fold, fold.proba) for fold in result.scored if fold.proba is not None]
    if not folds:
        raise InputError(
            "result must hold predictions of one fold or more, got none; see the errors of the "
            "failed folds, or resume the run"
        )
    sample = np.concatenate([fold.test_index for fold, _ in folds])
    proba = np.concatenate([proba for _, proba in folds])
    return PooledPredictions(
        sample=sample,
        fold=np.repeat([fold.index for fold, _ in folds], [len(p) for _, p in folds]),
        target=result.target[sample],
        predicted=proba.argmax(axis=1),
        proba=proba,
    )


def sample_predictions(result: OOFResult) -> pd.DataFrame:
    """One prediction for each sample: the class of the highest mean probability over repeats.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    DataFrame
        In sample order: ``sample``, ``true`` and ``predicted`` class names, ``confidence`` (mean
        probability of the predicted class), ``proba_true``, ``is_correct``, and
        ``n_predictions`` and ``n_wrong``, how many repeats have a prediction and a wrong one.
        Samples of failed or missing folds have no row.

    Raises
    ------
    InputError
        If no fold has predictions.
    """
    pooled = pool_predictions(result)
    proba = result.oof_proba
    n_samples = len(result.target)
    n_predictions = np.bincount(pooled.sample, minlength=n_samples)
    n_wrong = np.bincount(pooled.sample[pooled.is_wrong], minlength=n_samples)
    sample = np.flatnonzero(n_predictions)
    target, predicted = result.target[sample], proba[sample].argmax(axis=1)
    names = np.asarray(result.class_names, dtype=object)
    return pd.DataFrame(
        {
            "sample": sample,
            "true": names[target],
            "predicted": names[predicted],
            "confidence": proba[sample, predicted],
            "proba_true": proba[sample, target],
            "is_correct": predicted == target,
            "n_predictions": n_predictions[sample],
            "n_wrong": n_wrong[sample],
        }
    )


def missed_samples(result: OOFResult) -> pd.DataFrame:
    """List samples that are predicted wrong in one repeat or more, hardest first.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned, with one scored fold or more.

    Returns
    -------
    DataFrame
        ``sample``, ``true``, ``mistaken_for`` (the wrong class that most repeats predict, and of
        equals the most probable), ``proba_mistaken_for`` and ``proba_true`` (means over
        repeats), ``n_predictions``, ``n_wrong`` and ``is_always_wrong``. First come the samples
        wrong in the largest share of repeats; among those, where the true class is least
        probable.

    Raises
    ------
    InputError
        If no fold has predictions.
    """
    pooled = pool_predictions(result)
    table = sample_predictions(result).query("n_wrong > 0").reset_index(drop=True)
    proba = result.oof_proba[table["sample"]]
    votes = np.zeros_like(proba)
    row_of = np.full(len(result.target), -1)
    row_of[table["sample"]] = np.arange(len(table))
    np.add.at(
        votes, (row_of[pooled.sample[pooled.is_wrong]], pooled.predicted[pooled.is_wrong]), 1
    )
    mistaken = (votes + proba / 2).argmax(axis=1)  # a probability never outweighs a vote
    names = np.asarray(result.class_names, dtype=object)
    table["mistaken_for"] = names[mistaken]
    table["proba_mistaken_for"] = proba[np.arange(len(table)), mistaken]
    table["is_always_wrong"] = table["n_wrong"] == table["n_predictions"]
    share = table["n_wrong"] / table["n_predictions"]
    order = np.lexsort((table["sample"], table["proba_true"], -share))
    columns = ["sample", "true", "mistaken_for", "proba_mistaken_for", "proba_true"]
    columns += ["n_predictions", "n_wrong", "is_always_wrong"]
    return table.iloc[order][columns].reset_index(drop=True)
