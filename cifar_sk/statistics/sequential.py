"""Looking at a growing experiment several times, at one error rate over all looks."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from cifar_sk.errors import InputError

__all__ = ["pocock_level"]

_POINTS = 48


@lru_cache(maxsize=256)
def pocock_level(n_looks: int, alpha: float = 0.05) -> float:
    r"""Return the level to test at in each of several looks, so that all together keep `alpha`.

    Parameters
    ----------
    n_looks : int
        How often the growing data are looked at, in equal steps.
    alpha : float, default=0.05
        The chance, over all looks, of a finding where there is nothing.

    Returns
    -------
    float
        To compare each look's two-sided p value with.

    Raises
    ------
    InputError
        If `n_looks` is below 1, or `alpha` not between 0 and 1.

    Notes
    -----
    Pocock's constant limit [1]_, by the recursive integration of [2]_: the statistics of the looks
    are sums of the first :math:`j` steps over :math:`\sqrt j`. Where later looks add less than an
    equal step, as repeats on the same images do, the looks are more alike and the level is safe.

    References
    ----------
    .. [1] Pocock, S. J. (1977). Group sequential methods in the design and analysis of clinical
       trials. Biometrika 64, 191–199. https://doi.org/10.1093/biomet/64.2.191
    .. [2] Armitage, P., McPherson, C. K. and Rowe, B. C. (1969). Repeated significance tests on
       accumulating data. Journal of the Royal Statistical Society A 132, 235–244.
       https://doi.org/10.2307/2343787

    Examples
    --------
    >>> round(pocock_level(1), 4), round(pocock_level(2), 4), round(pocock_level(10), 4)
    (0.05, 0.0294, 0.0106)
    """
    if n_looks < 1:
        raise InputError(f"n_looks must be at least 1, got {n_looks}")
    if not 0 < alpha < 1:
        raise InputError(f"alpha must lie between 0 and 1, got {alpha}; 0.05 is usual")
    if n_looks == 1:
        return alpha

    def excess(limit: float) -> float:
        return _crossing_chance(limit, n_looks) - alpha

    widest = float(norm.isf(alpha / (2 * n_looks)))  # Bonferroni's
    limit = brentq(excess, norm.isf(alpha / 2), widest, xtol=1e-8)
    return float(2 * norm.sf(limit))


def _crossing_chance(limit: float, n_looks: int) -> float:
    """Chance that a sum of normal steps leaves ±limit times the root of their number."""
    nodes, weights = np.polynomial.legendre.leggauss(_POINTS)
    reach = limit
    points, density = nodes * reach, norm.pdf(nodes * reach) * weights * reach
    for look in range(2, n_looks + 1):
        reach = limit * np.sqrt(look)
        following = nodes * reach
        arrived = norm.pdf(following[:, None] - points[None, :]) @ density
        points, density = following, arrived * weights * reach
    return float(1 - density.sum())
