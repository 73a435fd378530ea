"""Tables of what is known of a run's scores: intervals by kind, and what the scores vary with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.fold_table import fold_metrics
from cifar_sk.metrics.influences import holdout_component, run_spread
from cifar_sk.metrics.scores import METRICS, metrics_for
from cifar_sk.statistics import Spread, procedure_interval, uses_folds, variance_components
from cifar_sk.statistics.components import COLUMNS

__all__ = [
    "FEW_GROUPS",
    "component_table",
    "few_groups_note",
    "interval_table",
    "procedure_rows",
    "run_spreads",
    "what_varies",
]

FEW_GROUPS = 50  # below it, statistics over groups hold roughly only (Cameron and Miller 2015)

_UNKNOWN = "no repeat is complete, so this interval is not known"
_CORRECTED = (
    "training sets, as far as the correction for their overlap holds; images and seeds are in it "
    "as they spread over folds, and it does not know the metric's range"
)

_LEVEL = "every fold has the same score, or there is one alone, so this interval is not known"


def run_spreads(result: OOFResult, folds: pd.DataFrame | None = None) -> dict[str, Spread]:
    """Measure what every metric varied with.

    Parameters
    ----------
    result : OOFResult
        Of a run.
    folds : DataFrame, default=None
        What `fold_metrics` returns of it, if it is there already.

    Returns
    -------
    dict of str to Spread
        Empty where no repeat is complete.
    """
    table = fold_metrics(result) if folds is None else folds
    scores = table.iloc[: len(result.folds)].set_axis([fold.index for fold in result.folds])
    try:
        return {
            name: run_spread(result, name, scores=scores[name])
            for name in metrics_for(len(result.classes))
            if name in scores
        }
    except InputError:
        return {}


def interval_table(
    result: OOFResult, folds: pd.DataFrame, spreads: Mapping[str, Spread]
) -> pd.DataFrame:
    """Tabulate the 95 % intervals of every metric's mean over folds, by kind.

    Parameters
    ----------
    result : OOFResult
        Of a run.
    folds : DataFrame
        What `fold_metrics` returns of it.
    spreads : mapping of str to Spread
        What `run_spreads` returns of it.

    Returns
    -------
    DataFrame
        Two rows per metric: ``metric``; ``kind``, "procedure" (`procedure_interval`: the
        expected score of the training procedure) or "corrected t" (Nadeau and Bengio's);
        ``estimate``, ``low`` and ``high``; and ``varies``, a sentence on what varies in it.
        Bounds are NaN where too little is known.
    """
    table = folds.set_index("row")
    rows = []
    for name in (name for name in metrics_for(len(result.classes)) if name in table):
        column = table[name]
        mean, bounds, varies = float(column["mean"]), (np.nan, np.nan), _UNKNOWN
        if name in spreads:
            bounds = procedure_interval(spreads[name], bounds=_range(name, result))
            mean, varies = spreads[name].mean, what_varies(spreads[name], result)
        rows.append((name, "procedure", mean, *bounds, varies))
        known = float(column["mean"]), float(column["ci95_low"]), float(column["ci95_high"])
        rows.append((name, "corrected t", *known, _LEVEL if np.isnan(known[1]) else _CORRECTED))
    return pd.DataFrame(rows, columns=["metric", "kind", "estimate", "low", "high", "varies"])


def procedure_rows(intervals: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the rows of `interval_table` on the procedure's expected score, by metric."""
    kept = intervals[intervals["kind"] == "procedure"].set_index("metric")
    return {str(name): dict(row) for name, row in kept.iterrows()}


def _range(name: str, result: OOFResult) -> tuple[float, float]:
    is_halved = name == "brier_score" and len(result.classes) == 2
    return (0.0, 1.0) if is_halved else METRICS[name].bounds


def what_varies(spread: Spread, result: OOFResult) -> str:
    """Say in a sentence what varies in an interval or test of a procedure."""
    n = spread.n_clusters
    units = f"images ({n:,} independent ones)"
    if result.groups is not None:
        units = f"images (in {n:,} independent groups{', few' if n < FEW_GROUPS else ''})"
    repeats = f" of {spread.n_repeats} repeats" if spread.n_repeats > 1 else ""
    folds = f"{spread.n_folds} folds{repeats}"
    if spread.n_seeds == 1:
        return f"{units}, training sets and seeds, these two together by the spread over {folds}"
    seeds = f"seeds by {spread.n_seeds} fits of each fold"
    if uses_folds(spread):
        return f"{units}, training sets by the spread over {folds}, and {seeds}"
    return f"{units}, and {seeds}; folds differ by no more than these explain"


def few_groups_note(result: OOFResult) -> str:
    """Warn in a sentence where groups are too few for statistics over groups; else be empty."""
    n = result.n_groups
    if n is None or n >= FEW_GROUPS:
        return ""
    return (
        f"The run has {n} groups, fewer than {FEW_GROUPS}: intervals over groups hold roughly "
        "only, and are a little too narrow."
    )


def component_table(result: OOFResult, spreads: Mapping[str, Spread]) -> pd.DataFrame:
    """Split the variance of every metric's mean into images, training sets and seeds.

    Parameters
    ----------
    result : OOFResult
        Of a run.
    spreads : mapping of str to Spread
        What `run_spreads` returns of it.

    Returns
    -------
    DataFrame
        ``metric``, then the columns of `cifar_sk.statistics.variance_components`. Where the
        official test split was scored, a row says what the models vary by on its images, which
        are the same for all of them. Without rows where no repeat is complete.
    """
    tables = []
    for name, spread in spreads.items():
        rows = variance_components(spread)
        shared = holdout_component(result, name)
        if shared is not None:
            rows.loc[len(rows)] = pd.Series(shared)
        rows.insert(0, "metric", name)
        tables.append(rows)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
