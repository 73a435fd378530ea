"""Samples, classes and ranks of runs against scikit-learn, scipy and brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from made_runs import made_run
from scipy import stats
from sklearn.metrics import f1_score

from cifar_sk.comparison.bootstrap import class_f1_differences
from cifar_sk.comparison.ranking import cliques, rank_runs
from cifar_sk.comparison.samples import only_one_right, outcomes_by_class, predicted_classes
from cifar_sk.comparison.tests.holm import holm
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.displays.comparison_displays import OutcomesDisplay
from cifar_sk.statistics import p_value, spread_of


def test_outcomes_are_counted_by_class():
    one, two = (made_run(name, [0.5, 0.7], draw=seed) for seed, name in enumerate("ab"))
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
    one = made_run("one", [1.0, 1.0, 0.5, 0.5], n_test=20, n_repeats=2, draw=1)
    two = made_run("two", [0.5, 0.5, 0.5, 0.5], n_test=20, n_repeats=2, draw=2)
    a, b = (predicted_classes(run.result) for run in (one, two))
    table = only_one_right([one.result, two.result], ["one", "two"], [a, b])
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


def spread_of_scores(scores, pair):
    """Of second - first; where images vary by as much as folds do."""
    differences = (scores[pair[1]] - scores[pair[0]]).to_numpy()
    influences = (
        np.resize([1, -1], (50, 1, 1)) * differences.std() / np.sqrt(50 * len(differences))
    )
    return spread_of(differences[None, None], influences)


def test_ranks_are_scipys_and_pairs_are_tested_one_by_one():
    scores = pd.DataFrame(
        np.random.default_rng(0).normal([0.5, 0.6, 0.55], 0.03, (6, 3)).round(2),
        columns=["a", "b", "c"],
    )
    spreads = {pair: spread_of_scores(scores, pair) for pair in combinations("abc", 2)}
    ranking = rank_runs(scores, spreads, test_train_ratio=0.2)
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
    assert row["procedure_p"] == p_value(spread_of_scores(scores, (row["worse"], row["better"])))
    assert (row["procedure_low"] + row["procedure_high"]) / 2 == pytest.approx(row["difference"])
    expected = holm(ranking.pairs["procedure_p"])
    np.testing.assert_allclose(ranking.pairs["procedure_holm"], expected)


def test_where_lower_is_better_the_order_turns():
    scores = pd.DataFrame({"a": [1.0, 1.1, 1.2], "b": [0.5, 0.7, 0.6], "c": [2.0, 2.3, 2.2]})
    spreads = {pair: spread_of_scores(scores, pair) for pair in combinations("abc", 2)}
    ranking = rank_runs(scores, spreads, test_train_ratio=0.5, greater_is_better=False)
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
