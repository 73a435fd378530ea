r"""How much a cross-validated score, or a difference of two, varied, and over what.

A score of fit :math:`(r, s, k)`, which is repeat, seed and fold, is taken as

.. math:: m_{rsk} = \mu + \bar a_{rk} + \bar e_{rsk} + b_{rk} + c_{rsk},

where :math:`a` belongs to an image (some are hard), :math:`e` to an image in one fit, :math:`b` to
a training set and :math:`c` to a seed. Images come in clusters, where groups are known, and the
repeats have the same images: what belongs to an image does not average out over repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cifar_sk.errors import InputError

__all__ = ["Spread", "image_variance", "spread_of"]


@dataclass(frozen=True)
class Spread:
    """All that intervals, tests and plans need of a run, or of the difference of two.

    Attributes
    ----------
    mean : float or ndarray
        Mean over all fits; an array where a stack of experiments is described.
    n_repeats, n_seeds, n_folds : int
        How often the folds were drawn, fits of each fold, and folds of one drawing.
    n_clusters : int
        Independent units: groups, or images where there are no groups.
    image_mean : float or ndarray
        Variance of `mean` over images, from influences averaged over all passes.
    image_repeat : float or ndarray
        The same of one repeat, averaged over its seeds.
    image_pass : float or ndarray
        The same of one pass, which is one repeat with one seed.
    ms_folds : float or ndarray
        Mean square between the folds of a repeat, of scores averaged over seeds.
    ms_seeds : float or ndarray
        Mean square between the seeds of a fold; NaN with one seed.
    effective_clusters : float, default=None
        How many clusters of equal size would be as good; None for `n_clusters`.
    """

    mean: Any
    n_repeats: int
    n_seeds: int
    n_folds: int
    n_clusters: int
    image_mean: Any
    image_repeat: Any
    image_pass: Any
    ms_folds: Any
    ms_seeds: Any
    effective_clusters: float | None = None

    @property
    def df_images(self) -> float:
        """Degrees of freedom of the variance over images."""
        n = self.n_clusters if self.effective_clusters is None else self.effective_clusters
        return max(n - 1, 1)

    @property
    def n_fits(self) -> int:
        """Number of trainings."""
        return self.n_repeats * self.n_seeds * self.n_folds

    @property
    def fit_noise(self) -> Any:
        """Variance over images of one pass that its seed's replacement would draw anew."""
        excess = np.subtract(self.image_pass, self.image_repeat)
        return np.maximum(excess, 0) * self.n_seeds / max(self.n_seeds - 1, 1)


def image_variance(influences: ArrayLike, sizes: ArrayLike | None = None) -> Any:
    r"""Return the variance of a mean over clusters from its influences.

    Parameters
    ----------
    influences : array-like of float, shape (n_clusters, ...)
        What each cluster contributes to the score less its share of it; they sum to 0.
    sizes : array-like of float, shape (n_clusters,), default=None
        Samples of each cluster; None for clusters of one size.

    Returns
    -------
    float or ndarray of shape (...)
        :math:`\frac{C-1}{C} \sum_c (u_c / (1 - h_c))^2` with the shares :math:`h_c` of the
        clusters; NaN with one cluster.

    Notes
    -----
    The sandwich variance as leaving out one cluster after the other gives it [1]_ [2]_, which
    large clusters do not make too small; for clusters of one size it is the usual
    :math:`\frac{C}{C-1} \sum_c u_c^2`, and with a cluster per image the out-of-fold variance of
    [3]_.

    References
    ----------
    .. [1] Cameron, A. C. and Miller, D. L. (2015). A practitioner's guide to cluster-robust
       inference. Journal of Human Resources 50, 317–372. https://doi.org/10.3368/jhr.50.2.317
    .. [2] MacKinnon, J. G., Nielsen, M. Ø. and Webb, M. D. (2023). Fast and reliable jackknife and
       bootstrap methods for cluster-robust inference. Journal of Applied Econometrics 38,
       671–694. https://doi.org/10.1002/jae.2969
    .. [3] Bayle, P., Bayle, A., Janson, L. and Mackey, L. (2020). Cross-validation confidence
       intervals for test error. NeurIPS. https://doi.org/10.48550/arXiv.2007.12671

    Examples
    --------
    >>> right = np.array([1, 1, 0, 1])
    >>> float(image_variance((right - right.mean()) / 4))  # the squared standard error
    0.0625
    """
    values = np.asarray(influences, dtype=float)
    n = len(values)
    if n < 2:
        return np.full(values.shape[1:], np.nan)[()]
    shares = np.full(n, 1 / n) if sizes is None else np.asarray(sizes, dtype=float)
    shares = (shares / shares.sum()).reshape(-1, *[1] * (values.ndim - 1))
    return ((values / (1 - shares)) ** 2).sum(axis=0) * (n - 1) / n


def spread_of(scores: ArrayLike, influences: ArrayLike, sizes: ArrayLike | None = None) -> Spread:
    r"""Measure what the scores of all fits varied with.

    Parameters
    ----------
    scores : array-like of float, shape (n_repeats, n_seeds, n_folds)
        A score per fit, or a difference of two runs' scores.
    influences : array-like of float, shape (n_clusters, n_repeats, n_seeds)
        What each cluster contributes to a pass's mean score, less its share of it.
    sizes : array-like of float, shape (n_clusters,), default=None
        Samples of each cluster; None for clusters of one size.

    Returns
    -------
    Spread

    Raises
    ------
    InputError
        If the shapes do not belong together, or there is one fold only.

    Notes
    -----
    Clusters of sizes :math:`n_c` count as :math:`(\sum n_c^2)^2 / \sum n_c^4` equal ones where
    what they have in common dominates, after [1]_.

    References
    ----------
    .. [1] Carter, A. V., Schnepel, K. T. and Steigerwald, D. G. (2017). Asymptotic behavior of a
       t-test robust to cluster heterogeneity. Review of Economics and Statistics 99, 698–709.
       https://doi.org/10.1162/REST_a_00639

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> spread = spread_of(rng.normal(size=(1, 1, 5)), rng.normal(size=(40, 1, 1)) / 40)
    >>> spread.n_fits, spread.n_clusters
    (5, 40)
    """
    values, u = np.asarray(scores, dtype=float), np.asarray(influences, dtype=float)
    if values.ndim != 3 or u.ndim != 3 or u.shape[1:] != values.shape[:2] or values.shape[2] < 2:
        raise InputError(
            "scores must have shape (n_repeats, n_seeds, n_folds) with two folds or more, and "
            f"influences (n_clusters, n_repeats, n_seeds), got {values.shape} and {u.shape}"
        )
    n_repeats, n_seeds, n_folds = values.shape
    has_seeds = n_seeds > 1
    return Spread(
        mean=float(values.mean()),
        n_repeats=n_repeats,
        n_seeds=n_seeds,
        n_folds=n_folds,
        n_clusters=len(u),
        image_mean=float(image_variance(u.mean(axis=(1, 2)), sizes)),
        image_repeat=float(image_variance(u.mean(axis=2), sizes).mean()),
        image_pass=float(image_variance(u, sizes).mean()),
        ms_folds=float(values.mean(axis=1).var(axis=1, ddof=1).mean()),
        ms_seeds=float(values.var(axis=1, ddof=1).mean()) if has_seeds else np.nan,
        effective_clusters=None if sizes is None else _effective(np.asarray(sizes, dtype=float)),
    )


def _effective(sizes: np.ndarray) -> float:
    return float((sizes**2).sum() ** 2 / (sizes**4).sum())
