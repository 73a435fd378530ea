"""What the simulation of the comparison's tests knows, and what it counts."""

import numpy as np
import pandas as pd
import pytest

from studies.benchmarks.comparison_tests import (
    N_FEATURES,
    Setting,
    draw,
    fit,
    folds_of,
    grouping,
    simulate,
    stratified_folds,
    summary,
    true_accuracy,
)


@pytest.mark.parametrize("learner", ["fixed", "linear"])
def test_the_true_accuracy_of_a_rule_is_that_on_many_samples(learner):
    setting, rng = Setting(learner, 60, 5, signals=(0.2, 0.5)), np.random.default_rng(0)
    half = slice(N_FEATURES, None)
    X, y = draw(setting, 60, rng)
    weights, rule = fit(learner, X[:, half], y, rng)
    further = draw(setting, 400_000, rng)
    measured = true_accuracy(None, rule, 0.5, half, further)
    assert true_accuracy(weights, rule, 0.5, half, None) == pytest.approx(measured, abs=0.004)


def test_folds_are_stratified_and_cover_every_sample_once():
    y = np.repeat([-1, 1], [30, 20])
    folds = stratified_folds(y, 5, np.random.default_rng(0))
    assert sorted(np.concatenate(folds)) == list(range(50))
    assert [np.bincount(y[fold] + 1).tolist() for fold in folds] == [[6, 0, 4]] * 5


def test_groups_are_of_one_class_in_one_fold_and_alike():
    setting = Setting("fixed", 100, 5, groups=(2, 8), correlation=0.9)
    rng = np.random.default_rng(0)
    X, y = draw(setting, 100, rng)
    group = grouping(setting)
    assert np.bincount(group).tolist() == [2, 8] * 10
    folds = folds_of(setting, y, rng)
    assert sorted(np.concatenate(folds)) == list(range(100))
    of_fold = [set(group[fold]) for fold in folds]
    assert sum(map(len, of_fold)) == len(set.union(*of_fold)) == 20
    assert all(np.ptp(y[group == g]) == 0 for g in range(20))
    within = X - y[:, None] * 0.35
    of_large = within.reshape(10, 10, -1)[:, 2:]
    assert of_large.var(axis=1).mean() == pytest.approx(0.1 * 7 / 8, rel=0.2)
    assert X.var() == pytest.approx(1 + 0.35**2, rel=0.2)


def test_noise_moves_the_accuracy_of_a_fit_by_its_standard_deviation():
    setting, rng = Setting("fixed", 100, 5, noise=0.01), np.random.default_rng(0)
    half = slice(0, N_FEATURES)
    weights, rule = fit("fixed", *draw(setting, 100, rng), rng)
    weights = weights[[0, 1, 2, 3, 4, -1]]
    shifts = setting.margin_noise * rng.standard_normal(4000)
    found = [true_accuracy(weights, rule, 0.35, half, None, shift) for shift in shifts]
    assert np.std(found) == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("learner", ["fixed", "tree"])
def test_a_simulation_gives_every_method_its_row(learner):
    found = simulate(Setting(learner, 40, 4, 2), 3, np.random.default_rng(0))
    table = summary(Setting(learner, 40, 4, 2), found)
    assert len(table) == 8
    assert (table["true_difference"] == 0).all()
    assert table["covers"].notna().sum() == 5


METHODS = ("naive", "corrected", "paired", "procedure", "clustered")
LOWS = [f"{name}_low" for name in METHODS]
HIGHS = [f"{name}_high" for name in METHODS]


def test_rates_count_rejections_and_coverage_by_the_methods_own_truth():
    found = pd.DataFrame(
        {
            "truth_of_models": [0.3, 0.1],
            **{key: [0.04, 0.06] for key in ("naive_p", "corrected_p", "mcnemar_p")},
            "clustered_p": [0.04, 0.06],
            **{key: [0.96, np.nan] for key in ("bayes_better", "bayes_better_rope_0")},
            "bayes_equivalent": [0.0, 0.0],
            **{key: [0.25, 0.05] for key in LOWS},
            **{key: [0.35, 0.15] for key in HIGHS},
        }
    )
    unequal = summary(Setting("linear", 40, 4, signals=(0.1, 0.2)), found).set_index("method")
    assert unequal.loc["corrected t", "true_difference"] == pytest.approx(0.2)
    assert unequal.loc["corrected t", "rejects"] == 0.5
    assert unequal.loc["corrected t", "covers"] == 0  # of the procedures: 0.2
    assert unequal.loc["procedure", "rejects"] == 1  # both intervals leave 0 out
    assert unequal.loc["McNemar", "covers"] == 1  # of each data set's own models
    equal = summary(Setting("linear", 40, 4), found).set_index("method")
    assert equal.loc["naive t", "covers"] == 0
