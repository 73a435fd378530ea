"""Two runs sample by sample: which images only one of them gets right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cifar_sk.folds.predictions import OOFResult

__all__ = ["only_one_right", "outcomes_by_class", "predicted_classes"]


def predicted_classes(result: OOFResult) -> np.ndarray:
    """Return every sample's predicted class in every pass, (n_samples, n_passes)."""
    pooled = result.pooled()
    predicted = np.full((pooled.n_samples, result.n_passes), -1, dtype=np.int64)
    predicted[pooled.sample, pooled.fold // result.n_folds] = pooled.predicted
    return predicted


def only_one_right(
    results: Sequence[OOFResult], names: Sequence[str], predicted: Sequence[np.ndarray]
) -> pd.DataFrame:
    """List the samples that one run gets right in every repeat, and the other in none."""
    # wrong_class is what the other one predicts most often; proba_right and proba_wrong are what
    # each gives the true class, averaged over repeats.
    target, class_names = results[0].target, np.asarray(results[0].class_names, dtype=object)
    is_right = [classes == target[:, None] for classes in predicted]
    given = [result.oof_proba[np.arange(len(target)), target] for result in results]
    parts = []
    for right, wrong in ((0, 1), (1, 0)):
        samples = np.flatnonzero(is_right[right].all(axis=1) & ~is_right[wrong].any(axis=1))
        columns = {
            "sample": samples,
            "true": class_names[target[samples]],
            "right": names[right],
            "wrong_class": class_names[_most_frequent(predicted[wrong][samples])],
            "proba_right": given[right][samples],
            "proba_wrong": given[wrong][samples],
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts).sort_values("sample", ignore_index=True)


def outcomes_by_class(results: Sequence[OOFResult], names: Sequence[str]) -> pd.DataFrame:
    """Count by class, and for ``all``, how many samples both, one or neither run gets right."""
    # With repeats a run predicts the class of the highest mean probability.
    target, class_names = results[0].target, results[0].class_names
    one, other = (result.oof_proba.argmax(axis=1) == target for result in results)
    outcomes = {
        "both_right": one & other,
        f"only_{names[0]}_right": one & ~other,
        f"only_{names[1]}_right": ~one & other,
        "both_wrong": ~one & ~other,
    }
    n = len(class_names)
    counts = {name: np.bincount(target[held], minlength=n) for name, held in outcomes.items()}
    totals = {name: [*count, count.sum()] for name, count in counts.items()}
    return pd.DataFrame({"class": [*class_names, "all"], **totals})


def _most_frequent(predicted: np.ndarray) -> np.ndarray:
    """Return each row's most frequent value; the smallest of several."""
    times = (predicted[:, :, None] == predicted[:, None, :]).sum(axis=2)
    is_most = times == times.max(axis=1, keepdims=True, initial=0)
    return np.where(is_most, predicted, np.iinfo(np.int64).max).min(axis=1)
