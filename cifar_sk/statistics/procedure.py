r"""An interval for the expected score of a training procedure, and the test that belongs to it.

The half-width puts two parts together, :math:`\sqrt{h_\text{images}^2 + h_\text{fits}^2}` [1]_:

- *images*: what belongs to the images themselves, which further repeats and seeds do not average
  out: a t quantile with :math:`C - 1` degrees of freedom of :math:`C` clusters;
- *fits*: the spread between fits, as a t interval over them. With one seed these are the folds
  (:math:`K - 1` degrees of freedom for each repeat); their spread holds the images of a fold, the
  training set and the seed together. With several seeds it is the spread between the seeds of a
  fold, which has no images in it and many degrees of freedom; that of the folds is used instead
  where it is larger than images and seeds explain (F test, 10 %).

The spread of a few fits can be small by chance, even 0. The images alone set a floor to it: the
interval is never narrower than a share of theirs, the largest that keeps the coverage of a 95 %
interval at 96.5 % where the images are all there is: 0.77 of it with 5 folds.

The model behind it has one limit: that another draw of images may shift the training of *all*
folds alike cannot be seen in one data set [2]_. For learners that are stable it does not matter
[3]_; for deep trees on few images it does, and the corrected t interval is wider for its sake.

References
----------
.. [1] Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a
   general approach. Statistics in Medicine 27, 1693–1702. https://doi.org/10.1002/sim.3095
.. [2] Bengio, Y. and Grandvalet, Y. (2004). No unbiased estimator of the variance of K-fold
   cross-validation. JMLR 5, 1089–1105. https://jmlr.org/papers/v5/grandvalet04a.html
.. [3] Bayle, P., Bayle, A., Janson, L. and Mackey, L. (2020). Cross-validation confidence
   intervals for test error. NeurIPS. https://doi.org/10.48550/arXiv.2007.12671
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import chi2, f, norm, t

from cifar_sk.errors import InputError
from cifar_sk.statistics.spread import Spread

__all__ = ["fits_part", "half_width", "p_value", "procedure_interval", "uses_folds"]

_USUAL = float(norm.ppf(0.975))
_HIGHEST = 0.965  # coverage of a 95 % interval where the images are all there is
_TRAINING_LEVEL = 0.1


def half_width(spread: Spread, confidence: float = 0.95) -> Any:
    """Return half the width of the interval for the procedure's expected score.

    Parameters
    ----------
    spread : Spread
        Of a run, or of the difference of two.
    confidence : float, default=0.95
        Between 0 and 1.

    Returns
    -------
    float or ndarray
        In units of the score.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, got {confidence}; 0.95 is usual")
    images, fits, floor, df = fits_part(spread)
    upper = (1 + confidence) / 2
    # A seed's degrees of freedom and a fold's differ, so a stack of experiments may hold both.
    half_fits = np.maximum(
        t.ppf(upper, df) * np.sqrt(fits), norm.ppf(upper) * _floor_shares(df) * np.sqrt(floor)
    )
    half_images = t.ppf(upper, spread.df_images) * np.sqrt(images)
    return np.hypot(half_images, half_fits)[()]


def fits_part(spread: Spread) -> tuple[Any, Any, Any, Any]:
    """Split the variance of a mean: images alone, fits, the least of fits, degrees of freedom."""
    r, s, k = spread.n_repeats, spread.n_seeds, spread.n_folds
    # With one seed, the spread between folds holds that of one repeat's images.
    by_folds = spread.ms_folds / (r * k)
    floor = np.divide(spread.image_repeat, r)
    images = np.maximum(spread.image_mean - floor, 0)
    if s == 1:
        return images, by_folds, floor, r * (k - 1)
    seed_floor = spread.fit_noise / (r * s)
    seed_images = np.maximum(spread.image_mean - seed_floor, 0)
    by_seeds = spread.ms_seeds / (r * s * k)
    folds = uses_folds(spread)
    return (
        np.where(folds, images, seed_images),
        np.where(folds, by_folds, by_seeds),
        np.where(folds, floor, seed_floor),
        np.where(folds, r * (k - 1), r * k * (s - 1)),
    )


def uses_folds(spread: Spread) -> Any:
    """Say whether folds differ by more than their images and seeds explain."""
    r, s, k = spread.n_repeats, spread.n_seeds, spread.n_folds
    if s == 1:
        return True
    by_seeds = np.maximum(spread.ms_seeds / (s * k), spread.fit_noise / s)
    explained = np.maximum(spread.image_repeat - spread.fit_noise / s, 0) + by_seeds
    limit = f.ppf(1 - _TRAINING_LEVEL, r * (k - 1), r * k * (s - 1))
    return spread.ms_folds / k > limit * explained


def _floor_shares(df: Any) -> Any:
    values = np.asarray(df)
    found = np.empty(values.shape)
    for value in np.unique(values):
        found[values == value] = _floor_share(int(value))
    return found


@lru_cache(maxsize=256)
def _floor_share(df: int) -> float:
    """Return the share of the images' own 95 % interval that leaves coverage at 96.5 %."""
    chance = (np.arange(400) + 0.5) / 400
    by_fits = np.sqrt(chi2.ppf(chance, df) / df) * t.ppf(0.975, df)

    def excess(share: float) -> float:
        floor = np.maximum(share * _USUAL, by_fits)
        return float((2 * norm.cdf(floor) - 1).mean()) - _HIGHEST

    return 1.0 if excess(1) <= 0 else float(brentq(excess, 0, 1))


def procedure_interval(
    spread: Spread,
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[Any, Any]:
    r"""Return the bounds of the interval for the expected score of the training procedure.

    Parameters
    ----------
    spread : Spread
        Of one run.
    confidence : float, default=0.95
        Between 0 and 1.
    bounds : tuple of float, default=(-inf, inf)
        The metric's range. With two finite bounds the interval is made on the logit scale, with a
        lower one on the log scale, and carried back, so that it stays inside.

    Returns
    -------
    low, high : float or ndarray
        NaN where the spread is not known; arrays of a stack of experiments.

    Notes
    -----
    A half-width :math:`h` at :math:`m` becomes :math:`h g'(m)` on the scale :math:`g` (the delta
    method). At a bound itself that scale ends: where all :math:`C` clusters are at a bound, the
    interval reaches from it by :math:`1 - (\alpha/2)^{1/C}` of the range [1]_.

    References
    ----------
    .. [1] Clopper, C. J. and Pearson, E. S. (1934). The use of confidence or fiducial limits
       illustrated in the case of the binomial. Biometrika 26, 404–413.
       https://doi.org/10.1093/biomet/26.4.404

    Examples
    --------
    >>> same = Spread(0.98, 1, 1, 5, 400, 5e-5, 5e-5, 5e-5, 1e-3, np.nan)
    >>> low, high = procedure_interval(same, bounds=(0, 1))
    >>> round(low, 3), round(high, 3)
    (0.869, 0.997)
    """
    low, high = bounds
    mean, half = np.asarray(spread.mean, dtype=float), half_width(spread, confidence)
    if not np.isfinite(low):
        ends = mean - half, mean + half
    elif not np.isfinite(high):
        above = np.where(mean > low, mean - low, np.nan)
        factor = np.exp(half / above)
        ends = low + above / factor, low + above * factor
    else:
        reach = 1 - ((1 - confidence) / 2) ** (1 / spread.n_clusters)
        shares = _on_logits((mean - low) / (high - low), half / (high - low), reach)
        ends = low + (high - low) * shares[0], low + (high - low) * shares[1]
    lowest, highest = (np.where(np.isfinite(half), end, np.nan) for end in ends)
    return (lowest, highest) if mean.ndim else (lowest.item(), highest.item())


def _on_logits(share: np.ndarray, half: Any, reach: float) -> tuple[Any, Any]:
    """Carry a half-width to the logit scale and back; at 0 and 1 it reaches inwards."""
    is_inside = (share > 0) & (share < 1)
    inside = np.where(is_inside, share, 0.5)
    step, centre = half / (inside * (1 - inside)), np.log(inside / (1 - inside))
    low = np.where(share <= 0, 0.0, 1 - reach)
    high = np.where(share <= 0, reach, 1.0)
    return (
        np.where(is_inside, expit(centre - step), low),
        np.where(is_inside, expit(centre + step), high),
    )


def p_value(spread: Spread) -> float:
    """Return the two-sided p value that the expected score, or difference, is 0.

    It is the level at which `half_width` ends at 0, so it is below 0.05 exactly where the 95 %
    interval leaves 0 out. NaN where nothing varied.
    """
    distance = abs(float(spread.mean))
    least = 1e-12
    if not half_width(spread, 0.5) > 0:
        return np.nan
    if distance <= half_width(spread, least):
        return 1.0
    if distance >= half_width(spread, 1 - least):
        return least

    # On the scale of normal quantiles the half-width is nearly a straight line.
    def gap(z: float) -> float:
        return float(half_width(spread, float(2 * norm.cdf(z) - 1))) - distance

    z = brentq(gap, norm.ppf(0.5 + least / 2), norm.ppf(1 - least / 2), xtol=1e-9)
    return float(2 * norm.sf(z))
