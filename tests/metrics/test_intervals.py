"""Intervals against scipy, binomial theory and numbers worked by hand."""

import numpy as np
import pytest
from scipy import stats

from cifar_sk.errors import InputError
from cifar_sk.metrics.intervals import bootstrap_interval, corrected_t_interval

SCORES = np.array([0.832, 0.843, 0.836, 0.842, 0.848])


def test_corrected_t_against_numbers_worked_by_hand():
    # Mean 2, variance 1, J = 3: half width = t(0.975, 2) * sqrt(1/3 + 1/2); t = 4.302653.
    interval = corrected_t_interval([1, 2, 3], test_train_ratio=1 / 2)
    half_width = 4.302653 * np.sqrt(5 / 6)
    np.testing.assert_allclose(interval, [2, 2 - half_width, 2 + half_width], rtol=1e-6)


def test_corrected_t_without_overlap_is_the_usual_t_interval():
    interval = corrected_t_interval(SCORES, test_train_ratio=1e-15)
    usual = stats.t.interval(0.95, 4, loc=SCORES.mean(), scale=stats.sem(SCORES))
    np.testing.assert_allclose(interval[1:], usual)


def test_corrected_t_inverts_the_corrected_resampled_t_test():
    # The null hypothesis at a bound has a p value of exactly 1 - confidence.
    interval = corrected_t_interval(SCORES, test_train_ratio=1 / 4, confidence=0.9)
    error = np.sqrt(SCORES.var(ddof=1) * (1 / 5 + 1 / 4))
    p_value = 2 * stats.t.sf((SCORES.mean() - interval.low) / error, df=4)
    assert p_value == pytest.approx(0.1)


def test_corrected_t_covers_the_mean_of_correlated_folds():
    # With the correlation n_test / (n_test + n_train) = 1/5 that the correction assumes.
    generator = np.random.default_rng(0)
    shared = generator.normal(scale=np.sqrt(0.2), size=(4000, 1))
    folds = shared + generator.normal(scale=np.sqrt(0.8), size=(4000, 5))
    bounds = np.array([corrected_t_interval(row, test_train_ratio=1 / 4) for row in folds])
    coverage = np.mean((bounds[:, 1] < 0) & (bounds[:, 2] > 0))
    assert coverage == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize("scores", [[], [0.5], [0.5, 0.5, 0.5], [0.1 + 0.2, 0.3, 0.3]])
def test_corrected_t_needs_two_folds_that_differ(scores):
    interval = corrected_t_interval(scores, test_train_ratio=0.25)
    assert np.isnan(interval.low)
    assert np.isnan(interval.high)


def test_undefined_score_makes_the_interval_undefined():
    assert np.isnan(corrected_t_interval([0.5, np.nan, 0.7], test_train_ratio=0.25)).all()


def test_bootstrap_agrees_with_binomial_theory():
    # One class: the number right is binomial, so the percentiles are its quantiles.
    right = np.arange(400) < 300
    interval = bootstrap_interval(np.zeros(400), right, n_resamples=50_000)
    expected = stats.binom.ppf([0.025, 0.975], 400, 0.75) / 400
    assert interval.estimate == 0.75
    np.testing.assert_allclose(interval[1:], expected, atol=1 / 400)


def test_bootstrap_agrees_with_scipy_on_two_strata():
    first, second = np.arange(60) < 54, np.arange(140) < 70
    target = np.repeat([0, 1], [60, 140])
    interval = bootstrap_interval(target, np.concatenate([first, second]), n_resamples=20_000)
    # scipy resamples each of several samples by itself: strata.
    reference = stats.bootstrap(
        (first, second),
        lambda a, b, axis: (a.sum(axis) + b.sum(axis)) / 200,
        n_resamples=4000,
        method="percentile",
        rng=0,
    ).confidence_interval
    np.testing.assert_allclose(interval[1:], reference, atol=0.006)


def test_bootstrap_resamples_samples_with_their_repeats():
    # Repeats that always agree carry no information beyond the first.
    right = np.arange(200) < 150
    once = bootstrap_interval(np.zeros(200), right)
    twice = bootstrap_interval(np.zeros(200), 2 * right, np.full(200, 2))
    assert twice == once


def test_bootstrap_leaves_out_samples_without_predictions():
    interval = bootstrap_interval([0, 0, 1, 1], [1, 0, 1, 0], [1, 0, 1, 0])
    assert interval == (1, 1, 1)
    assert np.isnan(bootstrap_interval([0], [0], [0])).all()


def test_bootstrap_is_seeded():
    right = np.arange(1000) % 3 > 0
    draw = [
        bootstrap_interval(np.zeros(1000), right, n_resamples=101, random_state=seed)
        for seed in (0, 0, 1)
    ]
    assert draw[0] == draw[1]
    assert draw[0] != draw[2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corrected_t_interval(SCORES, test_train_ratio=0), "test_train_ratio"),
        (lambda: corrected_t_interval(SCORES, test_train_ratio=1, confidence=95), "confidence"),
        (lambda: bootstrap_interval([0, 1], [1]), "equally long"),
        (lambda: bootstrap_interval([0], [2]), "n_correct"),
        (lambda: bootstrap_interval([0], [1], n_resamples=0), "n_resamples"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(InputError, match=message):
        call()
