r"""McNemar's test of the samples that one classifier alone gets right.

It is about *these fitted models*. Trained once more they would get other samples right, which the
test does not count: read as a claim about the procedures it finds differences that are none in up
to 74 % of comparisons (``studies/benchmarks/intervals.py`` measures it). Predictions of
different repeats are for the same samples, so repeats are tested each on its own and never pooled.

Samples must be independent, or else their groups known. With groups, the unit is the group: of
:math:`s_g`, the samples of group :math:`g` that the second run alone gets right less those that
the first alone does, and :math:`n_g` samples, the difference :math:`d = \sum s_g / n` has the
variance :math:`\frac{G}{G-1} \sum_g (s_g - n_g d)^2 / n^2`, and a t distribution with
:math:`G - 1` degrees of freedom. Durkalski et al. (2003) and Obuchowski (1998) have the same sums
under the null hypothesis, :math:`d = 0`; here the test and the interval are one.

Without groups the test is exact, and the interval Bonett and Price's: a Wald interval after one
sample more of each kind, so with :math:`\tilde p_i = (n_i + 1) / (n + 2)` it is
:math:`\tilde p_2 - \tilde p_1 \pm z
\sqrt{(\tilde p_1 + \tilde p_2 - (\tilde p_2 - \tilde p_1)^2) / (n + 2)}`.

References
----------
McNemar, Q. (1947). Note on the sampling error of the difference between correlated proportions or
percentages. Psychometrika 12, 153–157. https://doi.org/10.1007/BF02295996

Dietterich, T. G. (1998). Approximate statistical tests for comparing supervised classification
learning algorithms. Neural Computation 10, 1895–1923. https://doi.org/10.1162/089976698300017197

Bonett, D. G. and Price, R. M. (2012). Adjusted Wald confidence interval for a difference of
binomial proportions based on paired data. Journal of Educational and Behavioral Statistics 37,
479–488. https://doi.org/10.3102/1076998611411915

Durkalski, V. L., Palesch, Y. Y., Lipsitz, S. R. and Rust, P. F. (2003). Analysis of clustered
matched-pair data. Statistics in Medicine 22, 2417–2428. https://doi.org/10.1002/sim.1438

Obuchowski, N. A. (1998). On the comparison of correlated proportions for clustered data.
Statistics in Medicine 17, 1495–1507.
https://doi.org/10.1002/(SICI)1097-0258(19980715)17:13<1495::AID-SIM863>3.0.CO;2-I
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cifar_sk.comparison.tests.protocol import TESTS, Finding, SampleOutcomes
from cifar_sk.metrics.intervals import Interval
from cifar_sk.statistics import image_variance

__all__ = [
    "clustered_mcnemar_test",
    "exact_mcnemar_test",
    "mcnemar_table",
    "paired_accuracy_interval",
]


def exact_mcnemar_test(only_first: int, only_second: int) -> float:
    """Return the two-sided p value that two classifiers alone are right equally often."""
    from scipy.stats import binom

    n_discordant = only_first + only_second
    return float(min(1.0, 2 * binom.cdf(min(only_first, only_second), n_discordant, 0.5)))


def paired_accuracy_interval(
    only_first: int, only_second: int, n_samples: int, *, confidence: float = 0.95
) -> Interval:
    """Return the interval on the difference of two accuracies on the same samples."""
    from scipy.stats import norm

    first, second = (only_first + 1) / (n_samples + 2), (only_second + 1) / (n_samples + 2)
    centre = second - first
    variance = (first + second - centre**2) / (n_samples + 2)
    half_width = float(norm.ppf((1 + confidence) / 2) * np.sqrt(variance))
    estimate = (only_second - only_first) / n_samples
    return Interval(estimate, centre - half_width, centre + half_width)


def clustered_mcnemar_test(
    first: np.ndarray, second: np.ndarray, groups: np.ndarray, *, confidence: float = 0.95
) -> Finding:
    """Test the difference of two accuracies on samples of which those of a group are alike."""
    from scipy.stats import t

    difference = second.astype(np.int64) - first
    estimate = float(difference.mean())
    _, group = np.unique(groups, return_inverse=True)
    sums = np.bincount(group, weights=difference - estimate) / len(difference)
    df = len(sums) - 1
    error = float(np.sqrt(image_variance(sums)))
    if not difference.any():
        return Finding(estimate, p_value=1.0)
    if not error > 0:  # of one group, or of groups that all say the same
        return Finding(estimate)
    half_width = float(t.ppf((1 + confidence) / 2, df)) * error
    statistic = estimate / error
    p_value = float(2 * t.sf(abs(statistic), df))
    return Finding(estimate, estimate - half_width, estimate + half_width, statistic, p_value)


@TESTS.register("mcnemar")
class McNemarTest:
    """McNemar's test, with the interval on the difference, as an entry of `TESTS`."""

    title = "McNemar's test"
    question = (
        "Would these fitted models be right equally often on other samples? (exact, or over "
        "groups where samples have them; not about training once more)"
    )
    needs = SampleOutcomes

    def __call__(self, right: SampleOutcomes) -> Finding:
        """Test the samples that one run alone gets right."""
        if right.groups is not None:
            return clustered_mcnemar_test(right.first, right.second, right.groups)
        _, only_first, only_second, _ = _counts(right).values()
        interval = paired_accuracy_interval(only_first, only_second, len(right.first))
        return Finding(*interval, p_value=exact_mcnemar_test(only_first, only_second))


def _counts(right: SampleOutcomes) -> dict[str, int]:
    held = {
        "both": right.first & right.second,
        "only_first": right.first & ~right.second,
        "only_second": right.second & ~right.first,
        "neither": ~right.first & ~right.second,
    }
    return {name: int(samples.sum()) for name, samples in held.items()}


def mcnemar_table(outcomes: list[SampleOutcomes], n_seeds: int = 1) -> pd.DataFrame:
    """Count who is right, and test it, in each pass on its own; columns as in mcnemar.csv."""
    rows = []
    for place, right in enumerate(outcomes):
        repeat, seed = divmod(place, n_seeds)
        labels = {"repeat": repeat} | ({"seed": seed} if n_seeds > 1 else {})
        found = McNemarTest()(right)
        test = {"low": found.low, "high": found.high, "p_value": found.p_value}
        rows.append({**labels, **_counts(right), "difference": found.estimate, **test})
    return pd.DataFrame(rows)
