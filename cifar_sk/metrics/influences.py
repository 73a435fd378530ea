r"""What each image contributes to a score, and from it the spread of a run.

The influence of an image on a score is the derivative of the score by the image's weight, times
the number of images: for a mean it is the image's own value less the mean, for other scores it is
how much the score would move. The squares of the influences give the score's variance over images
(the infinitesimal jackknife), and their sums over the images of a group that over groups.

References
----------
Efron, B. (1981). Nonparametric standard errors and confidence intervals. Canadian Journal of
Statistics 9, 139–158. https://doi.org/10.2307/3314608

DeLong, E. R., DeLong, D. M. and Clarke-Pearson, D. L. (1988). Comparing the areas under two or
more correlated receiver operating characteristic curves. Biometrics 44, 837–845.
https://doi.org/10.2307/2531595 (for the area under the curve)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.confusion_scores import CONFUSION_SCORES
from cifar_sk.metrics.scores import METRICS, N_CALIBRATION_BINS, in_top_3
from cifar_sk.statistics import Spread, shared_test_component, spread_of

__all__ = ["holdout_component", "influences", "pair_spread", "run_spread"]

_BLOCKS = 20  # of images left out in turn, for metrics of which nothing is known but their value


def run_spread(
    result: OOFResult, metric: str = "accuracy", *, scores: pd.Series | None = None
) -> Spread:
    """Measure what a run's score varied with.

    Parameters
    ----------
    result : OOFResult
        Of a run. Repeats in which a fold failed or is missing are left out.
    metric : str, default="accuracy"
        A key of `cifar_sk.metrics.METRICS`.
    scores : Series of float, default=None
        The score of every fold by `FoldResult.index`, where it is known already.

    Returns
    -------
    Spread
        Clusters are the run's groups, or its images where it has none.

    Raises
    ------
    InputError
        If no repeat is complete, or there is no such metric.
    """
    return _spread([result], metric, [scores])


def pair_spread(
    first: OOFResult,
    second: OOFResult,
    metric: str = "accuracy",
    *,
    scores: Sequence[pd.Series | None] = (None, None),
) -> Spread:
    """Measure what the difference of two runs' scores, second - first, varied with.

    Parameters
    ----------
    first, second : OOFResult
        Of runs on the same images and folds.
    metric : str, default="accuracy"
        A key of `cifar_sk.metrics.METRICS`.
    scores : two Series of float, default=(None, None)
        Of each run the score of every fold by `FoldResult.index`, where it is known already.

    Returns
    -------
    Spread
        Clusters are the runs' groups, or their images where there are none.

    Raises
    ------
    InputError
        If no repeat is complete in both, or there is no such metric.
    """
    return _spread([second, first], metric, scores[::-1])


def _spread(results: list[OOFResult], metric: str, known: Sequence[pd.Series | None]) -> Spread:
    """Describe a run, or the first less the second of two."""
    if metric not in METRICS:
        raise InputError(f"There is no metric {metric!r}.")
    repeats = _complete_repeats(results)
    by_run = zip(results, known, strict=True)
    scores, parts = zip(
        *(_by_fit(result, metric, repeats, values) for result, values in by_run), strict=True
    )
    groups = results[0].groups
    sizes = None if groups is None else np.bincount(groups)
    if len(results) == 1:
        return spread_of(scores[0], parts[0], sizes)
    return spread_of(scores[0] - scores[1], parts[0] - parts[1], sizes)


def _complete_repeats(results: list[OOFResult]) -> list[int]:
    shapes = {(result.n_repeats, result.n_seeds, result.n_folds) for result in results}
    if len(shapes) > 1:
        raise InputError("The runs differ in folds, repeats or seeds, and cannot be paired.")
    n_repeats, n_seeds, n_folds = shapes.pop()
    counts = [
        np.bincount([fold.repeat for fold in result.scored], minlength=n_repeats)
        for result in results
    ]
    complete = np.flatnonzero(np.min(counts, axis=0) == n_seeds * n_folds).tolist()
    if not complete:
        raise InputError(
            "The run has no repeat in which all folds have predictions, so what its score varies "
            "with is not known; resume the run."
        )
    return complete


def _by_fit(
    result: OOFResult, metric: str, repeats: list[int], known: pd.Series | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores (R, S, K) and what each cluster contributes to each pass (C, R, S)."""
    shape = (len(repeats), result.n_seeds, result.n_folds)
    groups = result.groups
    n_clusters = result.n_groups or len(result.target)
    scores, parts = np.empty(shape), np.zeros((n_clusters, *shape[:2]))
    score = METRICS[metric].value
    for fold in result.scored:
        if fold.proba is None or fold.repeat not in repeats:
            continue
        row, target = repeats.index(fold.repeat), result.target[fold.test_index]
        cluster = fold.test_index if groups is None else groups[fold.test_index]
        share = influences(metric, target, fold.proba, cluster) / (len(target) * result.n_folds)
        found = score(target, fold.proba) if known is None else float(known[fold.index])
        scores[row, fold.seed, fold.fold] = found
        parts[:, row, fold.seed] += np.bincount(cluster, share, n_clusters)
    return scores, parts


def holdout_component(result: OOFResult, metric: str = "accuracy") -> dict[str, object] | None:
    """Return how much the models vary on the official test split; None without such scores."""
    models = [fold.holdout_proba for fold in result.scored if fold.holdout_proba is not None]
    target = result.holdout_target
    if target is None or len(models) < 2:
        return None
    scores = [METRICS[metric].value(target, proba) for proba in models]
    parts = [influences(metric, target, proba) / len(target) for proba in models]
    return shared_test_component(scores, np.stack(parts, axis=1))


def influences(
    metric: str, target: np.ndarray, proba: np.ndarray, cluster: np.ndarray | None = None
) -> np.ndarray:
    """Return the influence of every sample on a score.

    Parameters
    ----------
    metric : str
        A key of `cifar_sk.metrics.METRICS`.
    target : ndarray of int, shape (n_samples,)
        True classes, as columns of `proba`.
    proba : ndarray of float, shape (n_samples, n_classes)
        Class probabilities; rows sum to 1.
    cluster : ndarray of int, shape (n_samples,), default=None
        The group of every sample; None for independent samples. Only a metric of a program's
        own needs it, whose derivative is not known: it is scored without each of 20 blocks.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        They sum to 0; NaN where the score is undefined.

    Examples
    --------
    >>> influences("accuracy", np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    array([ 0.5, -0.5])
    """
    rows = proba / proba.sum(axis=1, keepdims=True)
    if metric in _MEANS:
        values = _MEANS[metric](target, rows)
    elif metric in CONFUSION_SCORES:
        values = _of_confusion(CONFUSION_SCORES[metric], target, rows)
    elif metric == "roc_auc":
        values = _of_roc_auc(target, rows)
    elif metric == "expected_calibration_error":
        values = _of_calibration(target, rows)
    else:
        own = np.arange(len(target)) if cluster is None else np.asarray(cluster)
        values = _left_out(metric, target, rows, own)
    return values - values.mean()


def _log_loss(target: np.ndarray, rows: np.ndarray) -> np.ndarray:
    given = rows[np.arange(len(target)), target]
    return -np.log(np.clip(given, np.finfo(np.float64).eps, 1))


def _brier(target: np.ndarray, rows: np.ndarray) -> np.ndarray:
    truth = np.eye(rows.shape[1])[target]
    scale = 0.5 if rows.shape[1] == 2 else 1.0
    return scale * ((rows - truth) ** 2).sum(axis=1)


_MEANS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "accuracy": lambda target, rows: (rows.argmax(axis=1) == target).astype(float),
    "top_3_accuracy": lambda target, rows: in_top_3(target, rows).astype(float),
    "log_loss": _log_loss,
    "brier_score": _brier,
}


def _of_confusion(
    score: Callable[[np.ndarray], np.ndarray], target: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Derive a score by the count of each cell that holds a sample."""
    n_classes = rows.shape[1]
    cell = target * n_classes + rows.argmax(axis=1)
    counts = np.bincount(cell, minlength=n_classes**2).astype(float)
    used = np.flatnonzero(counts)
    step = 1e-4
    nudged = np.repeat(counts[None], len(used), axis=0)
    nudged[np.arange(len(used)), used] += step * counts[used]
    shape = (-1, n_classes, n_classes)
    moved = score(nudged.reshape(shape)) - score(counts.reshape(shape))
    slopes = np.zeros(n_classes**2)
    slopes[used] = len(target) * moved / (step * counts[used])
    return slopes[cell]


def _of_roc_auc(target: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Average DeLong's placements of every sample over the classes."""
    n, n_classes = rows.shape
    total = np.zeros(n)
    columns = [1] if n_classes == 2 else range(n_classes)
    for column in columns:
        inside = target == column
        m = int(inside.sum())
        if m in (0, n):
            return np.full(n, np.nan)
        rank = rankdata(rows[:, column])
        placed = np.empty(n)
        placed[inside] = (rank[inside] - rankdata(rows[inside, column])) / (n - m)
        placed[~inside] = 1 - (rank[~inside] - rankdata(rows[~inside, column])) / m
        area = placed[inside].mean()
        # Either side's samples move the area by their distance from it, over their share.
        total += np.where(inside, (placed - area) * n / m, (placed - area) * n / (n - m))
    return total / len(columns)


def _of_calibration(target: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Sign each sample's gap by its bin's, for the error is the sum of the bins' gaps."""
    edges = np.linspace(0, 1, N_CALIBRATION_BINS + 1)
    confidence = rows.max(axis=1)
    bin_of = np.searchsorted(edges[1:-1], confidence)
    gap = (rows.argmax(axis=1) == target) - confidence
    sign = np.sign(np.bincount(bin_of, gap, N_CALIBRATION_BINS))
    return sign[bin_of] * gap


def _left_out(
    metric: str, target: np.ndarray, rows: np.ndarray, cluster: np.ndarray
) -> np.ndarray:
    """Share among its samples what leaving out each of 20 blocks of whole clusters does."""
    n = len(target)
    score = METRICS[metric].value
    # By the cluster's number, so that a block has the same samples in every repeat.
    n_clusters = int(cluster.max()) + 1
    block = (np.random.default_rng(0).permutation(n_clusters) % min(_BLOCKS, n_clusters))[cluster]
    whole, values = score(target, rows), np.zeros(n)
    for number in np.unique(block):
        inside = block == number
        if inside.all():
            return np.full(n, np.nan)
        moved = whole - score(target[~inside], rows[~inside])
        members, size = np.unique(cluster[inside], return_counts=True)
        # Each cluster gets an equal part of the block's square, as if they were independent.
        part = moved * (n - inside.sum()) / np.sqrt(len(members))
        values[inside] = (part / size)[np.searchsorted(members, cluster[inside])]
    return values
