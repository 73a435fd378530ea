"""The statistics of uncertainty: an interval on a mean over folds, and one on pooled accuracy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cifar_sk.errors import InputError

__all__ = ["Interval", "bootstrap_interval", "corrected_t_interval"]


class Interval(NamedTuple):
    """An estimate and the interval around it.

    Attributes
    ----------
    estimate, low, high : float
        In the units of the score; NaN where undefined. The bounds are not clipped to the score's
        range.
    """

    estimate: float
    low: float
    high: float


def corrected_t_interval(
    scores: ArrayLike, *, test_train_ratio: float, confidence: float = 0.95
) -> Interval:
    r"""Nadeau–Bengio corrected resampled t interval on a mean over folds.

    Training sets of different folds overlap, so their scores are correlated and the usual
    :math:`s/\sqrt J` is too small. The correction replaces the variance factor
    :math:`1/J` by :math:`1/J + n_\text{test}/n_\text{train}`:

    .. math:: \bar x \pm t_{J-1,\,(1+c)/2}\; s \sqrt{\tfrac 1J +
              \tfrac{n_\text{test}}{n_\text{train}}}

    Parameters
    ----------
    scores : array-like of shape (J,)
        A score per fold, over all repeats.
    test_train_ratio : float
        Samples scored over samples trained on in one fold: 1 / (k - 1) in k-fold
        cross-validation.
    confidence : float, default=0.95
        Coverage asked for, between 0 and 1, both excluded.

    Returns
    -------
    Interval
        All NaN where a score is NaN; NaN bounds for fewer than two folds.

    Raises
    ------
    InputError
        If `confidence` or `test_train_ratio` is out of range.

    Notes
    -----
    The correction is an approximation: no unbiased estimate of the variance of cross-validation
    exists. The interval is about the expected score of the *training procedure*; it is no
    interval on the score of one trained model.

    References
    ----------
    Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning
    52, 239–281. https://doi.org/10.1023/A:1024068626366

    Bouckaert, R. R. and Frank, E. (2004). Evaluating the replicability of significance tests for
    comparing learning algorithms. PAKDD. https://doi.org/10.1007/978-3-540-24775-3_3
    (the same correction with repeated cross-validation)

    Examples
    --------
    >>> interval = corrected_t_interval([0.7, 0.8, 0.9], test_train_ratio=0.5)
    >>> [round(bound, 4) for bound in interval]
    [0.8, 0.4072, 1.1928]
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
    if n_scores < 2:
        return Interval(float(values[0]) if n_scores else np.nan, np.nan, np.nan)
    mean = float(values.mean())
    standard_error = values.std(ddof=1) * np.sqrt(1 / n_scores + test_train_ratio)
    half_width = float(t.ppf((1 + confidence) / 2, df=n_scores - 1) * standard_error)
    return Interval(mean, mean - half_width, mean + half_width)


def bootstrap_interval(
    target: ArrayLike,
    n_correct: ArrayLike,
    n_predicted: ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    n_resamples: int = 10_000,
    random_state: int = 0,
) -> Interval:
    """Stratified percentile bootstrap interval on pooled accuracy.

    Samples are drawn with replacement within each true class. Only the number of right
    predictions enters accuracy, so the draws are multinomial counts of the distinct outcomes in
    each class instead of resampled index arrays: the same distribution, at a cost that does not
    grow with the number of samples.

    Parameters
    ----------
    target : array-like of shape (n_samples,)
        True classes: the strata.
    n_correct : array-like of int or bool, shape (n_samples,)
        How many of the sample's predictions are right: 0 or 1 without repeats.
    n_predicted : array-like of int, shape (n_samples,), default=None
        How many predictions the sample has; None means one each. A sample with none is left out.
    confidence : float, default=0.95
        Coverage asked for, between 0 and 1, both excluded.
    n_resamples : int, default=10000
        Bootstrap samples.
    random_state : int, default=0
        Seed of the draws.

    Returns
    -------
    Interval
        Accuracy over all predictions, and its percentile bounds; all NaN without predictions.

    Raises
    ------
    InputError
        If `confidence` or `n_resamples` is out of range, lengths differ, or a sample has more
        right predictions than predictions.

    Notes
    -----
    The interval says how well the accuracy *of these predictions* is known from this many
    samples. Variation between training runs is not in it; see `corrected_t_interval` for that.

    References
    ----------
    Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman & Hall.
    https://doi.org/10.1201/9780429246593

    Examples
    --------
    >>> target = [0] * 100 + [1] * 100
    >>> right = [1] * 90 + [0] * 10 + [1] * 70 + [0] * 30
    >>> interval = bootstrap_interval(target, right)
    >>> [round(bound, 3) for bound in interval]
    [0.8, 0.745, 0.85]
    """
    _check_confidence(confidence)
    if n_resamples < 1:
        raise InputError(f"n_resamples must be at least 1, got {n_resamples}; use 1000 or more")
    target, correct, predicted = _check_counts(target, n_correct, n_predicted)
    if not len(target):
        return Interval(np.nan, np.nan, np.nan)
    generator = np.random.default_rng(random_state)
    totals = np.zeros((n_resamples, 2))
    for label in np.unique(target):
        inside = target == label
        outcomes, counts = np.unique(
            np.column_stack([correct[inside], predicted[inside]]), axis=0, return_counts=True
        )
        n_class = counts.sum()
        totals += generator.multinomial(n_class, counts / n_class, size=n_resamples) @ outcomes
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(totals[:, 0] / totals[:, 1], tails)
    return Interval(float(correct.sum() / predicted.sum()), float(low), float(high))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, got {confidence}; 0.95 is usual")


def _check_counts(
    target: ArrayLike, n_correct: ArrayLike, n_predicted: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equally long arrays, without the samples that have no prediction."""
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
    has_prediction = predicted > 0
    return classes[has_prediction], correct[has_prediction], predicted[has_prediction]
