"""The order of several runs, and which of them cannot be told apart.

Pairs are tested by the procedure test, corrected for being many by Holm's procedure; the intervals
are not. The corrected t-test over folds stands beside it. Friedman's and Nemenyi's tests, which
usually stand behind mean ranks and critical differences, ask for independent data sets. Folds of
one data set are none, so no such p value is given, and mean ranks only describe.

References
----------
Demšar, J. (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7, 1–30.
https://www.jmlr.org/papers/v7/demsar06a.html (the figure, and pairwise tests)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from cifar_sk.comparison.tests.bayesian import correlated_posterior
from cifar_sk.comparison.tests.holm import holm
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.comparison.tests.procedure import procedure_test
from cifar_sk.statistics import Spread

__all__ = ["Ranking", "cliques", "rank_runs"]


@dataclass(frozen=True)
class Ranking:
    """Runs by mean score (best first), every pair of them, and groups that are not told apart."""

    # Ties share the mean of their ranks. A difference is better - worse; low, high, p_value and
    # p_holm are the corrected t-test's, and those of procedure_ the procedure test's; p_better is
    # the posterior probability of a difference beyond the region of equivalence.
    table: pd.DataFrame
    pairs: pd.DataFrame
    cliques: tuple[tuple[str, ...], ...]


def rank_runs(
    scores: pd.DataFrame,
    spreads: Mapping[tuple[str, str], Spread],
    *,
    test_train_ratio: float,
    greater_is_better: bool = True,
    rope: float = 0.01,
    level: float = 0.05,
) -> Ranking:
    """Rank the columns of `scores`, (n_folds, n_runs), and test every pair by its spread."""
    order = scores.mean().sort_values(ascending=not greater_is_better, kind="stable").index
    ordered = scores[order]
    ranks = ordered.rank(axis=1, ascending=not greater_is_better)
    columns = {"mean": ordered.mean(), "std": ordered.std(ddof=1), "mean_rank": ranks.mean()}
    table = pd.DataFrame(columns).rename_axis("run").reset_index()
    pairs = _test_pairs(ordered, test_train_ratio, greater_is_better, rope)
    pairs = pairs.join(_procedure_tests(pairs, spreads, level))
    apart = pairs[pairs["procedure_holm"] < level]
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


def _procedure_tests(
    pairs: pd.DataFrame, spreads: Mapping[tuple[str, str], Spread], level: float
) -> pd.DataFrame:
    rows = []
    for better, worse in zip(pairs["better"], pairs["worse"], strict=True):
        # A spread is that of second - first, so of a pair (worse, better) it is better - worse.
        is_turned = (worse, better) not in spreads
        found = procedure_test(
            spreads[(better, worse) if is_turned else (worse, better)], confidence=1 - level
        )
        bounds = (-found.high, -found.low) if is_turned else (found.low, found.high)
        rows.append((*bounds, found.p_value))
    table = pd.DataFrame(rows, columns=["procedure_low", "procedure_high", "procedure_p"])
    return table.assign(procedure_holm=holm(table["procedure_p"]))


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
