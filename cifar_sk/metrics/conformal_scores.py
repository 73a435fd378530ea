"""What conformal sets are made of: scores of classes, and the threshold that a set keeps to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.metrics.scores import check_probabilities

__all__ = [
    "K_REG",
    "METHODS",
    "PENALTY",
    "check_method",
    "classes_within",
    "conformal_threshold",
    "conformity_scores",
]

METHODS = ("lac", "aps", "raps")
# Of RAPS, those of the authors' tutorial: a choice by the data would need data of its own.
K_REG, PENALTY = 5, 0.01
# Sums of the same probabilities in another order differ by so much.
_ROUNDING = 1e-12


def conformity_scores(
    proba: ArrayLike, method: str = "lac", *, k_reg: int = K_REG, penalty: float = PENALTY
) -> np.ndarray:
    r"""Score how little each class conforms to the probabilities of each sample.

    Parameters
    ----------
    proba : array-like of shape (n_samples, n_classes)
        Probabilities; every row sums to 1.
    method : {"lac", "aps", "raps"}, default="lac"
        Which score, see Notes.
    k_reg : int, default=5
        Of RAPS: the number of classes of a set that are not penalised.
    penalty : float, default=0.01
        Of RAPS: what each further class adds to the score.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)
        A set holds the classes whose score is at most a threshold.

    Raises
    ------
    InputError
        If the method is unknown, `proba` holds no probabilities, or `k_reg` or `penalty` is
        negative.

    Notes
    -----
    With :math:`p_y` the probability of class y and :math:`r_y` its rank (1 for the most probable
    class), the scores are

    .. math::
        s_\text{LAC} = 1 - p_y, \qquad
        s_\text{APS} = \sum_{j:\,p_j > p_y} p_j, \qquad
        s_\text{RAPS} = s_\text{APS} + \lambda \max(0,\, r_y - k_\text{reg}).

    A set of APS is thus the smallest one of the most probable classes that reaches the threshold.
    The papers add a random share of :math:`p_y`, which makes sets slightly smaller and different
    every time; here it is left out, and classes of equal probability have equal scores.

    References
    ----------
    LAC: Sadinle, Lei and Wasserman (2019), Least ambiguous set-valued classifiers with bounded
    error levels, JASA 114, https://doi.org/10.1080/01621459.2017.1395341

    APS, without its random numbers: Romano, Sesia and Candès (2020), Classification with valid
    and adaptive coverage, NeurIPS 33, https://doi.org/10.48550/arXiv.2006.02544

    RAPS: Angelopoulos, Bates, Malik and Jordan (2021), Uncertainty sets for image classifiers
    using conformal prediction, ICLR, https://doi.org/10.48550/arXiv.2009.14193; its defaults are
    those of Angelopoulos and Bates (2023), Conformal prediction: a gentle introduction,
    https://doi.org/10.1561/2200000101

    Examples
    --------
    >>> conformity_scores([[0.5, 0.25, 0.25]], "aps").tolist()
    [[0.0, 0.5, 0.5]]
    """
    check_method(method)
    if k_reg < 0 or penalty < 0:
        raise InputError(
            f"k_reg and penalty must not be negative, got {k_reg} and {penalty}; 5 and 0.01 are "
            "usual"
        )
    proba = check_probabilities(proba)
    if method == "lac":
        return 1 - proba
    order = np.argsort(-proba, axis=1, kind="stable")
    falling = np.take_along_axis(proba, order, axis=1)
    before = _n_more_probable(falling)
    mass = np.pad(falling.cumsum(axis=1), [(0, 0), (1, 0)])
    scores = np.take_along_axis(mass, before, axis=1)
    if method == "raps":
        scores += penalty * np.maximum(0, before + 1 - k_reg)
    by_class = np.empty_like(scores)
    np.put_along_axis(by_class, order, scores, axis=1)
    return by_class


def check_method(method: str) -> None:
    """Refuse a method that nobody knows."""
    if method not in METHODS:
        raise InputError(f"method is unknown: {method!r}{did_you_mean(str(method), METHODS)}.")


def _n_more_probable(falling: np.ndarray) -> np.ndarray:
    """Count for each value of sorted rows those that are larger; equals stand at one place."""
    places = np.zeros(falling.shape, dtype=np.int64)
    is_smaller = falling[:, 1:] < falling[:, :-1]
    places[:, 1:] = np.where(is_smaller, np.arange(1, falling.shape[1]), 0)
    return np.maximum.accumulate(places, axis=1)


def conformal_threshold(
    scores: ArrayLike, confidence: float = 0.9, *, n_units: int | None = None
) -> float:
    r"""Return the score that as large a share of true classes does not exceed as is asked.

    Parameters
    ----------
    scores : array-like of shape (n_scores,)
        Scores of the true classes.
    confidence : float, default=0.9
        Share of sets that are to hold the true class, between 0 and 1.
    n_units : int, default=None
        How many independent images or groups the scores come from; None for one per score.

    Returns
    -------
    float
        The quantile of the scores at :math:`\lceil (n + 1) c \rceil / n` for n units and the
        confidence c; infinity, with which every set holds every class, where n is too small.

    Raises
    ------
    InputError
        If `confidence` lies not between 0 and 1, or there is no score.

    Examples
    --------
    >>> conformal_threshold([0.1, 0.2, 0.3, 0.4], 0.6), conformal_threshold([0.1, 0.2], 0.9)
    (0.3, inf)
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, got {confidence}; 0.9 is usual")
    values = np.asarray(scores, dtype=np.float64).ravel()
    n = len(values) if n_units is None else n_units
    if not len(values) or n < 1:
        raise InputError("scores must hold one score or more, got none; pass true classes' scores")
    # 0.95 is not exactly 95 / 100, and 20 · 0.95 must not become 20.
    rank = math.ceil(round((n + 1) * confidence, 9))
    if rank > n:
        return math.inf
    place = -(-rank * len(values) // n) - 1  # rounded up
    return float(np.partition(values, place)[place])


def classes_within(scores: np.ndarray, threshold: float) -> np.ndarray:
    """Return which classes' scores a threshold takes into the set of each sample."""
    return scores <= threshold + _ROUNDING
