"""The truth of simulated runs, and that what is measured on them is what the package measures."""

from types import SimpleNamespace

import numpy as np
import pytest

from cifar_sk.statistics import Spread, procedure_interval, spread_of
from studies.benchmarks import intervals, simulated_runs
from studies.benchmarks.simulated_runs import ACCURACY, GROUP_SIZES, World, draws, of_run, spread

PASSES = [(0, 0), (1, 0), (0, 1)]


@pytest.mark.parametrize("groups", GROUP_SIZES)
def test_the_scores_have_the_mean_and_variance_of_the_model(groups):
    world = World(600, 4, groups, seed_noise=0.03, training_noise=0.02, difference=0.05)
    rng = np.random.Generator(np.random.SFC64(0))
    parts = [part.scores for part in draws(world, PASSES, 4000, rng)]
    means = np.concatenate(parts, axis=2).mean(axis=-1)  # run, pass, repetition
    error = 4 * np.sqrt(world.variance_of_pass / 4000)
    assert means[0, 0].mean() == pytest.approx(ACCURACY, abs=error)
    assert (means[1] - means[0]).mean() == pytest.approx(0.05, abs=0.002)
    assert means[0, 0].var() == pytest.approx(world.variance_of_pass, rel=0.1)
    # Seeds of a fold share its training set, repeats do not.
    of_seeds = (means[0, 2] - means[0, 0]).var()
    of_repeats = (means[0, 1] - means[0, 0]).var()
    assert of_repeats - of_seeds == pytest.approx(2 * 0.02**2 / 4, rel=0.35)


@pytest.mark.parametrize("groups", GROUP_SIZES)
def test_the_difference_has_the_variances_of_the_model(groups):
    world = World(600, 4, groups, 0.03, 0.02, agreement=0.6)
    rng = np.random.Generator(np.random.SFC64(0))
    scores = np.concatenate([d.scores for d in draws(world, PASSES, 4000, rng)], axis=2)
    means = (scores[1] - scores[0]).mean(axis=-1)
    parts, n = world.of_difference, len(world.sizes)
    of_pass = parts.image / n + (parts.training + parts.seed) / 4
    assert means.mean() == pytest.approx(0, abs=4 * np.sqrt(of_pass / 4000))
    assert means[0].var() == pytest.approx(of_pass, rel=0.1)
    of_seeds = 2 * (parts.image_noise / n + parts.seed / 4)
    assert (means[2] - means[0]).var() == pytest.approx(of_seeds, rel=0.1)


@pytest.mark.parametrize("groups", GROUP_SIZES)
@pytest.mark.parametrize("run", [0, None])
def test_a_stack_of_runs_is_measured_as_one_run_is(groups, run):
    world = World(200, 4, groups, seed_noise=0.02)
    passes = np.array([[0, 1], [2, 3]])
    rng = np.random.Generator(np.random.SFC64(1))
    (drawn,) = draws(world, [(0, 0), (0, 1), (1, 0), (1, 1)], 3, rng)
    scores, influences = of_run(drawn, run, passes)
    ours = spread(drawn, run, passes)
    u = drawn.clustered(influences[:, 2]).reshape(2, 2, -1)
    sizes = None if groups == "none" else world.sizes
    alone = spread_of(scores[:, 2].reshape(2, 2, 4), u.transpose(2, 0, 1), sizes)
    for name in ("mean", "image_mean", "image_repeat", "image_pass", "ms_folds", "ms_seeds"):
        assert getattr(ours, name)[2] == pytest.approx(getattr(alone, name), rel=1e-4, abs=1e-9)
    assert ours.n_clusters == alone.n_clusters == len(world.sizes)
    assert ours.effective_clusters == alone.effective_clusters
    assert u.sum() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("groups", GROUP_SIZES)
def test_groups_lie_in_one_fold_and_folds_are_balanced(groups):
    world = World(500, 5, groups)
    assert world.sizes.sum() == 500
    of_fold, means, weights = simulated_runs._folds(world, np.random.default_rng(0))
    labels = of_fold.argmax(axis=0)
    starts = np.cumsum(world.sizes)[:-1]
    assert all(np.ptp(part) == 0 for part in np.split(labels, starts))
    assert np.ptp(np.bincount(labels)) <= world.sizes.max()
    assert means.sum(axis=0) == pytest.approx(np.ones(5))
    assert weights.sum() == pytest.approx(1)


def test_the_interval_of_a_stack_is_the_procedure_interval():
    world = World(100, 5, seed_noise=0.02)
    (sample, *_) = intervals.simulate(world, 3)
    low, high = intervals.intervals(sample)["procedure"]
    for number in range(3):
        stack = vars(sample.run).items()
        one = Spread(**{n: v[number] if isinstance(v, np.ndarray) else v for n, v in stack})
        expected = procedure_interval(one, bounds=(0, 1))
        assert (low[number], high[number]) == pytest.approx(expected)
    all_right = Spread(np.ones(1), 1, 1, 5, 30, *np.zeros((4, 1)), np.nan)
    at_end, _ = procedure_interval(all_right, bounds=(0, 1))
    assert at_end == pytest.approx(0.025 ** (1 / 30))


def test_samples_come_back_from_their_file_and_give_a_row_per_design(tmp_path):
    world = World(60, 3, "equal", seed_noise=0.02)
    samples = intervals.simulate(world, 40)
    path = intervals.stored(world, SimpleNamespace(samples=tmp_path))
    intervals.store(samples, path)
    first, again = (
        intervals.rows(world, samples),
        intervals.rows(world, intervals.load(world, path)),
    )
    assert [list(row) for row in first] == [list(row) for row in again]
    for ours, theirs in zip(first, again, strict=True):
        assert ours["width_procedure"] == pytest.approx(theirs["width_procedure"], rel=1e-4)
        assert 0.8 < ours["covers_procedure"] <= 1


def test_the_least_width_is_that_of_a_t_interval_over_fits():
    from scipy.stats import t

    rng = np.random.default_rng(0)
    fits = rng.standard_normal((40_000, 5))
    widths = t.ppf(0.975, 4) * fits.std(axis=1, ddof=1) / 1.96
    assert intervals.least_width(5, 1, 1) == pytest.approx(widths.mean(), rel=0.01)
