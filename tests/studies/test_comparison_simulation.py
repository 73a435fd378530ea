"""What the simulation of the comparison's tests knows, and what it counts."""

import numpy as np
import pandas as pd
import pytest

from studies.benchmarks.comparison_tests import (
    N_FEATURES,
    Setting,
    draw,
    fit,
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


@pytest.mark.parametrize("learner", ["fixed", "tree"])
def test_a_simulation_gives_every_method_its_row(learner):
    found = simulate(Setting(learner, 40, 4, 2), 3, np.random.default_rng(0))
    table = summary(Setting(learner, 40, 4, 2), found)
    assert len(table) == 6
    assert (table["true_difference"] == 0).all()
    assert table["covers"].notna().sum() == 3


def test_rates_count_rejections_and_coverage_by_the_methods_own_truth():
    found = pd.DataFrame(
        {
            "truth_of_models": [0.3, 0.1],
            **{key: [0.04, 0.06] for key in ("naive_p", "corrected_p", "mcnemar_p")},
            **{key: [0.96, np.nan] for key in ("bayes_better", "bayes_better_rope_0")},
            "bayes_equivalent": [0.0, 0.0],
            **{key: [0.25, 0.05] for key in ("naive_low", "corrected_low", "paired_low")},
            **{key: [0.35, 0.15] for key in ("naive_high", "corrected_high", "paired_high")},
        }
    )
    unequal = summary(Setting("linear", 40, 4, signals=(0.1, 0.2)), found).set_index("method")
    assert unequal.loc["corrected t", "true_difference"] == pytest.approx(0.2)
    assert unequal.loc["corrected t", "rejects"] == 0.5
    assert unequal.loc["corrected t", "covers"] == 0  # of the procedures: 0.2
    assert unequal.loc["McNemar", "covers"] == 1  # of each data set's own models
    equal = summary(Setting("linear", 40, 4), found).set_index("method")
    assert equal.loc["naive t", "covers"] == 0
