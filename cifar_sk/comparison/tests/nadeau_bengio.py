r"""The Nadeau–Bengio corrected resampled t-test of a difference over folds.

Training sets of different folds overlap, so the statistic is
:math:`t = \bar d \big/ s \sqrt{1/J + n_\text{test}/n_\text{train}}` with :math:`J - 1` degrees of
freedom for the differences of :math:`J` folds.

References
----------
Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52,
239–281. https://doi.org/10.1023/A:1024068626366

Bouckaert, R. R. and Frank, E. (2004). Evaluating the replicability of significance tests for
comparing learning algorithms. PAKDD. https://doi.org/10.1007/978-3-540-24775-3_3 (with repeats)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cifar_sk.comparison.tests.protocol import TESTS, Finding, FoldScores
from cifar_sk.metrics.intervals import corrected_t_interval, have_spread

__all__ = ["corrected_paired_t_test"]


def corrected_paired_t_test(
    differences: ArrayLike, *, test_train_ratio: float, confidence: float = 0.95
) -> Finding:
    """Test whether the mean of the folds' differences is 0, two-sided."""
    from scipy.stats import t

    values = np.asarray(differences, dtype=float)
    interval = corrected_t_interval(
        values, test_train_ratio=test_train_ratio, confidence=confidence
    )
    if not have_spread(values):
        return Finding(interval.estimate)
    n = len(values)
    statistic = interval.estimate / (values.std(ddof=1) * np.sqrt(1 / n + test_train_ratio))
    return Finding(*interval, float(statistic), float(2 * t.sf(abs(statistic), n - 1)))


@TESTS.register("nadeau-bengio")
class NadeauBengioTest:
    """The corrected t-test as an entry of `TESTS`."""

    title = "Nadeau–Bengio corrected paired t-test"
    question = "Would the difference come again with other training samples?"
    needs = FoldScores

    def __call__(self, scores: FoldScores) -> Finding:
        """Test the differences over folds."""
        differences = scores.second - scores.first
        return corrected_paired_t_test(differences, test_train_ratio=scores.test_train_ratio)
