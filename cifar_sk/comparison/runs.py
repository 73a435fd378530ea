"""The comparison of finished runs: every table that a conclusion may rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.comparison.alike import check_alike, remarks, run_names
from cifar_sk.comparison.costs import cost_table
from cifar_sk.comparison.looks import Looks
from cifar_sk.comparison.metric_tests import difference_spread, metric_table, procedure_tests
from cifar_sk.comparison.pair import PairResult, compare_pair
from cifar_sk.comparison.ranking import Ranking, rank_runs
from cifar_sk.comparison.samples import predicted_classes
from cifar_sk.comparison.tests.findings import findings_table
from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics import METRICS, fold_metrics
from cifar_sk.metrics.scores import metrics_for
from cifar_sk.runs.reading import FinishedRun
from cifar_sk.statistics import Spread

__all__ = ["Comparison", "PairResult", "compare_runs"]


@dataclass(frozen=True)
class Comparison:
    """What `compare_runs` finds.

    Attributes
    ----------
    names : tuple of str
        The runs, in the order given.
    runs : tuple of FinishedRun
        The same.
    metric : str
        The primary metric.
    rope : float
        Half-width of the region of practical equivalence, in units of the primary metric.
    scores : DataFrame of float, shape (n_folds, n_runs)
        The primary metric in every fold.
    metrics : DataFrame
        A row per metric: ``metric``, ``better`` ("higher" or "lower"), ``NAME_mean`` and
        ``NAME_std`` (ddof=1) over folds for each run; of two runs also ``difference`` (second -
        first); of the corrected t-test its 95 % interval ``low`` and ``high``, ``p_value``, and
        ``p_holm``, corrected over all metrics but the primary one, which needs no correction;
        ``same_test_as``: the metric that has the same difference in every fold, up to a factor,
        or nothing (such metrics are one test and count once; those of the primary one have no
        ``p_holm``); and of the procedure test ``procedure_low`` and ``procedure_high`` at
        `level`, ``procedure_p`` and ``procedure_holm``.
    tests : DataFrame
        What every registered test finds, a row per pair of runs, ``test`` and, of tests over
        samples, ``repeat``: ``first``, ``second``, ``estimate`` (second - first), ``low``,
        ``high``, ``statistic``, ``p_value``, ``p_holm`` (corrected over the pairs), ``p_first``,
        ``p_equivalent`` and ``p_second``.
    costs : DataFrame
        A row per run: ``run``, ``n_parameters``, ``multiply_adds`` of one image's prediction,
        ``fit_time`` and ``fit_time_std`` (seconds, mean and standard deviation over folds) and
        ``predict_ms_per_image``; NaN where a number was not recorded.
    remarks : tuple of str
        What weakens or colours the comparison.
    pair : PairResult or None
        Of two runs.
    ranking : Ranking or None
        Of more than two.
    level : float
        What the procedure test's p values are compared with: 0.05, or less where the comparison
        was looked at before, or will be.
    looks : Looks or None
        Those looks.
    """

    names: tuple[str, ...]
    runs: tuple[FinishedRun, ...]
    metric: str
    rope: float
    scores: pd.DataFrame
    metrics: pd.DataFrame
    tests: pd.DataFrame
    costs: pd.DataFrame
    remarks: tuple[str, ...]
    pair: PairResult | None = None
    ranking: Ranking | None = None
    level: float = 0.05
    looks: Looks | None = None

    @property
    def greater_is_better(self) -> bool:
        """Which way the primary metric points."""
        return METRICS[self.metric].greater_is_better

    @property
    def n_repeats(self) -> int:
        """How often the folds were drawn."""
        return self.runs[0].result.n_repeats

    @property
    def n_passes(self) -> int:
        """How often every sample is predicted: repeats times seeds."""
        return self.runs[0].result.n_passes

    @property
    def folds(self) -> str:
        """The folds in words, such as "5 folds" or "3 × 5 folds, 2 seeds"."""
        result = self.runs[0].result
        times = f"{self.n_repeats} × " if self.n_repeats > 1 else ""
        seeds = f", {result.n_seeds} seeds" if result.n_seeds > 1 else ""
        return f"{times}{result.n_folds} folds{seeds}"


def compare_runs(
    runs: Sequence[FinishedRun],
    *,
    metric: str = "accuracy",
    rope: float = 0.01,
    level: float = 0.05,
    n_resamples: int = 2_000,
    random_state: int = 0,
) -> Comparison:
    """Compare finished runs on the same data and folds.

    Parameters
    ----------
    runs : sequence of FinishedRun
        Two or more, as `cifar_sk.runs.reading.read_run` returns them.
    metric : str, default="accuracy"
        The primary metric, a key of `cifar_sk.metrics.METRICS`; to be chosen before looking.
    rope : float, default=0.01
        Differences of the primary metric up to this count as practically none.
    level : float, default=0.05
        Of the procedure test and its intervals; less where data that grow are looked at several
        times, see `cifar_sk.statistics.pocock_level`.
    n_resamples : int, default=2000
        Bootstrap samples of the intervals per class.
    random_state : int, default=0
        Their seed.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If data or folds differ, or an argument cannot be used.
    """
    check_alike(runs)
    _check_options(metric, rope, level, n_classes=len(runs[0].result.class_names))
    names = run_names(runs)
    tables = {name: _fold_scores(run.result) for name, run in zip(names, runs, strict=True)}
    scores = pd.DataFrame({name: table[metric] for name, table in tables.items()})
    folds = runs[0].result.scored
    ratio = sum(len(fold.test_index) for fold in folds) / sum(fold.n_train for fold in folds)
    better = METRICS[metric].greater_is_better
    predicted = [predicted_classes(run.result) for run in runs]
    right = [classes == runs[0].result.target[:, None] for classes in predicted]
    results = [run.result for run in runs]
    if len(runs) > 2:
        _check_defined(metric, scores)
    spreads: dict[tuple[str, str], Spread] = {
        (names[one], names[two]): difference_spread(
            results[one], results[two], metric, [tables[names[one]], tables[names[two]]]
        )
        for one, two in combinations(range(len(runs)), 2)
    }
    options: dict[str, Any] = {"rope": rope, "greater_is_better": better}
    options["test_train_ratio"] = ratio
    tests = findings_table(scores, right, spreads, groups=results[0].groups, **options)
    metrics = metric_table(tables, metric, ratio)
    pair = ranking = None
    if len(runs) == 2:
        metrics = metrics.join(
            procedure_tests(metrics, results, [*tables.values()], metric, level)
        )
        pair = compare_pair(
            results,
            names,
            scores,
            predicted,
            spreads[names[0], names[1]],
            test_train_ratio=ratio,
            level=level,
            n_resamples=n_resamples,
            random_state=random_state,
        )
    else:
        ranking = rank_runs(scores, spreads, level=level, **options)
    return Comparison(
        names=names,
        runs=tuple(runs),
        metric=metric,
        rope=rope,
        scores=scores,
        metrics=metrics,
        tests=tests,
        costs=cost_table(runs, names),
        remarks=tuple(remarks(runs, names)),
        pair=pair,
        ranking=ranking,
        level=level,
    )


def _check_options(metric: str, rope: float, level: float, n_classes: int) -> None:
    known = metrics_for(n_classes)
    if metric not in known:
        raise InputError(f"There is no metric {metric!r}{did_you_mean(metric, known)}.")
    if not 0 <= rope < np.inf:
        raise InputError(
            f"rope must be a finite number from 0 on, got {rope}; 0.01 is usual for accuracies."
        )
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1, got {level}; 0.05 is usual.")


def _check_defined(metric: str, scores: pd.DataFrame) -> None:
    undefined = scores.columns[scores.isna().any()].tolist()
    if undefined:
        raise InputError(
            f"{metric} is undefined in a fold of {undefined[0]}, so runs cannot be ranked by "
            "it; name another --metric."
        )


def _fold_scores(result: OOFResult) -> pd.DataFrame:
    table = fold_metrics(result)
    folds = table[table["row"].str.startswith("fold_")].set_index("row")
    return folds[[name for name in METRICS if name in folds]]
