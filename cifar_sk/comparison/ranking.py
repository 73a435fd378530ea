"""Several runs: their order, which pairs can be told apart, and which groups cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from cifar_sk.comparison.paired_tests import (
    corrected_paired_t_test,
    correlated_posterior,
    holm,
)

__all__ = ["Ranking", "cliques", "rank_runs"]


@dataclass(frozen=True)
class Ranking:
    """What `rank_runs` finds.

    Attributes
    ----------
    table : DataFrame
        A row per run, best mean score first: ``run``, ``mean`` and ``std`` over folds (ddof=1),
        ``mean_rank`` over folds (1 is best; ties share the mean of their ranks).
    pairs : DataFrame
        A row per pair: ``better`` and ``worse`` by mean score, ``difference`` (better - worse)
        with ``low`` and ``high``, ``p_value``, ``p_holm``, and the probabilities ``p_better``
        (by more than the region of practical equivalence) and ``p_equivalent``.
    cliques : tuple of tuple of str
        Largest groups of runs of which no two are told apart.
    """

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
    """Rank runs, and test every pair.

    Parameters
    ----------
    scores : DataFrame of float, shape (n_folds, n_runs)
        A score per fold and run, the same folds for all; runs as columns.
    test_train_ratio : float
        Samples scored over samples trained on in one fold.
    greater_is_better : bool, default=True
        Which way the score points.
    rope : float, default=0.01
        Half-width of the region of practical equivalence.
    alpha : float, default=0.05
        Runs are told apart where the Holm-corrected p value is below it.

    Returns
    -------
    Ranking

    Notes
    -----
    Pairs are tested by the corrected t-test over folds, corrected for being many by Holm's
    procedure; the intervals are not. Friedman's and Nemenyi's tests, which usually stand behind
    mean ranks and critical differences, ask for independent data sets. Folds of one data set are
    none, so no such p value is given, and mean ranks only describe.

    References
    ----------
    Demšar, J. (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7,
    1–30. https://www.jmlr.org/papers/v7/demsar06a.html (the figure, and pairwise tests)

    Examples
    --------
    >>> scores = pd.DataFrame({"a": [0.5, 0.6, 0.7], "b": [0.8, 0.91, 1.0]})
    >>> ranking = rank_runs(scores, test_train_ratio=0.5)
    >>> ranking.table["run"].tolist(), ranking.cliques
    (['b', 'a'], (('b',), ('a',)))
    """
    order = scores.mean().sort_values(ascending=not greater_is_better, kind="stable").index
    ordered = scores[order]
    ranks = ordered.rank(axis=1, ascending=not greater_is_better)
    table = pd.DataFrame(
        {
            "run": list(order),
            "mean": ordered.mean().to_numpy(),
            "std": ordered.std(ddof=1).to_numpy(),
            "mean_rank": ranks.mean().to_numpy(),
        }
    )
    sign = 1 if greater_is_better else -1
    rows = []
    for better, worse in combinations(order, 2):
        differences = (ordered[better] - ordered[worse]).to_numpy()
        test = corrected_paired_t_test(differences, test_train_ratio=test_train_ratio)
        posterior = correlated_posterior(sign * differences, test_train_ratio=test_train_ratio)
        verdict = posterior.verdict(rope)
        rows.append(
            {
                "better": better,
                "worse": worse,
                "difference": test.estimate,
                "low": test.low,
                "high": test.high,
                "p_value": test.p_value,
                "p_better": verdict.above,
                "p_equivalent": verdict.equivalent,
            }
        )
    pairs = pd.DataFrame(rows)
    pairs.insert(6, "p_holm", holm(pairs["p_value"]))
    apart = pairs[pairs["p_holm"] < alpha]
    told = {frozenset(pair) for pair in zip(apart["better"], apart["worse"], strict=True)}
    return Ranking(table, pairs, cliques(list(order), told))


def cliques(names: Sequence[str], told_apart: set[frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    """Find the largest groups of which no two are told apart.

    Parameters
    ----------
    names : sequence of str
        In the order wanted within the groups.
    told_apart : set of frozenset of str
        Pairs.

    Returns
    -------
    tuple of tuple of str
        A run that is told apart from all others is a group of its own. Groups may overlap: that
        two cannot be told apart from a third does not make them alike.

    Examples
    --------
    >>> cliques(["a", "b", "c"], {frozenset("ac")})
    (('a', 'b'), ('b', 'c'))
    """
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
