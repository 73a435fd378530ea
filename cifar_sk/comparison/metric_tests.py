"""Every metric of a comparison: means by run and, of two runs, what the tests say of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from cifar_sk.comparison.tests.holm import holm, same_tests
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.comparison.tests.procedure import procedure_test
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics import METRICS
from cifar_sk.metrics.influences import pair_spread
from cifar_sk.statistics import Spread

__all__ = ["difference_spread", "metric_table", "procedure_tests"]


def difference_spread(
    first: OOFResult,
    second: OOFResult,
    metric: str,
    tables: Sequence[pd.DataFrame] | None = None,
) -> Spread:
    """Measure what second - first varies with; of one fold nothing is known.

    `tables`, (n_folds, n_metrics) of each run, are the scores of its folds where they are known.
    """
    if first.n_folds > 1:
        return pair_spread(first, second, metric, scores=_known([first, second], metric, tables))
    unknown = [np.nan] * 5
    return Spread(np.nan, first.n_repeats, first.n_seeds, 1, len(first.target), *unknown)


def _known(
    results: Sequence[OOFResult], metric: str, tables: Sequence[pd.DataFrame] | None
) -> list[pd.Series | None]:
    if tables is None:
        return [None, None]
    pairs = zip(results, tables, strict=True)
    return [table[metric].set_axis([f.index for f in run.scored]) for run, table in pairs]


def procedure_tests(
    metrics: pd.DataFrame,
    results: Sequence[OOFResult],
    tables: Sequence[pd.DataFrame],
    primary: str,
    level: float,
) -> pd.DataFrame:
    """Test the difference in every metric as `metric_table` lists them, Holm-corrected alike."""
    first, second = results
    found = [
        procedure_test(difference_spread(first, second, name, tables), confidence=1 - level)
        for name in metrics["metric"]
    ]
    table = pd.DataFrame(
        {
            "procedure_low": [test.low for test in found],
            "procedure_high": [test.high for test in found],
            "procedure_p": [test.p_value for test in found],
        },
        index=metrics["metric"],
    )
    same = metrics["same_test_as"].where(metrics["same_test_as"] != "", metrics["metric"])
    distinct = [name for name in dict.fromkeys(same) if name != primary]
    corrected = pd.Series(holm(table.loc[distinct, "procedure_p"]), distinct)
    table["procedure_holm"] = corrected.reindex(same).to_numpy()
    return table.reset_index(drop=True)


def metric_table(tables: dict[str, pd.DataFrame], primary: str, ratio: float) -> pd.DataFrame:
    """Tabulate every metric's mean and spread by run, and of two runs the corrected t-tests."""
    names = [str(name) for name in next(iter(tables.values()))]
    columns: dict[str, object] = {
        "metric": names,
        "better": ["higher" if METRICS[name].greater_is_better else "lower" for name in names],
    }
    for run, table in tables.items():
        columns[f"{run}_mean"] = table.mean(skipna=False).to_numpy()
        columns[f"{run}_std"] = table.std(ddof=1, skipna=False).to_numpy()
    metrics = pd.DataFrame(columns)
    return metrics if len(tables) > 2 else metrics.join(_metric_tests(tables, primary, ratio))


def _metric_tests(tables: dict[str, pd.DataFrame], primary: str, ratio: float) -> pd.DataFrame:
    """Test the difference in every metric, Holm-corrected over all but the primary one."""
    first, second = tables.values()
    names = [primary, *first.columns.drop(primary)]  # so that others are the same as it
    differences = (second - first)[names]
    tests = pd.DataFrame(
        [
            asdict(corrected_paired_t_test(differences[name], test_train_ratio=ratio))
            for name in names
        ],
        index=names,
    )
    same = [names[place] for place in same_tests(differences.to_numpy().T)]
    distinct = [name for name in dict.fromkeys(same) if name != primary]
    corrected = pd.Series(holm(tests.loc[distinct, "p_value"]), distinct)
    tests["p_holm"] = corrected.reindex(same).to_numpy()
    pairs = zip(names, same, strict=True)
    tests["same_test_as"] = ["" if name == other else other for name, other in pairs]
    tests["difference"] = tests["estimate"]
    columns = ["difference", "low", "high", "p_value", "p_holm", "same_test_as"]
    return tests.loc[first.columns, columns].reset_index(drop=True)
