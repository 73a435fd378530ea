"""The order of several runs, and which of them cannot be told apart.

Pairs are tested by the corrected t-test over folds, corrected for being many by Holm's procedure;
the intervals are not. Friedman's and Nemenyi's tests, which usually stand behind mean ranks and
critical differences, ask for independent data sets. Folds of one data set are none, so no such p
value is given, and mean ranks only describe.

References
----------
Demšar, J. (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7, 1–30.
https://www.jmlr.org/papers/v7/demsar06a.html (the figure, and pairwise tests)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from cifar_sk.comparison.tests.bayesian import correlated_posterior
from cifar_sk.comparison.tests.holm import holm
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test

__all__ = ["Ranking", "cliques", "rank_runs"]


@dataclass(frozen=True)
class Ranking:
    """Runs by mean score (best first), every pair of them, and groups that are not told apart."""

    # Ties share the mean of their ranks. A difference is better - worse; p_better is the posterior
    # probability of one beyond the region of equivalence.
    table: pd.DataFrame
    pairs: pd.DataFrame
    cliques: tuple[tuple[str, ...], ...]


def rank_runs(
    scores: pd.DataFrame,
    *,
    test_train_ratio: float,
    greater_is_better: bool = True,
    rope: float = 0.01,
    alpha: float = 0.05,
) -> Ranking:
    """Rank the columns of `scores`, (n_folds, n_runs), and test every pair."""
    order = scores.mean().sort_values(ascending=not greater_is_better, kind="stable").index
    ordered = scores[order]
    ranks = ordered.rank(axis=1, ascending=not greater_is_better)
    columns = {"mean": ordered.mean(), "std": ordered.std(ddof=1), "mean_rank": ranks.mean()}
    table = pd.DataFrame(columns).rename_axis("run").reset_index()
    pairs = _test_pairs(ordered, test_train_ratio, greater_is_better, rope)
    apart = pairs[pairs["p_holm"] < alpha]
    told = {frozenset(pair) for pair in zip(apart["better"], apart["worse"], strict=True)}
    return Ranking(table, pairs, cliques(list(order), told))


def _test_pairs(
    ordered: pd.DataFrame, test_train_ratio: float, greater_is_better: bool, rope: float
) -> pd.DataFrame:
    sign = 1 if greater_is_better else -1
    rows = []
    for better, worse in combinations(ordered, 2):
        differences = (ordered[better] - ordered[worse]).to_numpy()
        test = corrected_paired_t_test(differences, test_train_ratio=test_train_ratio)
        # So that `above` is the better run's side, whichever way the metric points.
        posterior = correlated_posterior(sign * differences, test_train_ratio=test_train_ratio)
        verdict = posterior.verdict(rope)
        found = (test.estimate, test.low, test.high, test.p_value)
        rows.append((better, worse, *found, verdict.above, verdict.equivalent))
    names = ["better", "worse", "difference", "low", "high", "p_value", "p_better", "p_equivalent"]
    pairs = pd.DataFrame(rows, columns=names)
    pairs.insert(6, "p_holm", holm(pairs["p_value"]))
    return pairs


def cliques(names: Sequence[str], told_apart: set[frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    """Find the largest groups of which no two are told apart; they may overlap."""
    place = {name: position for position, name in enumerate(names)}
    alike = {
        name: {other for other in names if other != name and {name, other} not in told_apart}
        for name in names
    }
    found: list[tuple[str, ...]] = []

    def grow(group: set[str], candidates: set[str], excluded: set[str]) -> None:
        """Bron and Kerbosch's algorithm; a comparison has few runs."""
        if not candidates and not excluded:
            found.append(tuple(sorted(group, key=place.__getitem__)))
        for name in sorted(candidates, key=place.__getitem__):
            grow(group | {name}, candidates & alike[name], excluded & alike[name])
            candidates = candidates - {name}
            excluded = excluded | {name}

    grow(set(), set(names), set())
    return tuple(sorted(found, key=lambda group: [place[name] for name in group]))
