"""The tables of folds: every metric of every fold, what they say together, and their times."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics.intervals import Interval, corrected_t_interval, have_spread
from cifar_sk.metrics.scores import METRICS, metrics_for, score_predictions

__all__ = [
    "best_params_table",
    "beyond_range",
    "fold_count",
    "fold_metrics",
    "fold_times",
    "pooling_note",
    "row_name",
]

_TEST_SPLIT = "test_split_"
_COUNTS = ["repeat", "fold", "n_train", "n_test", "n_parameters"]
_TIMES = ["fit_time", "score_time"]


def row_name(fold: FoldResult) -> str:
    """Name of a fold in tables and file names: ``fold_00`` first, counted on over repeats."""
    return f"fold_{fold.index:02d}"


def fold_count(result: OOFResult) -> str:
    """Say how many folds have predictions, such as ``"4 of 5 folds"``."""
    return f"{len(result.scored)} of {result.n_expected} folds"


def pooling_note(result: OOFResult) -> str:
    """Say in a sentence what a pooled table holds: which folds, and repeats."""
    note = f"Pooled out-of-fold predictions of {fold_count(result)}"
    if result.n_passes == 1:
        return f"{note}."
    counts = {"repeats": result.n_repeats, "seeds": result.n_seeds}
    several = " and ".join(f"{n} {name}" for name, n in counts.items() if n > 1)
    return f"{note}; with {several}, a sample counts up to {result.n_passes} times."


def fold_metrics(result: OOFResult) -> pd.DataFrame:
    """Every metric of every fold, then mean, standard deviation and 95 % interval.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned.

    Returns
    -------
    DataFrame
        ``row`` names the row: ``fold_00`` and so on, then ``mean``, ``std``, ``ci95_low`` and
        ``ci95_high``. Next ``repeat``, ``seed`` (only with several), ``fold``, ``n_train``,
        ``n_test``; a column per metric of
        `score_predictions`; the same as ``test_split_...`` where the official test split was
        scored; ``n_epochs`` and ``n_parameters``; ``error``, the reason of a failed fold, whose
        scores are NaN; and ``basis``, what a summary row is and how many folds it rests on.
        Identical runs have identical tables, for times are in `fold_times`.

    Notes
    -----
    ``std`` is the sample standard deviation over folds (ddof=1), not a standard error. The
    interval is `cifar_sk.metrics.intervals.corrected_t_interval`; there is none for epochs, nor
    for the ``test_split_...`` columns, because all folds share that one test set.
    Where every fold has the same score there is none either, and ``basis`` says so. Failed folds
    are left out. A score that is undefined (NaN) in a scored fold makes its
    summary NaN: a mean over the others would look like one over all.
    """
    scores = _score_columns(result)
    rows = [_fold_row(result, fold) for fold in result.folds]
    rows += _summary_rows(result, rows, scores)
    seed = ["seed"] if result.n_seeds > 1 else []
    columns = ["row", "repeat", *seed, "fold", "n_train", "n_test", *scores]
    columns += ["n_epochs", "n_parameters", "error", "basis"]
    table = pd.DataFrame(rows, columns=columns)
    # Int64 keeps counts whole where a failed fold or a summary has none.
    dtypes = dict.fromkeys([*scores, "n_epochs"], "float64")
    dtypes |= dict.fromkeys([*_COUNTS, *seed], "Int64")
    return table.astype(dtypes)


def beyond_range(table: pd.DataFrame) -> list[str]:
    """List the metrics of `fold_metrics` whose corrected t interval leaves the metric's range."""
    low, high = (table.set_index("row").loc[row] for row in ("ci95_low", "ci95_high"))
    ranges = {name: METRICS[name].bounds for name in METRICS if name in table}
    return [name for name, (a, b) in ranges.items() if low[name] < a or high[name] > b]


def fold_times(result: OOFResult) -> pd.DataFrame:
    """Seconds of every fold, then mean and standard deviation.

    Parameters
    ----------
    result : OOFResult
        What the fold loop returned.

    Returns
    -------
    DataFrame
        ``row``, as in `fold_metrics`, up to ``mean`` and ``std`` (ddof=1); ``repeat``, ``seed``
        (only with several) and ``fold``; ``fit_time`` and ``score_time`` in seconds; and
        ``basis``, what a summary row is and how many folds it rests on, for failed folds are
        left out of it.
    """
    counts = ["repeat", *(["seed"] if result.n_seeds > 1 else []), "fold"]
    rows = [
        {"row": row_name(fold), **{name: getattr(fold, name) for name in [*counts, *_TIMES]}}
        for fold in result.folds
    ]
    scored = [[getattr(fold, name) for name in _TIMES] for fold in result.scored]
    values = pd.DataFrame(scored, columns=_TIMES, dtype="float64")
    count = fold_count(result)
    rows += [
        {"row": "mean", **values.mean(), "basis": f"mean of {count}"},
        {"row": "std", **values.std(ddof=1), "basis": f"std over {count} (ddof=1)"},
    ]
    table = pd.DataFrame(rows, columns=["row", *counts, *_TIMES, "basis"]).fillna({"basis": ""})
    return table.astype(dict.fromkeys(counts, "Int64") | dict.fromkeys(_TIMES, "float64"))


def best_params_table(result: OOFResult) -> pd.DataFrame:
    """Tabulate what a search chose inside each fold; without rows where nothing was searched."""
    rows = [
        {"row": row_name(fold), **{k: _cell(v) for k, v in fold.best_params.items()}}
        for fold in result.scored
        if fold.best_params is not None
    ]
    return pd.DataFrame(rows)


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _score_columns(result: OOFResult) -> list[str]:
    names = [*metrics_for(len(result.classes))]
    has_test_split = result.holdout_target is not None
    return names + [_TEST_SPLIT + name for name in names if has_test_split]


def _fold_row(result: OOFResult, fold: FoldResult) -> dict[str, object]:
    kept = ["repeat", "seed", "fold", "n_train", "n_parameters", "n_epochs"]
    row: dict[str, object] = {name: getattr(fold, name) for name in kept}
    row |= {"row": row_name(fold), "n_test": len(fold.test_index)}
    row |= {"error": fold.error or "", "basis": ""}
    if fold.proba is not None:
        row |= score_predictions(result.target[fold.test_index], fold.proba)
    if result.holdout_target is not None and fold.holdout_proba is not None:
        scores = score_predictions(result.holdout_target, fold.holdout_proba)
        row |= {_TEST_SPLIT + name: score for name, score in scores.items()}
    return row


def _summary_rows(
    result: OOFResult, rows: list[dict[str, object]], scores: list[str]
) -> list[dict[str, object]]:
    # A failed fold has a row, but no score to count.
    scored = [row for row, fold in zip(rows, result.folds, strict=True) if not fold.failed]
    values = pd.DataFrame(scored, columns=[*scores, "n_epochs"], dtype="float64")
    intervals = {name: _interval(result, values[name]) for name in scores if name in METRICS}
    table = pd.DataFrame(
        {
            "mean": values.mean(skipna=False),
            "std": values.std(ddof=1, skipna=False),
            "ci95_low": pd.Series({name: bounds.low for name, bounds in intervals.items()}),
            "ci95_high": pd.Series({name: bounds.high for name, bounds in intervals.items()}),
        }
    )
    count = fold_count(result)
    interval = f"Nadeau-Bengio corrected 95 % t interval on the mean of {count}"
    basis = {"mean": f"mean of {count}"}
    basis["std"] = f"std over {count} (ddof=1), not a standard error"
    level = [name for name in intervals if _are_equal(values[name].to_numpy())]
    if level:
        interval += f"; none of {', '.join(level)}, which are the same in every fold"
    basis |= {"ci95_low": interval, "ci95_high": interval}
    return [{"row": row, "error": "", "basis": text, **table[row]} for row, text in basis.items()]


def _are_equal(scores: np.ndarray) -> bool:
    return len(scores) > 1 and not np.isnan(scores).any() and not have_spread(scores)


def _interval(result: OOFResult, values: pd.Series) -> Interval:
    if values.empty:  # every fold failed
        return Interval(np.nan, np.nan, np.nan)
    # Folds may differ in size by a sample, so over all of them.
    n_test = sum(len(fold.test_index) for fold in result.scored)
    n_train = sum(fold.n_train for fold in result.scored)
    return corrected_t_interval(values, test_train_ratio=n_test / n_train)
