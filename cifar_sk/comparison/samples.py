"""Two runs sample by sample: which images only one of them gets right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cifar_sk.comparison.paired_tests import exact_mcnemar_test, paired_accuracy_interval
from cifar_sk.folds.predictions import OOFResult

__all__ = ["mcnemar_table", "only_one_right", "outcomes_by_class", "predicted_classes"]


def predicted_classes(result: OOFResult) -> np.ndarray:
    """Return every sample's predicted class in every repeat.

    Parameters
    ----------
    result : OOFResult
        Complete.

    Returns
    -------
    ndarray of int64, shape (n_samples, n_repeats)
    """
    predicted = np.full((len(result.target), result.n_repeats), -1, dtype=np.int64)
    for fold in result.scored:
        predicted[fold.test_index, fold.repeat] = np.asarray(fold.proba).argmax(axis=1)
    return predicted


def mcnemar_table(
    target: np.ndarray, first: np.ndarray, second: np.ndarray, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Count who is right, and test it, in each repeat on its own.

    Parameters
    ----------
    target : ndarray of int64, shape (n_samples,)
        True classes.
    first, second : ndarray of int64, shape (n_samples, n_repeats)
        Predicted ones, as `predicted_classes` returns them.
    confidence : float, default=0.95
        Of the interval.

    Returns
    -------
    DataFrame
        A row per repeat: ``repeat``; the numbers of samples that ``both``, ``only_first``,
        ``only_second`` and ``neither`` get right; ``difference`` in accuracy (second - first)
        of these fitted models with ``low`` and ``high``; and McNemar's exact ``p_value``.

    Examples
    --------
    >>> target = np.zeros(4, dtype=np.int64)
    >>> first, second = np.array([[0], [0], [1], [1]]), np.array([[0], [1], [0], [1]])
    >>> mcnemar_table(target, first, second).loc[0, ["both", "only_first", "p_value"]].tolist()
    [1.0, 1.0, 1.0]
    """
    rows = []
    right = [predicted == target[:, None] for predicted in (first, second)]
    for repeat, (a, b) in enumerate(zip(right[0].T, right[1].T, strict=True)):
        only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
        interval = paired_accuracy_interval(
            only_first, only_second, len(target), confidence=confidence
        )
        rows.append(
            {
                "repeat": repeat,
                "both": int((a & b).sum()),
                "only_first": only_first,
                "only_second": only_second,
                "neither": int((~a & ~b).sum()),
                "difference": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "p_value": exact_mcnemar_test(only_first, only_second),
            }
        )
    return pd.DataFrame(rows)


def only_one_right(results: Sequence[OOFResult], names: Sequence[str]) -> pd.DataFrame:
    """List the samples that one run gets right in every repeat, and the other in none.

    Parameters
    ----------
    results : sequence of OOFResult
        Two, of the same samples.
    names : sequence of str
        What to call the runs.

    Returns
    -------
    DataFrame
        ``sample``, ``true`` class, ``right`` (the run that gets it right), ``wrong_class`` (what
        the other one predicts most often), and what each run gives the true class, averaged over
        repeats: ``proba_right`` and ``proba_wrong``. In sample order.
    """
    target, class_names = results[0].target, np.asarray(results[0].class_names, dtype=object)
    predicted = [predicted_classes(result) for result in results]
    n_right = [(classes == target[:, None]).sum(axis=1) for classes in predicted]
    given = [result.oof_proba[np.arange(len(target)), target] for result in results]
    n_repeats = results[0].n_repeats
    parts = []
    for right, wrong in ((0, 1), (1, 0)):
        samples = np.flatnonzero((n_right[right] == n_repeats) & (n_right[wrong] == 0))
        parts.append(
            pd.DataFrame(
                {
                    "sample": samples,
                    "true": class_names[target[samples]],
                    "right": names[right],
                    "wrong_class": class_names[_most_frequent(predicted[wrong][samples])],
                    "proba_right": given[right][samples],
                    "proba_wrong": given[wrong][samples],
                }
            )
        )
    return pd.concat(parts).sort_values("sample", ignore_index=True)


def outcomes_by_class(results: Sequence[OOFResult], names: Sequence[str]) -> pd.DataFrame:
    """Count for each class how many samples both, one or neither of two runs gets right.

    Parameters
    ----------
    results : sequence of OOFResult
        Two, of the same samples. With repeats, what a run predicts for a sample is the class of
        the highest mean probability.
    names : sequence of str
        What to call the runs.

    Returns
    -------
    DataFrame
        A row per class, and a last one ``all``: ``class`` and the counts ``both_right``,
        ``only_NAME_right`` for each run, and ``both_wrong``.
    """
    target, class_names = results[0].target, results[0].class_names
    one, other = (result.oof_proba.argmax(axis=1) == target for result in results)
    outcomes = {
        "both_right": one & other,
        f"only_{names[0]}_right": one & ~other,
        f"only_{names[1]}_right": ~one & other,
        "both_wrong": ~one & ~other,
    }
    counts = {
        name: np.bincount(target[held], minlength=len(class_names))
        for name, held in outcomes.items()
    }
    table = pd.DataFrame({"class": list(class_names), **counts})
    totals = {"class": "all", **{name: held.sum() for name, held in counts.items()}}
    return pd.concat([table, pd.DataFrame([totals])], ignore_index=True)


def _most_frequent(predicted: np.ndarray) -> np.ndarray:
    """Return each row's most frequent value; the smallest of several."""
    times = (predicted[:, :, None] == predicted[:, None, :]).sum(axis=2)
    is_most = times == times.max(axis=1, keepdims=True, initial=0)
    return np.where(is_most, predicted, np.iinfo(np.int64).max).min(axis=1)
