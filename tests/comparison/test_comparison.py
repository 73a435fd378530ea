"""The statistics of comparisons, against published examples, scipy and brute force."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pandas as pd
import pytest
from made_runs import made_run, with_folds, with_manifest
from scipy import integrate, stats
from sklearn.metrics import f1_score

from cifar_sk.comparison import compare_runs, conclusion
from cifar_sk.comparison.alike import check_alike, remarks, run_names
from cifar_sk.comparison.bootstrap import class_f1_differences
from cifar_sk.comparison.paired_tests import (
    corrected_paired_t_test,
    correlated_posterior,
    exact_mcnemar_test,
    holm,
    paired_accuracy_interval,
)
from cifar_sk.comparison.ranking import cliques, rank_runs
from cifar_sk.comparison.samples import (
    mcnemar_table,
    only_one_right,
    outcomes_by_class,
    predicted_classes,
)
from cifar_sk.displays.comparison_displays import OutcomesDisplay
from cifar_sk.errors import InputError
from cifar_sk.metrics import fold_metrics

# --- tests of two classifiers -------------------------------------------------------------


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


def test_holm_counts_tests_that_could_not_be_made():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.02]), [0.03, np.nan, 0.04])


# --- samples and classes ------------------------------------------------------------------


def test_who_gets_which_images_right():
    target = np.array([0, 0, 1, 1, 2])
    first = np.array([[0, 0], [0, 1], [0, 0], [1, 1], [0, 0]])
    second = np.array([[0, 0], [1, 1], [1, 1], [1, 0], [1, 1]])
    table = mcnemar_table(target, first, second)
    counts = table[["both", "only_first", "only_second", "neither"]].to_numpy()
    np.testing.assert_array_equal(counts, [[2, 1, 1, 1], [1, 1, 1, 2]])
    assert (table["difference"] == 0).all()
    assert (table["p_value"] == 1).all()


def test_outcomes_are_counted_by_class():
    one, two = (made_run(name, [0.5, 0.7], seed=seed) for seed, name in enumerate("ab"))
    table = outcomes_by_class([one.result, two.result], ["a", "b"]).set_index("class")
    right = [predicted_classes(run.result)[:, 0] == one.result.target for run in (one, two)]
    expected = pd.crosstab(right[0], right[1])
    assert table.loc["all"].tolist() == [
        expected.loc[True, True],
        expected.loc[True, False],
        expected.loc[False, True],
        expected.loc[False, False],
    ]
    assert table.columns.tolist()[1:3] == ["only_a_right", "only_b_right"]
    assert table.drop("all").sum(axis=1).tolist() == np.bincount(one.result.target).tolist()
    bars = [
        bar.get_width() for bar in OutcomesDisplay(table.reset_index(), "ab").plot().ax_.patches
    ]
    cat = table.loc["cat"]
    assert bars[0] == pytest.approx(-100 * cat["only_a_right"] / cat.sum())
    assert bars[4] == pytest.approx(100 * cat["only_b_right"] / cat.sum())


def test_only_one_right_means_in_every_repeat_and_in_none():
    one = made_run("one", [1.0, 1.0, 0.5, 0.5], n_test=20, n_repeats=2, seed=1)
    two = made_run("two", [0.5, 0.5, 0.5, 0.5], n_test=20, n_repeats=2, seed=2)
    table = only_one_right([one.result, two.result], ["one", "two"])
    a, b = (predicted_classes(run.result) for run in (one, two))
    target = one.result.target
    expected = [
        (sample, "one" if (a[sample] == t).all() else "two")
        for sample, t in enumerate(target)
        if {(a[sample] == t).all(), (b[sample] == t).all()} == {True, False}
        and {(a[sample] == t).any(), (b[sample] == t).any()} == {True, False}
    ]
    assert list(zip(table["sample"], table["right"], strict=True)) == expected
    assert 0 < len(table) < len(target)
    for row in table.to_dict("records"):
        predicted = (b if row["right"] == "one" else a)[row["sample"]]
        shown = one.result.class_names.index(row["wrong_class"])
        assert shown in predicted
        assert row["proba_right"] == pytest.approx(0.7)
        assert row["proba_wrong"] == pytest.approx(0.1)


def test_class_f1_is_scikit_learns():
    generator = np.random.default_rng(0)
    target = generator.integers(0, 3, 300)
    first, second = generator.integers(0, 4, (2, 300, 2))
    table = class_f1_differences(target, first, second, 5, n_resamples=10)
    for column, predicted in (("f1_first", first), ("f1_second", second)):
        # With two repeats every sample counts twice.
        expected = f1_score(
            np.tile(target, 2),
            np.concatenate(predicted.T),
            labels=range(5),
            average=None,
            zero_division=0,
        )
        np.testing.assert_allclose(table[column], expected)
    assert table["support"].tolist() == [*np.bincount(target), 0, 0]


def test_class_intervals_are_those_of_a_plain_stratified_bootstrap():
    generator = np.random.default_rng(3)
    target = np.repeat([0, 1, 2], [60, 90, 150])
    first, second = (
        np.where(generator.random(300) < share, target, generator.integers(0, 3, 300))
        for share in (0.5, 0.7)
    )
    table = class_f1_differences(target, first[:, None], second[:, None], 3, n_resamples=4000)
    draws = []
    for _ in range(1500):
        chosen = np.concatenate(
            [generator.choice(np.flatnonzero(target == c), (target == c).sum()) for c in range(3)]
        )
        confusion = [
            np.bincount(3 * target[chosen] + p[chosen], minlength=9).reshape(3, 3)
            for p in (first, second)
        ]
        f1 = [2 * m.diagonal() / (m.sum(axis=0) + m.sum(axis=1)) for m in confusion]
        draws.append(f1[1] - f1[0])
    expected = np.quantile(draws, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(table[["low", "high"]].to_numpy().T, expected, atol=0.015)


# --- several runs -------------------------------------------------------------------------


def test_ranks_are_scipys_and_pairs_are_tested_one_by_one():
    scores = pd.DataFrame(
        np.random.default_rng(0).normal([0.5, 0.6, 0.55], 0.03, (6, 3)).round(2),
        columns=["a", "b", "c"],
    )
    ranking = rank_runs(scores, test_train_ratio=0.2)
    expected = stats.rankdata(-scores, axis=1).mean(axis=0)
    found = ranking.table.set_index("run")["mean_rank"]
    np.testing.assert_allclose(found[["a", "b", "c"]], expected)
    assert ranking.table["mean"].is_monotonic_decreasing
    row = ranking.pairs.iloc[0]
    alone = corrected_paired_t_test(
        scores[row["better"]] - scores[row["worse"]], test_train_ratio=0.2
    )
    assert row["p_value"] == alone.p_value
    np.testing.assert_allclose(ranking.pairs["p_holm"], holm(ranking.pairs["p_value"]))


def test_where_lower_is_better_the_order_turns():
    scores = pd.DataFrame({"a": [1.0, 1.1, 1.2], "b": [0.5, 0.7, 0.6], "c": [2.0, 2.3, 2.2]})
    ranking = rank_runs(scores, test_train_ratio=0.5, greater_is_better=False)
    assert ranking.table["run"].tolist() == ["b", "a", "c"]
    assert ranking.table["mean_rank"].tolist() == [1, 2, 3]
    assert (ranking.pairs["difference"] < 0).all()
    assert (ranking.pairs["p_better"] > 0.5).all()


def test_cliques_are_the_largest_groups_without_a_pair_told_apart():
    names = list("abcdef")
    generator = np.random.default_rng(4)
    pairs = [frozenset(pair) for pair in combinations(names, 2)]
    told = {pair for pair in pairs if generator.random() < 0.5}
    groups = [
        set(group)
        for size in range(1, 7)
        for group in combinations(names, size)
        if not any(frozenset(pair) in told for pair in combinations(group, 2))
    ]
    largest = [group for group in groups if not any(group < other for other in groups)]
    assert sorted(map(sorted, cliques(names, told))) == sorted(map(sorted, largest))


# --- which runs can be compared -----------------------------------------------------------


def test_other_data_or_folds_are_named():
    run = made_run("ann", [0.5, 0.6])
    other = made_run(
        "cnn", [0.5, 0.6], identity={"data": {**run.identity["data"], "fingerprint": "e" * 64}}
    )
    with pytest.raises(InputError, match=r"data\.fingerprint was 'f+' and is 'e+'; run both"):
        check_alike([run, other])
    split = {"n_folds": 3, "n_repeats": 1, "fingerprint": "b" * 64}
    three_folds = made_run("cnn", [0.5, 0.6, 0.7], identity={"split": split})
    with pytest.raises(InputError, match=r"split\.n_folds was 2 and is 3"):
        check_alike([run, three_folds])
    with pytest.raises(InputError, match="two runs or more, got 1"):
        check_alike([run])
    with pytest.raises(InputError, match="given twice"):
        check_alike([run, made_run("../results/ann", [0.5, 0.6])])


def test_runs_that_say_nothing_of_themselves_are_judged_by_what_they_hold():
    silent = {"identity": {"data": None, "split": None}}
    run = made_run("ann", [0.5, 0.6], **silent)
    with pytest.raises(InputError, match="the samples of the folds differ"):
        check_alike([run, with_folds(made_run("cnn", [0.5, 0.6], **silent), n_train=7)])
    with pytest.raises(InputError, match="the class names differ"):
        check_alike([run, made_run("cnn", [0.5, 0.6], names="abcd", **silent)])
    check_alike([run, made_run("cnn", [0.5, 0.6], **silent)])


def test_names_are_as_long_as_needed():
    runs = [made_run(name, [0.5, 0.6]) for name in ("x/cnn", "y/cnn", "y/ann")]
    assert run_names(runs) == ("x/cnn", "y/cnn", "y/ann")
    assert run_names(runs[1:]) == ("cnn", "ann")


def test_remarks_say_what_the_manifests_tell():
    plain = made_run("a", [0.5, 0.6], machine={"cpu": "x"})
    other = made_run(
        "b",
        [0.5, 0.6],
        identity={"seed": 7},
        machine={"cpu": "y"},
        command="python -m cifar_sk.cv --params 'my best.json'",
        fallback="Digits.",
    )
    assert remarks([with_manifest(other, selected="A study chose.")], ["b"])[-1] == (
        "b: A study chose."
    )
    text = " ".join(remarks([plain, with_folds(other, best_params={"C": 1})], ["a", "b"]))
    for part in (
        "a 0, b 7",
        "the runs had different machines.",
        "my best.json",
        "Digits.",
        "inside every",
    ):
        assert part in text
    assert remarks([plain, plain], ["a", "a2"]) == []


# --- the comparison and its conclusion ----------------------------------------------------

LOW, HIGH = [0.50, 0.52, 0.51, 0.49, 0.50], [0.64, 0.67, 0.655, 0.63, 0.65]


def sentences(*shares, seeds=(1, 2), metric="accuracy", **options):
    runs = [
        made_run(f"r{number}", share, seed=seed, **options)
        for number, (share, seed) in enumerate(zip(shares, seeds, strict=True))
    ]
    comparison = compare_runs(runs, metric=metric, n_resamples=200)
    return comparison, " ".join(conclusion(comparison))


def test_tables_hold_what_their_parts_compute():
    comparison, _ = sentences(LOW, HIGH)
    table = comparison.metrics.set_index("metric")
    tables = [fold_metrics(run.result).iloc[:5] for run in comparison.runs]
    for metric in ("accuracy", "log_loss", "mcc"):
        differences = (tables[1][metric] - tables[0][metric]).to_numpy(dtype=float)
        expected = corrected_paired_t_test(differences, test_train_ratio=0.25)
        found = table.loc[metric, ["difference", "low", "high", "p_value"]]
        np.testing.assert_allclose(
            found.astype(float), [expected.estimate, expected.low, expected.high, expected.p_value]
        )
    others = table.drop("accuracy")
    np.testing.assert_allclose(others["p_holm"], holm(others["p_value"]))
    assert np.isnan(table.loc["accuracy", "p_holm"])
    assert table.loc["accuracy", "r0_mean"] == pytest.approx(np.mean(LOW))
    costs = comparison.costs.set_index("run")
    assert costs.loc["r0", "fit_time"] == pytest.approx(4.0)
    assert costs.loc["r0", "predict_ms_per_image"] == pytest.approx(1.0)
    assert np.isnan(costs.loc["r0", "n_parameters"])


def test_a_clear_difference_is_stated():
    _, text = sentences(LOW, HIGH)
    assert text.startswith("r1 is better than r0 by 14.5 points of accuracy, 95 % interval [13.")
    assert "With probability > 0.999, r1 is better by more than 1 point" in text
    assert "the fitted models of r1 are right more often" in text
    assert "r1 is better in" in text
    assert "disagree" not in text
    assert "cannot tell" not in text


def test_the_order_of_the_runs_does_not_turn_the_conclusion():
    _, text = sentences(HIGH, LOW)
    assert text.startswith("r0 is better than r1 by 14.5 points of accuracy, 95 % interval [13.")
    assert "With probability > 0.999, r0 is better by more than 1 point" in text


def test_what_folds_cannot_tell_apart_is_not_called_equal():
    _, text = sentences(LOW, [0.53, 0.49, 0.52, 0.47, 0.51])
    assert text.startswith(
        "5 folds cannot tell r0 and r1 apart in accuracy: r1 − r0 is 0.0 points"
    )
    assert "no evidence that they are equally good" in text
    assert "reaches no verdict" in text
    assert "practically equivalent: " not in text
    assert "is better than" not in text


def test_practical_equivalence_is_stated_only_where_it_is_probable():
    close = [0.501, 0.520, 0.511, 0.490, 0.499]
    comparison, text = sentences(LOW, close, n_test=1000)
    assert comparison.pair.posterior.verdict(0.01).equivalent >= 0.95
    assert "They are practically equivalent: with probability" in text
    assert "no evidence that" not in text


def test_a_difference_too_small_to_matter_is_both():
    above = [0.504, 0.525, 0.514, 0.495, 0.504]
    comparison, text = sentences(LOW, above, n_test=1000)
    assert comparison.pair.test.p_value < 0.05
    assert text.startswith("r1 is better than r0 by 0.44 points of accuracy, 95 % interval [0.")
    assert "too small to matter" in text


def test_the_same_images_may_have_two_names():
    renamed = {"data": {"name": "pets_copy", "n_samples": 1000, "fingerprint": "f" * 64}}
    runs = [made_run("a", LOW), made_run("b", HIGH, seed=1, identity=renamed)]
    check_alike(runs)
    other = {"data": {**renamed["data"], "fingerprint": "e" * 64}}
    with pytest.raises(InputError, match=r"fingerprint was .* data.name was 'pets'"):
        check_alike([runs[0], made_run("b", HIGH, seed=1, identity=other)])


def test_runs_are_not_ranked_by_what_is_undefined_in_a_fold(monkeypatch):
    runs = [made_run(name, LOW, seed=seed) for seed, name in enumerate("abc")]
    table = fold_metrics(runs[0].result)
    table.loc[1, "roc_auc"] = np.nan
    monkeypatch.setattr("cifar_sk.comparison.runs.fold_metrics", lambda _: table)
    with pytest.raises(InputError, match="roc_auc is undefined in a fold of a"):
        compare_runs(runs, metric="roc_auc")


def test_what_cannot_be_tested_is_not_called_untold():
    level = [0.5] * 5
    runs = [
        made_run(name, shares, seed=3) for name, shares in zip("ab", (level, level), strict=True)
    ]
    runs.append(made_run("c", HIGH, seed=1))
    text = " ".join(conclusion(compare_runs(runs)))
    assert "No test could be made of a and b" in text
    assert "Not told apart" not in text


def test_tests_that_disagree_are_said_to():
    comparison, text = sentences(LOW, [0.50, 0.80, 0.51, 0.49, 0.80])
    assert comparison.pair.test.p_value > 0.05
    assert (comparison.pair.mcnemar["p_value"] < 0.05).all()
    assert text.startswith("5 folds cannot tell")
    assert "The tests disagree" in text


def test_identical_predictions_and_equal_scores():
    _, text = sentences(LOW, LOW, seeds=(1, 1))
    assert text.startswith("r0 and r1 predict the same class for every image.")
    _, text = sentences(LOW, LOW)
    assert text.startswith("r0 and r1 have the same accuracy in every fold.")
    _, text = sentences(LOW, [share + 0.05 for share in LOW])
    assert text.startswith("r1 − r0 is +5.0 points of accuracy in every fold alike")


def test_lower_is_better_for_losses():
    _, text = sentences(LOW, HIGH, metric="log_loss")
    assert text.startswith("r1 is better than r0 by 0.2822 of log loss, 95 % interval [0.2")


def test_repeats_are_tested_each_on_its_own():
    shares = [[*LOW, *[0.51] * 5], [*HIGH, 0.65, 0.66, 0.64, 0.65, 0.66]]
    comparison, text = sentences(*shares, n_repeats=2)
    assert comparison.pair.mcnemar["repeat"].tolist() == [0, 1]
    assert "2 × 5 folds" in text
    assert "In repeat 1, of the 1,000 images" in text
    assert "In repeat 2, of the 1,000 images" in text
    many = [share * 4 for share in (LOW, HIGH)]
    _, text = sentences(*many, n_repeats=4)
    assert "in each of 4 repeats on its own" in text
    assert "those of r1 in 4" in text


def test_several_runs_are_ranked_in_words():
    middle = [0.635, 0.68, 0.645, 0.635, 0.66]
    comparison, text = sentences(LOW, HIGH, middle, seeds=(1, 2, 3))
    assert comparison.pair is None
    assert comparison.ranking.cliques == (("r1", "r2"), ("r0",)) or (
        comparison.ranking.cliques == (("r2", "r1"), ("r0",))
    )
    best, second = comparison.ranking.table["run"].iloc[:2]
    assert text.startswith(f"{best} has the best mean accuracy (0.65")
    assert f"cannot tell it apart from {second}" in text
    assert f"{second} is better than r0 by" in text
    assert "Holm-corrected over 3 pairs" in text
    assert "selected number" in text


def test_unknown_metrics_and_regions_are_refused():
    runs = [made_run(name, LOW, seed=number) for number, name in enumerate("ab")]
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        compare_runs(runs, metric="acuracy")
    with pytest.raises(InputError, match="rope must be a finite number from 0 on"):
        compare_runs(runs, rope=-0.1)
