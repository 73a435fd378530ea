"""Intervals, tests, components and plans against SciPy, published tables and known truth."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from cifar_sk.errors import InputError
from cifar_sk.statistics import (
    Spread,
    Variances,
    half_width,
    image_variance,
    p_value,
    plan,
    pocock_level,
    procedure_interval,
    shared_test_component,
    spread_of,
    uses_folds,
    variance_components,
)
from cifar_sk.statistics.power import draw_spreads


def simulate(rng, n=600, shape=(1, 1, 5), training=0.0, seed=0.0, difficulty=0.15):
    """Right or wrong by image, in every pass; the truth is 0.7."""
    r, s, k = shape
    own = rng.normal(0, difficulty, n)
    scores, parts = np.empty(shape), np.empty((n, r, s))
    for repeat in range(r):
        fold = rng.permutation(n) % k
        shift = rng.normal(0, training, k)
        for pass_ in range(s):
            chance = 0.7 + own + (shift + rng.normal(0, seed, k))[fold]
            right = (rng.random(n) < chance).astype(float)
            mean = np.bincount(fold, right) / np.bincount(fold)
            scores[repeat, pass_] = mean
            parts[:, repeat, pass_] = (right - mean[fold]) / n
    return spread_of(scores, parts)


def test_the_variance_over_images_is_the_squared_standard_error():
    values = np.random.default_rng(0).normal(size=50)
    found = image_variance((values - values.mean()) / 50)
    assert found == pytest.approx(stats.sem(values) ** 2)
    assert np.isnan(image_variance([0.0]))


def test_where_folds_vary_more_than_images_it_is_the_t_interval_over_folds():
    scores = np.array([0.70, 0.75, 0.71, 0.69, 0.74])
    spread = spread_of(scores.reshape(1, 1, 5), np.full((100, 1, 1), 1e-6))
    usual = stats.ttest_1samp(scores, 0).confidence_interval()
    assert scores.mean() - half_width(spread) == pytest.approx(usual.low)
    moved = replace(spread, mean=0.03)
    assert p_value(moved) == pytest.approx(
        stats.ttest_1samp(scores - scores.mean() + 0.03, 0).pvalue, rel=1e-4
    )


@pytest.mark.parametrize("shape", [(1, 1, 5), (1, 3, 5), (3, 1, 4), (2, 2, 3)])
def test_p_values_and_intervals_agree(shape):
    spread = simulate(np.random.default_rng(1), shape=shape, seed=0.01)
    half = half_width(spread)
    assert p_value(replace(spread, mean=0.999 * half)) > 0.05
    assert p_value(replace(spread, mean=-1.001 * half)) < 0.05
    assert p_value(replace(spread, mean=0.0)) == pytest.approx(1)


def test_identical_folds_leave_an_interval_as_wide_as_images_make_it():
    right = np.tile([1.0, 1, 0, 1], 100)
    parts = ((right - 0.75) / 400).reshape(-1, 1, 1)
    spread = spread_of(np.full((1, 1, 5), 0.75), parts)
    low, high = procedure_interval(spread, bounds=(0, 1))
    usual = stats.sem(right)
    assert 1.2 * usual < half_width(spread) < 2 * usual
    assert 0 < low < 0.75 < high < 1


@pytest.mark.parametrize(("mean", "low", "high"), [(1.0, 0.955, 1.0), (0.0, 0.0, 0.045)])
def test_at_a_bound_the_interval_is_clopper_and_pearsons(mean, low, high):
    spread = Spread(mean, 1, 1, 5, 80, 0.0, 0.0, 0.0, 0.0, np.nan)
    exact = stats.binomtest(int(80 * mean), 80).proportion_ci()
    found = procedure_interval(spread, bounds=(0, 1))
    assert found == pytest.approx((exact.low, exact.high))
    assert found == pytest.approx((low, high), abs=5e-4)


def test_intervals_stay_inside_a_metrics_range():
    wide = Spread(0.97, 1, 1, 3, 30, 1e-3, 1e-3, 1e-3, 1e-2, np.nan)
    low, high = procedure_interval(wide, bounds=(0, 1))
    assert 0 < low < 0.97 < high < 1
    low, high = procedure_interval(replace(wide, mean=0.1), bounds=(0, np.inf))
    assert 0 < low < 0.1 < high
    low, high = procedure_interval(replace(wide, mean=-0.9), bounds=(-1, 1))
    assert -1 < low < -0.9 < high < 1


@pytest.mark.parametrize(
    ("shape", "training", "seed"),
    [((1, 1, 5), 0, 0), ((1, 1, 5), 0, 0.03), ((1, 3, 5), 0, 0.03), ((4, 1, 5), 0, 0.02)],
)
def test_intervals_cover_the_truth_about_as_often_as_they_say(shape, training, seed):
    rng = np.random.default_rng(2)
    spreads = [simulate(rng, 400, shape, training, seed) for _ in range(400)]
    covered = np.mean([abs(s.mean - 0.7) <= half_width(s) for s in spreads])
    assert 0.92 <= covered <= 0.985  # ± 2.5 standard errors of 400 repetitions around .93 to .97


def test_the_variance_of_a_mean_adds_up():
    rng = np.random.default_rng(3)
    variances = Variances(image=0.2, image_noise=0.15, training=4e-4, seed=9e-4, n_clusters=900)
    drawn = draw_spreads(variances, (2, 3, 5), 900, 0.0, rng, 20_000)
    measured = Variances.of(
        replace(
            drawn,
            mean=0.0,
            ms_folds=float(drawn.ms_folds.mean()),
            ms_seeds=float(drawn.ms_seeds.mean()),
        )
    )
    assert measured.training == pytest.approx(4e-4, rel=0.05)
    assert measured.seed == pytest.approx(9e-4, rel=0.05)
    assert measured.image_noise == pytest.approx(0.15)
    assert drawn.mean.var() == pytest.approx(
        0.05 / 900 + 0.15 / 900 / 6 + 4e-4 / 10 + 9e-4 / 30, rel=0.05
    )


def test_components_are_those_that_the_simulation_put_in():
    rng = np.random.default_rng(4)
    tables = [
        variance_components(simulate(rng, 2_000, (1, 4, 10), 0.03, 0.02)).set_index("source")
        for _ in range(30)
    ]
    variance = {name: np.mean([t["sd"][name] ** 2 for t in tables]) for name in tables[0].index}
    assert variance["training sets"] == pytest.approx(9e-4, rel=0.3)
    assert variance["seeds"] == pytest.approx(4e-4, rel=0.3)
    assert variance["images"] == pytest.approx(0.7 * 0.3 / 2_000, rel=0.1)
    inside = [t["low"]["seeds"] <= 0.02 <= t["high"]["seeds"] for t in tables]
    assert np.mean(inside) > 0.8
    assert tables[0]["share"].sum() == pytest.approx(1)


def test_training_sets_join_in_where_folds_differ_by_more_than_seeds_explain():
    rng = np.random.default_rng(5)
    with_training = simulate(rng, 5_000, (1, 3, 5), training=0.05, seed=0.005)
    without = simulate(rng, 5_000, (1, 3, 5), training=0.0, seed=0.005)
    assert uses_folds(with_training)
    assert not uses_folds(without)
    assert half_width(with_training) > 3 * half_width(without)


def test_models_on_one_test_split_vary_by_their_own_spread():
    rng = np.random.default_rng(6)
    quality = rng.normal(0, 0.02, 40)
    chance = 0.7 + rng.normal(0, 0.1, 3_000)[:, None] + quality
    right = (rng.random(chance.shape) < chance).astype(float)
    row = shared_test_component(right.mean(axis=0), (right - right.mean(axis=0)) / 3_000)
    assert row["low"] < 0.02 < row["high"]
    assert row["sd"] == pytest.approx(0.02, rel=0.35)


# Pocock (1977), table 1: nominal levels for an overall level of 0.05.
@pytest.mark.parametrize(
    ("looks", "level"), [(2, 0.0294), (3, 0.0221), (4, 0.0182), (5, 0.0158), (10, 0.0106)]
)
def test_pococks_levels(looks, level):
    assert pocock_level(looks) == pytest.approx(level, abs=5e-5)


def test_pococks_level_keeps_the_error_of_all_looks():
    steps = np.random.default_rng(7).normal(size=(40_000, 5))
    z = steps.cumsum(axis=1) / np.sqrt(np.arange(1, 6))
    p = 2 * stats.norm.sf(np.abs(z))
    assert (p < pocock_level(5)).any(axis=1).mean() == pytest.approx(0.05, abs=0.004)


def test_a_plan_needs_more_fits_for_smaller_differences():
    variances = Variances(image=0.1, image_noise=0.08, training=0.0, seed=1e-4, n_clusters=20_000)
    options = {"n_folds": 5, "n_images": 20_000, "image_factors": (1,)}
    easy, hard = (plan(variances, d, **options) for d in (0.02, 0.007))
    assert easy.cheapest()["n_fits"] < hard.cheapest()["n_fits"]
    assert plan(variances, 1e-4, **options).cheapest() is None
    assert (easy.table["power"].to_numpy() >= hard.table["power"].to_numpy()).all()
    with pytest.raises(InputError, match="other than 0"):
        plan(variances, 0.0, **options)


def test_wrong_shapes_are_refused():
    with pytest.raises(InputError, match="shape"):
        spread_of(np.zeros((1, 5)), np.zeros((3, 1, 1)))
    with pytest.raises(InputError, match="confidence"):
        half_width(Spread(0.5, 1, 1, 5, 10, 0.1, 0.1, 0.1, 0.1, np.nan), 1.0)
