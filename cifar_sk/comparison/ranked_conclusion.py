"""The conclusion on more than two runs in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cifar_sk.comparison import wording
from cifar_sk.comparison.ranking import Ranking
from cifar_sk.comparison.runs import Comparison
from cifar_sk.comparison.wording import ALPHA, SURE

__all__ = ["ranked_sentences"]


def ranked_sentences(comparison: Comparison, ranking: Ranking) -> list[str]:
    """Return the sentences on a comparison of several runs, most important first."""
    found = [
        _leader(comparison, ranking),
        *_others(comparison, ranking),
        _untested(ranking.pairs),
        *_equivalent(comparison, ranking.pairs),
        _selected(comparison),
    ]
    return [sentence for sentence in found if sentence]


def _leader(comparison: Comparison, ranking: Ranking) -> str:
    best = ranking.table["run"].iloc[0]
    of_best = ranking.pairs[ranking.pairs["better"] == best]
    apart = of_best["p_holm"] < ALPHA
    label = wording.metric_name(comparison.metric)
    mean = ranking.table["mean"].iloc[0]
    begin = f"{best} has the best mean {label} ({mean:.4f} over {comparison.folds})"
    beaten = [_by(comparison, row) for row in of_best[apart].to_dict("records")]
    level = of_best.loc[of_best["p_holm"] >= ALPHA, "worse"].tolist()
    if beaten:
        begin += f". It is better than {wording.listing(beaten)}"
    if level:
        begin += f"; {comparison.folds} cannot tell it apart from {wording.listing(level)}"
    n = len(ranking.pairs)
    basis = f"Nadeau–Bengio corrected paired t-tests, Holm-corrected over {n} pairs"
    return f"{begin} ({basis})."


def _by(comparison: Comparison, row: Mapping[Any, Any]) -> str:
    metric = comparison.metric
    sign = 1 if comparison.greater_is_better else -1
    low, high = sorted([sign * row["low"], sign * row["high"]])
    digits = wording.digits_for(high - low)
    size = wording.amount(row["difference"], metric, digits=digits)
    inside = wording.interval(low, high, metric, digits=digits)
    return f"{row['worse']} by {size} {inside} ({wording.p_text(row['p_holm'])})"


def _others(comparison: Comparison, ranking: Ranking) -> list[str]:
    """Return sentences on the pairs without the leader."""
    best = ranking.table["run"].iloc[0]
    rest = ranking.pairs[ranking.pairs["better"] != best]
    apart = rest["p_holm"] < ALPHA
    sentences = []
    for better, rows in rest[apart].groupby("better", sort=False):
        beaten = [_by(comparison, row) for row in rows.to_dict("records")]
        sentences.append(f"{better} is better than {wording.listing(beaten)}.")
    level = rest[rest["p_holm"] >= ALPHA]
    if len(level):
        pairs = [f"{row['better']} and {row['worse']}" for row in level.to_dict("records")]
        sentences.append(f"Not told apart: {'; '.join(pairs)}.")
    return sentences


def _untested(pairs: pd.DataFrame) -> str:
    rows = pairs[pairs["p_holm"].isna()].to_dict("records")
    if not rows:
        return ""
    names = [f"{row['better']} and {row['worse']}" for row in rows]
    return (
        f"No test could be made of {'; '.join(names)}: the difference is the same in every fold."
    )


def _equivalent(comparison: Comparison, pairs: pd.DataFrame) -> list[str]:
    size = wording.region(comparison.rope, comparison.metric)
    label = wording.metric_name(comparison.metric)
    return [
        f"{row['better']} and {row['worse']} are practically equivalent: with probability "
        f"{wording.probability(row['p_equivalent'])}, {label} differs by at most {size} "
        "(Bayesian correlated t-test)."
        for row in pairs[pairs["p_equivalent"] >= SURE].to_dict("records")
    ]


def _selected(comparison: Comparison) -> str:
    extreme = "largest" if comparison.greater_is_better else "smallest"
    return (
        f"The {extreme} of {len(comparison.names)} noisy means is a selected number, hence a "
        "little optimistic; intervals are not corrected for being many."
    )
