r"""The Bayesian correlated t-test of a difference over folds.

With the prior of the paper (flat in mean and log precision) and a correlation between folds of
:math:`\rho = n_\text{test} / (n_\text{test} + n_\text{train})`, the mean difference has a Student
distribution with :math:`J - 1` degrees of freedom, location :math:`\bar d` and scale
:math:`s \sqrt{1/J + \rho / (1 - \rho)}`. As
:math:`\rho / (1 - \rho) = n_\text{test} / n_\text{train}`, that is the corrected t-test's own
standard error: the 95 % credible interval *is* the corrected interval. What the Bayesian test adds
is the probability of practical equivalence.

References
----------
Corani, G. and Benavoli, A. (2015). A Bayesian approach for comparing cross-validated algorithms on
multiple data sets. Machine Learning 100, 285–304. https://doi.org/10.1007/s10994-015-5486-z

Benavoli, A., Corani, G., Demšar, J. and Zaffalon, M. (2017). Time for a change: a tutorial for
comparing multiple classifiers through Bayesian analysis. JMLR 18 (77).
https://doi.org/10.48550/arXiv.1606.04316
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.comparison.tests.protocol import TESTS, Finding, FoldScores
from cifar_sk.errors import InputError
from cifar_sk.metrics.intervals import have_spread

__all__ = ["CorrelatedPosterior", "Verdict", "correlated_posterior"]


class Verdict(NamedTuple):
    """Probabilities that a difference lies below, in or above the region of equivalence."""

    below: float
    equivalent: float
    above: float


@dataclass(frozen=True)
class CorrelatedPosterior:
    """Student distribution of a mean difference; without spread over folds its scale is NaN."""

    location: float
    scale: float
    df: int

    def verdict(self, rope: float) -> Verdict:
        """Integrate it below, in and above ±`rope`."""
        from scipy.stats import t

        if not rope >= 0:
            raise InputError(f"rope must be 0 or more, got {rope}; 0.01 is usual for accuracies")
        if not self.scale > 0:
            return Verdict(np.nan, np.nan, np.nan)
        place = self.df, self.location, self.scale
        below, above = float(t.cdf(-rope, *place)), float(t.sf(rope, *place))
        return Verdict(below, float(t.cdf(rope, *place)) - below, above)

    def density(self, differences: np.ndarray) -> np.ndarray:
        """Return the density at some differences."""
        from scipy.stats import t

        return np.asarray(t.pdf(differences, self.df, self.location, self.scale))


def correlated_posterior(
    differences: ArrayLike, *, test_train_ratio: float
) -> CorrelatedPosterior:
    """Return what is known of the mean difference after the folds."""
    values = np.asarray(differences, dtype=float)
    n = len(values)
    scale = np.nan
    if have_spread(values):
        scale = float(values.std(ddof=1) * np.sqrt(1 / n + test_train_ratio))
    return CorrelatedPosterior(float(values.mean()), scale, n - 1)


@TESTS.register("bayesian")
class BayesianTest:
    """The Bayesian correlated t-test as an entry of `TESTS`."""

    title = "Bayesian correlated t-test"
    question = "How probable is a difference that matters, and how probable that none does?"
    needs = FoldScores

    def __call__(self, scores: FoldScores) -> Finding:
        """Integrate the posterior of the difference."""
        differences, ratio = scores.second - scores.first, scores.test_train_ratio
        test = corrected_paired_t_test(differences, test_train_ratio=ratio)
        posterior = correlated_posterior(differences, test_train_ratio=ratio)
        below, equivalent, above = posterior.verdict(scores.rope)
        first, second = (below, above) if scores.greater_is_better else (above, below)
        chances = {"p_first": first, "p_equivalent": equivalent, "p_second": second}
        return Finding(test.estimate, test.low, test.high, **chances)
