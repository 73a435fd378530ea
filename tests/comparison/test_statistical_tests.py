"""The statistical tests against published examples, scipy and brute force."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from cifar_sk.comparison.tests import TESTS, Finding, FoldScores, SampleOutcomes
from cifar_sk.comparison.tests.bayesian import correlated_posterior
from cifar_sk.comparison.tests.findings import findings_table
from cifar_sk.comparison.tests.holm import holm, same_tests
from cifar_sk.comparison.tests.mcnemar import (
    exact_mcnemar_test,
    mcnemar_table,
    paired_accuracy_interval,
)
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.errors import InputError
from cifar_sk.statistics import half_width, p_value, spread_of


@pytest.fixture(scope="module")
def moons():
    """The differences of scikit-learn's example "Statistical comparison of models"."""
    from sklearn.datasets import make_moons
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
    from sklearn.svm import SVC

    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    scores = [
        cross_val_score(SVC(kernel=kernel, random_state=0), X, y, cv=cv, scoring="roc_auc")
        for kernel in ("rbf", "linear")
    ]
    return scores[0] - scores[1]


def test_corrected_t_test_is_that_of_scikit_learns_example(moons):
    """The page gives t = 0.750 and a one-sided p of 0.227; without correction 2.611 and 0.005."""
    test = corrected_paired_t_test(moons, test_train_ratio=10 / 90)
    assert test.statistic == pytest.approx(0.750, abs=5e-4)
    assert test.p_value / 2 == pytest.approx(0.227, abs=5e-4)
    naive = corrected_paired_t_test(moons, test_train_ratio=1e-12)
    assert naive.statistic == pytest.approx(2.611, abs=5e-4)
    assert naive.p_value / 2 == pytest.approx(0.005, abs=5e-4)


def test_bayesian_test_is_that_of_scikit_learns_example(moons):
    """The page gives probabilities 0.773 and 0.227 without a region of equivalence."""
    posterior = correlated_posterior(moons, test_train_ratio=10 / 90)
    assert posterior.verdict(0) == pytest.approx((0.227, 0, 0.773), abs=5e-4)
    assert sum(posterior.verdict(0.01)) == pytest.approx(1)


def test_without_correction_it_is_the_paired_t_test():
    a, b = np.random.default_rng(0).normal(0.7, 0.02, (2, 8))
    ours = corrected_paired_t_test(a - b, test_train_ratio=1e-14)
    theirs = stats.ttest_rel(a, b)
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()))


def test_interval_and_p_value_agree():
    """At the confidence of 1 - p, a bound of the interval is 0."""
    differences = [0.01, 0.03, -0.005, 0.02, 0.015]
    test = corrected_paired_t_test(differences, test_train_ratio=0.25)
    edge = corrected_paired_t_test(differences, test_train_ratio=0.25, confidence=1 - test.p_value)
    assert edge.low == pytest.approx(0, abs=1e-12)


def test_verdict_integrates_the_density():
    posterior = correlated_posterior([0.01, 0.03, -0.005, 0.02, 0.015], test_train_ratio=0.25)
    inside, _ = integrate.quad(lambda x: float(posterior.density(np.array(x))), -0.01, 0.01)
    assert posterior.verdict(0.01).equivalent == pytest.approx(inside)
    below, equivalent, above = posterior.verdict(0)
    assert equivalent == 0
    assert below + above == pytest.approx(1)


@pytest.mark.parametrize("differences", [[0.1, 0.1, 0.1 + 1e-16], [0.0, 0.0], [0.2]])
def test_without_spread_nothing_is_tested(differences):
    test = corrected_paired_t_test(differences, test_train_ratio=0.5)
    assert test.estimate == pytest.approx(np.mean(differences))
    assert np.isnan([test.low, test.high, test.statistic, test.p_value]).all()
    assert np.isnan(correlated_posterior(differences, test_train_ratio=0.5).verdict(0.01)).all()


def test_an_undefined_score_is_not_tested():
    assert np.isnan(corrected_paired_t_test([0.1, np.nan, 0.2], test_train_ratio=0.5).p_value)


@pytest.mark.parametrize("counts", [(0, 0), (0, 5), (2, 9), (150, 86), (4000, 4200)])
def test_mcnemar_is_the_binomial_test(counts):
    expected = 1.0 if sum(counts) == 0 else stats.binomtest(counts[0], sum(counts)).pvalue
    assert exact_mcnemar_test(*counts) == pytest.approx(expected)
    assert exact_mcnemar_test(*counts[::-1]) == pytest.approx(expected)


def test_paired_interval_is_a_wald_interval_after_one_more_of_each():
    only_first, only_second, n = 12, 30, 400
    d = np.repeat([-1, 1, 0], [only_first + 1, only_second + 1, n - only_first - only_second])
    reach = stats.norm.ppf(0.975) * d.std() / np.sqrt(len(d))
    interval = paired_accuracy_interval(only_first, only_second, n)
    assert interval.estimate == pytest.approx(18 / 400)
    assert (interval.low, interval.high) == pytest.approx((d.mean() - reach, d.mean() + reach))


def test_holm_is_the_closure_of_bonferroni():
    """A hypothesis falls where Bonferroni rejects every set of hypotheses that holds it."""
    p = np.random.default_rng(1).uniform(0, 0.2, 6)
    p[3] = p[1]
    sets = list(chain.from_iterable(combinations(range(6), k) for k in range(1, 7)))
    expected = [
        max(min(1, len(s) * p[list(s)].min()) for s in sets if i in s) for i in range(len(p))
    ]
    np.testing.assert_allclose(holm(p), expected)


def test_differences_that_are_equal_but_for_rounding_or_a_factor_are_one_test():
    d = np.array([0.1, -0.2, 0.05, 0.3])
    nan = np.array([0.1, np.nan, 0.05, 0.3])
    alone = np.array([0, 0, 0, 0.1])  # in one fold: proportional to any such
    rows = [d, d + 1e-16, -d / 3, d + 0.001, nan, nan, 0 * d, 0 * d + 1e-17, alone, 2 * alone]
    assert same_tests(rows) == [0, 0, 0, 3, 4, 5, 6, 6, 8, 9]
    for factor in (1, -1 / 3):
        found = corrected_paired_t_test(factor * d, test_train_ratio=0.25)
        assert found.p_value == pytest.approx(
            corrected_paired_t_test(d, test_train_ratio=0.25).p_value
        )


def test_holm_counts_tests_that_could_not_be_made():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.02]), [0.03, np.nan, 0.04])


def test_who_gets_which_images_right():
    target = np.array([0, 0, 1, 1, 2])
    first = np.array([[0, 0], [0, 1], [0, 0], [1, 1], [0, 0]])
    second = np.array([[0, 0], [1, 1], [1, 1], [1, 0], [1, 1]])
    repeats = zip((target == first.T), (target == second.T), strict=True)
    table = mcnemar_table([SampleOutcomes(*right) for right in repeats])
    counts = table[["both", "only_first", "only_second", "neither"]].to_numpy()
    np.testing.assert_array_equal(counts, [[2, 1, 1, 1], [1, 1, 1, 2]])
    assert (table["difference"] == 0).all()
    assert (table["p_value"] == 1).all()


# --- the registry and its table -----------------------------------------------------------


@pytest.fixture(scope="module")
def findings():
    """Of three runs in two repeats of three folds, the table of all tests."""
    generator = np.random.default_rng(0)
    scores = pd.DataFrame(generator.normal(0.5, 0.1, (6, 3)), columns=["a", "b", "c"])
    right = generator.random((3, 30, 2)) < 0.5
    pairs = list(combinations("abc", 2))
    spreads = {
        (one, two): spread_of(
            (scores[two] - scores[one]).to_numpy().reshape(2, 1, 3),
            generator.normal(size=(30, 2, 1)) / 30,
        )
        for one, two in pairs
    }
    options = {"test_train_ratio": 0.5, "rope": 0.02, "greater_is_better": False}
    table = findings_table(scores, right, spreads, **options)
    return scores, right, table, spreads


def test_every_test_has_a_row_for_each_pair_and_repeat(findings):
    scores, right, table, spreads = findings
    rows = table[(table["first"] == "a") & (table["second"] == "c")].set_index("test")
    differences = scores["c"] - scores["a"]
    test = corrected_paired_t_test(differences, test_train_ratio=0.5)
    found = rows.loc["nadeau-bengio"]
    assert pd.isna(found["repeat"])
    for name in ("estimate", "low", "high", "statistic", "p_value"):
        assert found[name] == getattr(test, name)
    found = rows.loc["bayesian"]
    verdict = correlated_posterior(differences, test_train_ratio=0.5).verdict(0.02)
    assert tuple(found[["p_second", "p_equivalent", "p_first"]]) == verdict  # lower is better
    assert tuple(found[["estimate", "low", "high"]]) == (test.estimate, test.low, test.high)
    found, spread = rows.loc["procedure"], spreads["a", "c"]
    assert found["p_value"] == p_value(spread)
    assert found["high"] - found["estimate"] == pytest.approx(half_width(spread))
    found = rows.loc["mcnemar"]
    assert found["repeat"].tolist() == [0, 1]
    expected = [
        exact_mcnemar_test((a & ~c).sum(), (c & ~a).sum())
        for a, c in zip(right[0].T, right[2].T, strict=True)
    ]
    assert found["p_value"].tolist() == expected


def test_p_values_of_a_test_are_corrected_over_the_pairs(findings):
    rows = findings[2].query("test == 'mcnemar'")
    for repeat in (0, 1):
        alone = rows[rows["repeat"] == repeat]
        assert len(alone) == 3
        np.testing.assert_allclose(alone["p_holm"], holm(alone["p_value"]))


def test_a_class_or_an_object_may_be_registered_and_what_is_no_test_is_refused():
    class Constant:
        title, question, needs = "Constant", "Is it?", FoldScores

        def __call__(self, scores):
            return Finding(p_value=0.5)

    def table():
        scores = pd.DataFrame({"a": [0.1, 0.2], "b": [0.3, 0.2]})
        spreads = {("a", "b"): spread_of([[[0.2, 0.0]]], np.zeros((4, 1, 1)))}
        right = np.ones((2, 4, 1), dtype=bool)
        found = findings_table(scores, right, spreads, test_train_ratio=1.0)
        return found.set_index("test")

    wrong = {"title": "No", "question": "No?", "needs": FoldScores}
    for value, message in (
        (Constant, None),
        (Constant(), None),
        (len, "must have a title and a question"),
        (type("Other", (Constant,), {"needs": pd.DataFrame}), "must need FoldScores or"),
        (type("Bare", (), wrong | {"__call__": lambda *_: 0.5}), "must return a Finding, got 0.5"),
    ):
        TESTS.register("own")(value)
        try:
            if message is None:
                assert table().loc["own", "p_value"] == 0.5
            else:
                with pytest.raises(InputError, match=message):
                    table()
        finally:
            TESTS.remove("own")
    assert "own" not in table().index
