"""Samples of a group are not independent: tests, bootstraps and sentences that know it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from made_runs import made_run

from cifar_sk.comparison import compare_runs, conclusion
from cifar_sk.comparison.bootstrap import class_f1_differences
from cifar_sk.comparison.tests import McNemarTest, SampleOutcomes
from cifar_sk.metrics.intervals import bootstrap_interval
from cifar_sk.reports.comparison.rows import comparison_tables


def grouped_outcomes(seed, n_groups=60, within=0.9, shift=0.0):
    """Draw who is right, where samples of a group of 1 to 9 are mostly alike."""
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 10, n_groups)
    groups = np.repeat(np.arange(n_groups), sizes)
    of_group = generator.random((2, n_groups))[:, groups]
    own = generator.random((2, len(groups)))
    is_alike = generator.random(len(groups)) < within
    drawn = np.where(is_alike, of_group, own) < np.array([[0.6], [0.6 + shift]])
    return SampleOutcomes(*drawn, groups)


@pytest.mark.parametrize("seed", range(3))
def test_clustered_mcnemar_is_cluster_robust_least_squares(seed):
    right = grouped_outcomes(seed, shift=0.1)
    found = McNemarTest()(right)
    difference = right.second.astype(float) - right.first
    fit = sm.OLS(difference, np.ones(len(difference))).fit(
        cov_type="cluster", cov_kwds={"groups": right.groups}, use_t=True
    )
    assert found.estimate == pytest.approx(fit.params[0])
    assert found.statistic == pytest.approx(fit.tvalues[0])
    assert found.p_value == pytest.approx(fit.pvalues[0])
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]))


def test_clustered_mcnemar_keeps_its_level_where_the_exact_test_does_not():
    drawn = [grouped_outcomes(seed) for seed in range(400)]
    clustered = np.mean([McNemarTest()(right).p_value < 0.05 for right in drawn])
    exact = np.mean([McNemarTest()(replace(right, groups=None)).p_value < 0.05 for right in drawn])
    assert exact > 0.2
    assert clustered < 0.085  # 5 %, three standard errors of 400 draws above


def test_what_groups_cannot_tell_is_not_tested():
    right, other = np.array([True, True, False, False]), np.array([True, False, False, False])
    one_group = McNemarTest()(SampleOutcomes(right, other, np.zeros(4, dtype=int)))
    assert one_group.estimate == -0.25
    assert np.isnan([one_group.low, one_group.p_value]).all()
    assert McNemarTest()(SampleOutcomes(right, right, np.arange(4) // 2)).p_value == 1


def test_groups_of_one_are_a_bootstrap_of_samples():
    generator = np.random.default_rng(1)
    correct = generator.integers(0, 3, 500)
    options = {"n_resamples": 20_000, "n_predicted": np.full(500, 2)}
    own = bootstrap_interval(np.zeros(500), correct, groups=np.arange(500), **options)
    plain = bootstrap_interval(np.zeros(500), correct, **options)
    assert own == pytest.approx(plain, abs=0.002)
    # Two copies of every sample tell no more than one.
    twice = bootstrap_interval(
        np.zeros(1000),
        np.tile(correct, 2),
        np.full(1000, 2),
        groups=np.tile(np.arange(500), 2),
        n_resamples=20_000,
    )
    assert twice == pytest.approx(plain, abs=0.002)


def test_class_intervals_over_groups_are_those_of_drawing_groups():
    generator = np.random.default_rng(2)
    groups = np.repeat(np.arange(40), generator.integers(1, 8, 40))
    target = (groups + generator.integers(0, 2, len(groups))) % 3
    wrong = generator.random((2, 40))[:, groups] < 0.4
    first, second = np.where(wrong, (target + 1) % 3, target)
    table = class_f1_differences(
        target, first[:, None], second[:, None], 3, groups=groups, n_resamples=3000
    )
    members = [np.flatnonzero(groups == group) for group in range(40)]
    draws = []
    for _ in range(1500):
        chosen = np.concatenate([members[group] for group in generator.integers(0, 40, 40)])
        counts = [
            np.bincount(3 * target[chosen] + p[chosen], minlength=9) for p in (first, second)
        ]
        tables = [count.reshape(3, 3) for count in counts]
        f1 = [2 * m.diagonal() / (m.sum(axis=0) + m.sum(axis=1)) for m in tables]
        draws.append(f1[1] - f1[0])
    expected = np.quantile(draws, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(table[["low", "high"]].to_numpy().T, expected, atol=0.03)
    plain = class_f1_differences(target, first[:, None], second[:, None], 3, n_resamples=10)
    columns = ["f1_first", "f1_second", "difference", "support"]
    assert table[columns].equals(plain[columns])


@pytest.mark.parametrize(("n_groups", "is_few"), [(40, True), (200, False)])
def test_a_comparison_says_that_groups_vary(n_groups, is_few):
    runs = [made_run(name, [0.5, 0.6], n_test=100, draw=draw) for draw, name in enumerate("ab")]
    groups = np.arange(200) % n_groups
    runs = [replace(run, result=replace(run.result, groups=groups)) for run in runs]
    comparison = compare_runs(runs, n_resamples=50)
    text = " ".join(conclusion(comparison))
    assert f"in its interval vary the {n_groups} groups of images, and training sets and" in text
    assert "(McNemar's test over groups, p" in text
    assert "bootstrap intervals over groups of images" in text
    assert ("With 40 groups, fewer than 50" in text) == is_few
    assert comparison.pair.spread.n_clusters == n_groups
    notes = {table.name: table.note for table in comparison_tables(comparison)}
    assert "vary the groups of images alone" in notes["samples"]
