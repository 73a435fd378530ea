"""What the simulations of growing comparisons and of plans count."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.statistics import half_width
from studies.benchmarks import power_plan, until_certain
from studies.benchmarks.intervals import generator
from studies.benchmarks.simulated_runs import World, draws, spread

SMALL = World(60, 3, seed_noise=0.02)


def test_after_each_repeat_all_repeats_so_far_are_measured():
    spreads, sds = until_certain.looks(SMALL, 5, seed=0)
    (drawn,) = draws(SMALL, until_certain.PASSES, 5, generator(SMALL, 0))
    for look in (0, 1, 9):
        whole = spread(drawn, None, np.arange(look + 1)[:, None])
        assert spreads[look].n_repeats == whole.n_repeats == look + 1
        assert half_width(spreads[look]) == pytest.approx(half_width(whole), rel=1e-4)
        assert spreads[look].mean == pytest.approx(whole.mean, abs=1e-9)
        scores = (drawn.scores[1] - drawn.scores[0])[: look + 1, 2].ravel()
        assert sds[look][2] == pytest.approx(scores.std(ddof=1))
        found = corrected_paired_t_test(scores, test_train_ratio=1 / 2)
        rejects = until_certain.corrected(spreads[look], sds[look], 1.0)
        assert rejects[2] == (found.p_value < 0.05)
        assert ttest_1samp(scores, 0).pvalue <= found.p_value


def test_a_rule_ends_at_its_first_finding():
    crossed = np.array([[0, 0, 1], [0, 1, 0], [0, 1, 1]], dtype=bool)
    assert until_certain.first_look(crossed).tolist() == [0, 2, 1]


def test_a_large_difference_is_shown_at_once_and_a_wide_rope_ends_equal_runs():
    far = World(300, difference=0.15, seed_noise=0.01)
    found = until_certain.rows(far, *until_certain.looks(far, 20, 0), rope=0.0)
    ours = found.set_index("rule").loc["procedure, Pocock"]
    assert ours["shown"] == 1
    assert ours["saved"] > 0.5
    alike = World(300)
    found = until_certain.rows(alike, *until_certain.looks(alike, 20, 0), rope=0.3)
    assert found.set_index("rule").loc["procedure, Pocock", "equivalent"] == 1


def test_the_fewest_fits_with_enough_power_are_taken():
    powers = {(1, 1): {"procedure": 0.9, "corrected_t": 0.2}}
    powers |= {(2, 1): {"procedure": 0.95, "corrected_t": 0.85}}
    found = power_plan.fits_needed({"at_5": powers}, n_folds=5)
    assert (found["procedure_at_5"], found["corrected_t_at_5"]) == (5, 10)
    assert found["share_at_5"] == 0.5


def test_the_standard_error_of_a_pair_is_that_of_the_draws():
    world = World(200, 4, "equal", 0.02, 0.01, agreement=0.7)
    rng = np.random.Generator(np.random.SFC64(0))
    scores = np.concatenate([d.scores[:, 0] for d in draws(world, [(0, 0)], 3000, rng)], axis=1)
    means = (scores[1] - scores[0]).mean(axis=-1)
    assert means.std() == pytest.approx(power_plan.standard_error(world), rel=0.06)
