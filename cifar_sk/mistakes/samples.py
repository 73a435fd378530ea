"""Predictions sample by sample: which are wrong, how surely, and in how many repeats."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cifar_sk.folds.predictions import OOFResult

__all__ = ["missed_samples", "sample_predictions"]


def sample_predictions(result: OOFResult) -> pd.DataFrame:
    """One prediction for each sample: the class of the highest mean probability over repeats.

    In sample order: ``sample``, ``true`` and ``predicted`` class names, ``confidence`` (mean
    probability of the predicted class), ``proba_true``, ``is_correct``, and ``n_predictions`` and
    ``n_wrong``, how many repeats have a prediction and a wrong one. Samples of failed or missing
    folds have no row.
    """
    pooled, proba = result.pooled(), result.oof_proba
    sample = np.flatnonzero(pooled.n_predictions)
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
            "n_predictions": pooled.n_predictions[sample],
            "n_wrong": pooled.n_wrong[sample],
        }
    )


def missed_samples(result: OOFResult) -> pd.DataFrame:
    """List samples that are predicted wrong in one repeat or more, hardest first.

    ``sample``, ``true``, ``mistaken_for`` (the wrong class that most repeats predict, and of
    equals the most probable), ``proba_mistaken_for`` and ``proba_true`` (means over repeats),
    ``n_predictions``, ``n_wrong`` and ``is_always_wrong``. First come the samples wrong in the
    largest share of repeats; among those, where the true class is least probable.
    """
    pooled = result.pooled()
    table = sample_predictions(result).query("n_wrong > 0").reset_index(drop=True)
    proba = result.oof_proba[table["sample"]]
    votes = np.zeros_like(proba)
    row_of = np.full(len(result.target), -1)
    row_of[table["sample"]] = np.arange(len(table))
    wrong = pooled.is_wrong
    np.add.at(votes, (row_of[pooled.sample[wrong]], pooled.predicted[wrong]), 1)
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
