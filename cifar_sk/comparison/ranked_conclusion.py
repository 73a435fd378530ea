"""The conclusion on more than two runs in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cifar_sk.comparison import wording
from cifar_sk.comparison.basis import few_groups, what_varies
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
        _basis(comparison),
        few_groups(comparison),
        _corrected(ranking.pairs),
        *_equivalent(comparison, ranking.pairs),
        _selected(comparison),
    ]
    return [sentence for sentence in found if sentence]


def _basis(comparison: Comparison) -> str:
    return (
        "This rests on procedure tests, because they count both other images and other trainings; "
        f"in their intervals vary {what_varies(comparison)}."
    )


def _leader(comparison: Comparison, ranking: Ranking) -> str:
    best = ranking.table["run"].iloc[0]
    of_best = ranking.pairs[ranking.pairs["better"] == best]
    apart = of_best["procedure_holm"] < comparison.level
    label = wording.metric_name(comparison.metric)
    mean = ranking.table["mean"].iloc[0]
    begin = f"{best} has the best mean {label} ({mean:.4f} over {comparison.folds})"
    beaten = [_by(comparison, row) for row in of_best[apart].to_dict("records")]
    level = of_best.loc[of_best["procedure_holm"] >= comparison.level, "worse"].tolist()
    if beaten:
        begin += f". It is better than {wording.listing(beaten)}"
    if level:
        begin += f"; {comparison.folds} cannot tell it apart from {wording.listing(level)}"
    n = len(ranking.pairs)
    basis = f"procedure tests, Holm-corrected over {n} pairs"
    return f"{begin} ({basis})."


def _by(comparison: Comparison, row: Mapping[Any, Any]) -> str:
    metric = comparison.metric
    sign = 1 if comparison.greater_is_better else -1
    low, high = sorted([sign * row["procedure_low"], sign * row["procedure_high"]])
    digits = wording.digits_for(high - low)
    size = wording.amount(row["difference"], metric, digits=digits)
    inside = wording.interval(low, high, metric, digits=digits)
    return f"{row['worse']} by {size} {inside} ({wording.p_text(row['procedure_holm'])})"


def _others(comparison: Comparison, ranking: Ranking) -> list[str]:
    """Return sentences on the pairs without the leader."""
    best = ranking.table["run"].iloc[0]
    rest = ranking.pairs[ranking.pairs["better"] != best]
    apart = rest["procedure_holm"] < comparison.level
    sentences = []
    for better, rows in rest[apart].groupby("better", sort=False):
        beaten = [_by(comparison, row) for row in rows.to_dict("records")]
        sentences.append(f"{better} is better than {wording.listing(beaten)}.")
    level = rest[rest["procedure_holm"] >= comparison.level]
    if len(level):
        sentences.append(f"Not told apart: {_pair_names(level)}.")
    return sentences


def _untested(pairs: pd.DataFrame) -> str:
    rows = pairs[pairs["procedure_holm"].isna()]
    if rows.empty:
        return ""
    return f"No test could be made of {_pair_names(rows)}: every fold and every image is alike."


def _corrected(pairs: pd.DataFrame) -> str:
    """Say where the corrected t-tests, which stand beside, find another thing."""
    name = "Nadeau–Bengio corrected paired t-tests, Holm-corrected as well,"
    found, found_here = pairs["procedure_holm"] < ALPHA, pairs["p_holm"] < ALPHA
    said = []
    if (found & ~found_here).any():
        pairs_missed = _pair_names(pairs[found & ~found_here])
        said.append(f"do not tell {pairs_missed} apart, for they count images by few folds only")
    if (found_here & ~found).any():
        said.append(
            f"tell {_pair_names(pairs[found_here & ~found])} apart, whose folds differ by less "
            "than their images make folds differ, which is chance"
        )
    return f"{name} {' and '.join(said)}." if said else f"{name} find the same."


def _pair_names(rows: pd.DataFrame) -> str:
    return "; ".join(f"{row['better']} and {row['worse']}" for row in rows.to_dict("records"))


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
