"""Tests of two classifiers on the same folds and the same samples.

Each asks a question of its own. The corrected t-test and the Bayesian correlated t-test ask about
the *training procedures*: would the difference come again with other training samples? McNemar's
test and the interval beside it take the *fitted models* as they are, and ask about other samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cifar_sk.errors import InputError
from cifar_sk.metrics.intervals import Interval, corrected_t_interval

__all__ = [
    "CorrelatedPosterior",
    "PairedTTest",
    "Verdict",
    "corrected_paired_t_test",
    "correlated_posterior",
    "exact_mcnemar_test",
    "holm",
    "paired_accuracy_interval",
]

# Differences of scores that are equal but for rounding have no spread to test with.
_ROUNDING = 1e-12


class PairedTTest(NamedTuple):
    """A test of the mean difference over folds.

    Attributes
    ----------
    estimate, low, high : float
        The mean difference and its interval, in the units of the score.
    statistic : float
        t.
    p_value : float
        Two-sided. With the bounds and t it is NaN where the folds' spread says nothing: fewer
        than two folds, the same difference in all, or an undefined one.
    """

    estimate: float
    low: float
    high: float
    statistic: float
    p_value: float


def corrected_paired_t_test(
    differences: ArrayLike, *, test_train_ratio: float, confidence: float = 0.95
) -> PairedTTest:
    r"""Nadeau–Bengio corrected resampled t-test.

    Parameters
    ----------
    differences : array-like of shape (J,)
        Difference of the scores in each fold, over all repeats.
    test_train_ratio : float
        Samples scored over samples trained on in one fold: 1 / (k - 1) in k-fold
        cross-validation.
    confidence : float, default=0.95
        Of the interval.

    Returns
    -------
    PairedTTest

    Raises
    ------
    InputError
        If `confidence` or `test_train_ratio` is out of range.

    Notes
    -----
    The statistic is :math:`t = \bar d \big/ s \sqrt{1/J + n_\text{test}/n_\text{train}}` with
    :math:`J - 1` degrees of freedom; see `cifar_sk.metrics.intervals.corrected_t_interval`,
    which gives the interval.

    References
    ----------
    Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning
    52, 239–281. https://doi.org/10.1023/A:1024068626366

    Bouckaert, R. R. and Frank, E. (2004). Evaluating the replicability of significance tests for
    comparing learning algorithms. PAKDD. https://doi.org/10.1007/978-3-540-24775-3_3
    (with repeats)

    Examples
    --------
    >>> test = corrected_paired_t_test([0.01, 0.03, 0.02, 0.04], test_train_ratio=1 / 3)
    >>> round(test.estimate, 3), round(test.p_value, 3)
    (0.025, 0.085)
    """
    from scipy.stats import t

    values = np.asarray(differences, dtype=float)
    interval = corrected_t_interval(
        values, test_train_ratio=test_train_ratio, confidence=confidence
    )
    if not _have_spread(values):
        return PairedTTest(interval.estimate, np.nan, np.nan, np.nan, np.nan)
    n = len(values)
    statistic = interval.estimate / (values.std(ddof=1) * np.sqrt(1 / n + test_train_ratio))
    return PairedTTest(*interval, float(statistic), float(2 * t.sf(abs(statistic), n - 1)))


class Verdict(NamedTuple):
    """Posterior probabilities that sum to 1.

    Attributes
    ----------
    below, equivalent, above : float
        That the difference lies below, in, and above the region of practical equivalence.
    """

    below: float
    equivalent: float
    above: float


@dataclass(frozen=True)
class CorrelatedPosterior:
    """What is known of the mean difference after the folds: a Student distribution.

    Attributes
    ----------
    location, scale : float
        In the units of the score; the scale is NaN where the folds' spread says nothing.
    df : int
        Degrees of freedom.
    """

    location: float
    scale: float
    df: int

    def verdict(self, rope: float) -> Verdict:
        """Integrate the posterior.

        Parameters
        ----------
        rope : float
            Half-width of the region of practical equivalence around 0.

        Returns
        -------
        Verdict
            All NaN without a scale.

        Raises
        ------
        InputError
            If `rope` is negative.

        Examples
        --------
        >>> verdict = CorrelatedPosterior(0.02, 0.01, 9).verdict(0.01)
        >>> [round(probability, 3) for probability in verdict]
        [0.007, 0.164, 0.828]
        """
        from scipy.stats import t

        if not rope >= 0:
            raise InputError(f"rope must be 0 or more, got {rope}; 0.01 is usual for accuracies")
        if not self.scale > 0:
            return Verdict(np.nan, np.nan, np.nan)
        place = self.df, self.location, self.scale
        below, above = float(t.cdf(-rope, *place)), float(t.sf(rope, *place))
        return Verdict(below, float(t.cdf(rope, *place)) - below, above)

    def density(self, differences: np.ndarray) -> np.ndarray:
        """Return the density at some differences.

        Parameters
        ----------
        differences : ndarray of float
            Where.

        Returns
        -------
        ndarray of float64
        """
        from scipy.stats import t

        return np.asarray(t.pdf(differences, self.df, self.location, self.scale))


def correlated_posterior(
    differences: ArrayLike, *, test_train_ratio: float
) -> CorrelatedPosterior:
    r"""Bayesian correlated t-test.

    Parameters
    ----------
    differences, test_train_ratio
        As for `corrected_paired_t_test`.

    Returns
    -------
    CorrelatedPosterior

    Notes
    -----
    With the prior of the paper (flat in mean and log precision) and a correlation between folds of
    :math:`\rho = n_\text{test} / (n_\text{test} + n_\text{train})`, the mean difference has a
    Student distribution with :math:`J - 1` degrees of freedom, location :math:`\bar d` and scale
    :math:`s \sqrt{1/J + \rho / (1 - \rho)}`. As
    :math:`\rho / (1 - \rho) = n_\text{test} / n_\text{train}`, that is the corrected t-test's own
    standard error: the 95 % credible interval *is* the corrected interval. What the Bayesian test
    adds is the probability of practical equivalence.

    References
    ----------
    Corani, G. and Benavoli, A. (2015). A Bayesian approach for comparing cross-validated
    algorithms on multiple data sets. Machine Learning 100, 285–304.
    https://doi.org/10.1007/s10994-015-5486-z

    Benavoli, A., Corani, G., Demšar, J. and Zaffalon, M. (2017). Time for a change: a tutorial
    for comparing multiple classifiers through Bayesian analysis. JMLR 18 (77).
    https://doi.org/10.48550/arXiv.1606.04316

    Examples
    --------
    >>> posterior = correlated_posterior([0.01, 0.03, 0.02, 0.04], test_train_ratio=1 / 3)
    >>> round(posterior.verdict(0.01).above, 3)
    0.887
    """
    values = np.asarray(differences, dtype=float)
    n = len(values)
    scale = np.nan
    if _have_spread(values):
        scale = float(values.std(ddof=1) * np.sqrt(1 / n + test_train_ratio))
    return CorrelatedPosterior(float(values.mean()), scale, n - 1)


def exact_mcnemar_test(only_first: int, only_second: int) -> float:
    """McNemar's test, exact.

    Parameters
    ----------
    only_first, only_second : int
        Samples that the one, or the other, classifier alone gets right.

    Returns
    -------
    float
        Two-sided p value that both are right equally often: the binomial test of the one count
        among both. 1 where there are none.

    Notes
    -----
    The samples must be independent: predictions of different repeats are for the same samples,
    so repeats are tested each on its own and never pooled. Out-of-fold predictions are those of
    several models, each trained on the samples that the others are scored on; of unstable
    learners this makes the test, and `paired_accuracy_interval`, a little too sure
    (``studies/benchmarks/comparison_tests.py`` measures it).

    References
    ----------
    McNemar, Q. (1947). Note on the sampling error of the difference between correlated
    proportions or percentages. Psychometrika 12, 153–157. https://doi.org/10.1007/BF02295996

    Dietterich, T. G. (1998). Approximate statistical tests for comparing supervised
    classification learning algorithms. Neural Computation 10, 1895–1923.
    https://doi.org/10.1162/089976698300017197

    Examples
    --------
    >>> round(exact_mcnemar_test(2, 9), 5)
    0.06543
    """
    from scipy.stats import binom

    n_discordant = only_first + only_second
    return float(min(1.0, 2 * binom.cdf(min(only_first, only_second), n_discordant, 0.5)))


def paired_accuracy_interval(
    only_first: int, only_second: int, n_samples: int, *, confidence: float = 0.95
) -> Interval:
    r"""Interval on the difference of two accuracies on the same samples, second minus first.

    Parameters
    ----------
    only_first, only_second : int
        As for `exact_mcnemar_test`.
    n_samples : int
        All samples.
    confidence : float, default=0.95
        Coverage asked for.

    Returns
    -------
    Interval
        Of these fitted models: what varies between training runs is not in it.

    Notes
    -----
    Bonett and Price's adjusted Wald interval: a Wald interval after one sample more of each kind,
    so with :math:`\tilde p_i = (n_i + 1) / (n + 2)` it is
    :math:`\tilde p_2 - \tilde p_1 \pm z \sqrt{(\tilde p_1 + \tilde p_2 - (\tilde p_2 -
    \tilde p_1)^2) / (n + 2)}`.

    References
    ----------
    Bonett, D. G. and Price, R. M. (2012). Adjusted Wald confidence interval for a difference of
    binomial proportions based on paired data. Journal of Educational and Behavioral Statistics
    37, 479–488. https://doi.org/10.3102/1076998611411915

    Examples
    --------
    >>> [round(bound, 3) for bound in paired_accuracy_interval(10, 20, 100)]
    [0.1, -0.009, 0.205]
    """
    from scipy.stats import norm

    first, second = (only_first + 1) / (n_samples + 2), (only_second + 1) / (n_samples + 2)
    centre = second - first
    variance = (first + second - centre**2) / (n_samples + 2)
    half_width = float(norm.ppf((1 + confidence) / 2) * np.sqrt(variance))
    estimate = (only_second - only_first) / n_samples
    return Interval(estimate, centre - half_width, centre + half_width)


def holm(p_values: ArrayLike) -> np.ndarray:
    """Correct p values for being many, by Holm's step-down procedure.

    Parameters
    ----------
    p_values : array-like of float, shape (m,)
        NaN counts as a test that was made, and stays NaN.

    Returns
    -------
    ndarray of float64, shape (m,)
        Each is at most 0.05 where the hypothesis is rejected with a probability of any false
        rejection of at most 0.05, however the tests depend on each other.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
    Journal of Statistics 6, 65–70. https://www.jstor.org/stable/4615733

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=float)
    m = len(values)
    order = np.argsort(values, kind="stable")  # NaN last
    steps = np.minimum(values[order] * (m - np.arange(m)), 1)
    adjusted = np.full(m, np.nan)
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted


def _have_spread(values: np.ndarray) -> bool:
    return len(values) > 1 and bool(np.ptp(values) > _ROUNDING)
