r"""McNemar's exact test of the samples that one classifier alone gets right.

The samples must be independent: predictions of different repeats are for the same samples, so
repeats are tested each on its own and never pooled. Out-of-fold predictions are those of several
models, each trained on the samples that the others are scored on; of unstable learners this makes
the test, and the interval beside it, a little too sure (``studies/benchmarks/comparison_tests.py``
measures it).

The interval is Bonett and Price's: a Wald interval after one sample more of each kind, so with
:math:`\tilde p_i = (n_i + 1) / (n + 2)` it is :math:`\tilde p_2 - \tilde p_1 \pm z
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
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cifar_sk.comparison.tests.protocol import TESTS, Finding, SampleOutcomes
from cifar_sk.metrics.intervals import Interval

__all__ = ["exact_mcnemar_test", "mcnemar_table", "paired_accuracy_interval"]


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


@TESTS.register("mcnemar")
class McNemarTest:
    """McNemar's exact test, with the interval on the difference, as an entry of `TESTS`."""

    title = "McNemar's exact test"
    question = "Would these fitted models be right equally often on other samples?"
    needs = SampleOutcomes

    def __call__(self, right: SampleOutcomes) -> Finding:
        """Test the samples that one run alone gets right."""
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


def mcnemar_table(outcomes: list[SampleOutcomes]) -> pd.DataFrame:
    """Count who is right, and test it, in each repeat on its own; columns as in mcnemar.csv."""
    rows = []
    for repeat, right in enumerate(outcomes):
        found = McNemarTest()(right)
        test = {"low": found.low, "high": found.high, "p_value": found.p_value}
        rows.append({"repeat": repeat, **_counts(right), "difference": found.estimate, **test})
    return pd.DataFrame(rows)
