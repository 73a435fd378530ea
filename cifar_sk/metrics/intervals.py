"""The statistics of uncertainty: an interval on a mean over folds, and one on pooled accuracy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cifar_sk.errors import InputError

__all__ = [
    "Interval",
    "bootstrap_interval",
    "corrected_t_interval",
    "have_spread",
    "wilson_interval",
]

_Z = 1.959963984540054  # of a 95 % interval
_ROUNDING = 1e-12  # scores that are equal but for it have no spread to go by


class Interval(NamedTuple):
    """An estimate and its bounds, in the units of the score; NaN where undefined."""

    estimate: float
    low: float
    high: float


def corrected_t_interval(
    scores: ArrayLike, *, test_train_ratio: float, confidence: float = 0.95
) -> Interval:
    r"""Nadeau–Bengio corrected resampled t interval on a mean over J folds.

    The bounds are NaN for one fold, and where all folds have the same score: a spread of 0 over a
    few folds does not say that the mean is known for sure.

    Training sets of different folds overlap, so the usual :math:`s/\sqrt J` is too small. The
    variance factor :math:`1/J` becomes :math:`1/J + n_\text{test}/n_\text{train}`, an
    approximation, for no unbiased estimate exists; it is about the training procedure.

    Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52,
    https://doi.org/10.1023/A:1024068626366; with repeats: Bouckaert and Frank (2004), PAKDD,
    https://doi.org/10.1007/978-3-540-24775-3_3
    """
    from scipy.stats import t

    _check_confidence(confidence)
    if not test_train_ratio > 0:
        raise InputError(
            f"test_train_ratio must be positive, got {test_train_ratio}; "
            "pass the samples scored over the samples trained on in one fold"
        )
    values = np.asarray(scores, dtype=float)
    n_scores = len(values)
    mean = float(values.mean()) if n_scores else np.nan
    if not have_spread(values):
        return Interval(mean, np.nan, np.nan)
    standard_error = values.std(ddof=1) * np.sqrt(1 / n_scores + test_train_ratio)
    half_width = float(t.ppf((1 + confidence) / 2, df=n_scores - 1) * standard_error)
    return Interval(mean, mean - half_width, mean + half_width)


def have_spread(scores: np.ndarray) -> bool:
    """Say whether there are two scores or more that differ; not if one is NaN."""
    return len(scores) > 1 and bool(np.ptp(scores) > _ROUNDING)


def bootstrap_interval(
    target: ArrayLike,
    n_correct: ArrayLike,
    n_predicted: ArrayLike | None = None,
    *,
    groups: ArrayLike | None = None,
    confidence: float = 0.95,
    n_resamples: int = 10_000,
    random_state: int = 0,
) -> Interval:
    """Percentile bootstrap interval on the accuracy over all predictions.

    Samples are drawn with all their repeats, within each class of `target`; one without
    predictions is left out. With `groups`, (n_samples,), whole groups are drawn instead, over all
    classes. The interval says how well the accuracy *of these predictions* is known; variation
    between training runs is not in it.

    Efron and Tibshirani (1993), An Introduction to the Bootstrap, Chapman & Hall,
    https://doi.org/10.1201/9780429246593; with groups: Field and Welsh (2007), Journal of the
    Royal Statistical Society B 69, https://doi.org/10.1111/j.1467-9868.2007.00593.x
    """
    _check_confidence(confidence)
    if n_resamples < 1:
        raise InputError(f"n_resamples must be at least 1, got {n_resamples}; use 1000 or more")
    target, correct, predicted = _check_counts(target, n_correct, n_predicted)
    if not predicted.any():
        return Interval(np.nan, np.nan, np.nan)
    generator = np.random.default_rng(random_state)
    if groups is None:
        totals = _drawn_within_classes(target, correct, predicted, n_resamples, generator)
    else:
        totals = _drawn_groups(np.asarray(groups), correct, predicted, n_resamples, generator)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(totals[:, 0] / totals[:, 1], tails)
    return Interval(float(correct.sum() / predicted.sum()), float(low), float(high))


def _drawn_within_classes(
    target: np.ndarray,
    correct: np.ndarray,
    predicted: np.ndarray,
    n_resamples: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Draw numbers of right and of all predictions, (n_resamples, 2), class by class."""
    # Only the number of right predictions matters, so multinomial counts of the outcomes in each
    # class have the distribution of resampled indices, at a cost that no number of samples raises.
    has_prediction = predicted > 0
    totals = np.zeros((n_resamples, 2))
    for label in np.unique(target[has_prediction]):
        inside = has_prediction & (target == label)
        outcomes, counts = np.unique(
            np.column_stack([correct[inside], predicted[inside]]), axis=0, return_counts=True
        )
        n_class = counts.sum()
        totals += generator.multinomial(n_class, counts / n_class, size=n_resamples) @ outcomes
    return totals


def _drawn_groups(
    groups: np.ndarray,
    correct: np.ndarray,
    predicted: np.ndarray,
    n_resamples: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Draw the same by whole groups; those that say the same are drawn together."""
    if len(groups) != len(correct):
        raise InputError(
            f"groups must be as long as target, got {len(groups)} and {len(correct)}; "
            "pass a group per sample"
        )
    has_prediction = predicted > 0
    _, group = np.unique(groups[has_prediction], return_inverse=True)
    sums = [np.bincount(group, weights=part[has_prediction]) for part in (correct, predicted)]
    outcomes, counts = np.unique(np.column_stack(sums), axis=0, return_counts=True)
    n_groups = counts.sum()
    return generator.multinomial(n_groups, counts / n_groups, size=n_resamples) @ outcomes


def wilson_interval(rate: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return low and high bounds of 95 % for shares of `n` independent samples each.

    Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953
    """
    centre = (rate + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * np.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2))
    # At rates of 0 and 1 a rounding error would put the rate itself outside.
    low, high = (centre - half).clip(lower=0), (centre + half).clip(upper=1)
    return low.clip(upper=rate), high.clip(lower=rate)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, got {confidence}; 0.95 is usual")


def _check_counts(
    target: ArrayLike, n_correct: ArrayLike, n_predicted: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    classes = np.asarray(target)
    correct = np.asarray(n_correct, dtype=np.int64)
    predicted = np.ones_like(correct) if n_predicted is None else np.asarray(n_predicted, np.int64)
    if not len(classes) == len(correct) == len(predicted):
        raise InputError(
            "target, n_correct and n_predicted must be equally long, got "
            f"{len(classes)}, {len(correct)} and {len(predicted)}; pass a value per sample"
        )
    if (correct < 0).any() or (correct > predicted).any():
        raise InputError(
            "n_correct must lie between 0 and n_predicted, got a sample where it does not; "
            "pass the number of right predictions per sample"
        )
    return classes, correct, predicted
