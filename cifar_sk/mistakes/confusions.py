"""Which classes are taken for which, and which are the hardest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult

__all__ = ["confused_pairs", "hardest_classes"]


def confused_pairs(result: OOFResult, *, n_examples: int = 6) -> pd.DataFrame:
    """Which class is taken for which other, most frequent confusion first.

    A row per ordered pair of classes that occurs: ``true``, ``predicted``, ``n`` (predictions
    pooled over folds and repeats), ``share`` (of the predictions for the true class),
    ``n_reverse`` (how often it happens the other way round) and ``examples``, at most `n_examples`
    samples that were mistaken with the highest probability, most confident first, without
    repetition.
    """
    if n_examples < 0:
        raise InputError(f"n_examples must be 0 or more, got {n_examples}")
    totals, counts = _errors(result)
    true, predicted = np.nonzero(counts)
    order = np.argsort(-counts[true, predicted], kind="stable")
    true, predicted = true[order], predicted[order]
    examples = _examples(result, n_examples)
    names = np.asarray(result.class_names, dtype=object)
    pairs = zip(true.tolist(), predicted.tolist(), strict=True)
    return pd.DataFrame(
        {
            "true": names[true],
            "predicted": names[predicted],
            "n": counts[true, predicted],
            "share": counts[true, predicted] / totals[true],
            "n_reverse": counts[predicted, true],
            "examples": [examples.get(pair, []) for pair in pairs],
        }
    )


def _errors(result: OOFResult) -> tuple[np.ndarray, np.ndarray]:
    """Return the support of every class, and the confusion matrix without its diagonal."""
    counts = result.pooled().confusion.copy()
    support = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    return support, counts


def _examples(result: OOFResult, n_examples: int) -> dict[tuple[int, int], list[int]]:
    pooled = result.pooled()
    wrong = np.flatnonzero(pooled.is_wrong)
    order = wrong[np.lexsort((pooled.sample[wrong], -pooled.confidence[wrong]))]
    columns = ("target", "predicted", "sample")
    table = pd.DataFrame({name: getattr(pooled, name)[order] for name in columns})
    groups = table.drop_duplicates().groupby(["target", "predicted"], sort=False)["sample"]
    return {pair: samples.head(n_examples).tolist() for pair, samples in groups}  # type: ignore[misc]


def hardest_classes(result: OOFResult) -> pd.DataFrame:
    """How often each class is missed, most often first.

    ``class``, ``support`` (predictions for samples of the class), ``error_rate`` (share of them
    that are wrong), ``error_rate_min`` and ``error_rate_max`` over folds that hold the class,
    ``mistaken_for`` (the class that it is most often taken for, empty if none),
    ``n_mistaken_for``, and ``n_always_wrong``, its samples that are wrong in every repeat. Classes
    without samples come last, with NaN.
    """
    pooled, names = result.pooled(), list(result.class_names)
    support, counts = _errors(result)
    n_worst = counts.max(axis=1)
    worst = np.asarray(names, dtype=object)[counts.argmax(axis=1)]
    is_always_wrong = (pooled.n_wrong > 0) & (pooled.n_wrong == pooled.n_predictions)
    by_fold = _error_rates_by_fold(result)
    table = pd.DataFrame(
        {
            "class": names,
            "support": support,
            "error_rate": counts.sum(axis=1) / np.where(support > 0, support, np.nan),
            "error_rate_min": by_fold.min(),
            "error_rate_max": by_fold.max(),
            "mistaken_for": np.where(n_worst > 0, worst, ""),
            "n_mistaken_for": n_worst,
            "n_always_wrong": np.bincount(result.target[is_always_wrong], minlength=len(names)),
        }
    )
    return table.sort_values("error_rate", ascending=False, kind="stable", ignore_index=True)


def _error_rates_by_fold(result: OOFResult) -> pd.DataFrame:
    """Return the error rate of every class, a row per fold; NaN where a fold has none of it."""
    counts = np.stack([*result.pooled().confusions.values()])
    support = counts.sum(axis=2)
    n_wrong = support - counts.diagonal(axis1=1, axis2=2)
    return pd.DataFrame(n_wrong / np.where(support > 0, support, np.nan))
