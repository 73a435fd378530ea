"""The comparison of finished runs: every table that a conclusion may rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from cifar_sk.comparison.alike import check_alike, remarks, run_names
from cifar_sk.comparison.bootstrap import class_f1_differences
from cifar_sk.comparison.costs import cost_table
from cifar_sk.comparison.ranking import Ranking, rank_runs
from cifar_sk.comparison.samples import only_one_right, outcomes_by_class, predicted_classes
from cifar_sk.comparison.tests.bayesian import CorrelatedPosterior, correlated_posterior
from cifar_sk.comparison.tests.findings import findings_table
from cifar_sk.comparison.tests.holm import holm, same_tests
from cifar_sk.comparison.tests.mcnemar import mcnemar_table
from cifar_sk.comparison.tests.nadeau_bengio import corrected_paired_t_test
from cifar_sk.comparison.tests.protocol import Finding, SampleOutcomes
from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics import METRICS, fold_metrics
from cifar_sk.metrics.scores import metrics_for
from cifar_sk.runs.reading import FinishedRun

__all__ = ["Comparison", "PairResult", "compare_runs"]


@dataclass(frozen=True)
class PairResult:
    """What two runs differ by; every difference is second - first.

    Attributes
    ----------
    test : Finding
        The corrected t-test of the primary metric over folds.
    posterior : CorrelatedPosterior
        What the Bayesian test knows of the same difference.
    mcnemar : DataFrame
        A row per repeat: ``repeat``; the numbers of samples that ``both``, ``only_first``,
        ``only_second`` and ``neither`` get right; ``difference`` in accuracy with ``low`` and
        ``high``; and McNemar's exact ``p_value``.
    classes : DataFrame
        A row per class: ``class``, ``f1_first``, ``f1_second``, ``difference``, its bootstrap
        bounds ``low`` and ``high``, and ``support``, the number of samples.
    only_one_right : DataFrame
        The samples that one run gets right in every repeat, and the other in none.
    outcomes : DataFrame
        Per class, how many samples both, one or neither run gets right.
    n_other_predictions : int
        Predictions, over all repeats, of another class.
    """

    test: Finding
    posterior: CorrelatedPosterior
    mcnemar: pd.DataFrame
    classes: pd.DataFrame
    only_one_right: pd.DataFrame
    outcomes: pd.DataFrame
    n_other_predictions: int


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
        first), its 95 % interval ``low`` and ``high``, ``p_value``, ``p_holm``, corrected over
        all metrics but the primary one, which needs no correction, and ``same_test_as``: the
        metric that has the same difference in every fold, up to a factor, or nothing. Such
        metrics are one test and count once; those of the primary one have no ``p_holm``.
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
    _check_options(metric, rope, n_classes=len(runs[0].result.class_names))
    names = run_names(runs)
    tables = {name: _fold_scores(run.result) for name, run in zip(names, runs, strict=True)}
    scores = pd.DataFrame({name: table[metric] for name, table in tables.items()})
    folds = runs[0].result.scored
    ratio = sum(len(fold.test_index) for fold in folds) / sum(fold.n_train for fold in folds)
    better = METRICS[metric].greater_is_better
    predicted = [predicted_classes(run.result) for run in runs]
    right = [classes == runs[0].result.target[:, None] for classes in predicted]
    tests = findings_table(
        scores, right, test_train_ratio=ratio, rope=rope, greater_is_better=better
    )
    pair = ranking = None
    if len(runs) == 2:
        pair = _compare_pair(runs, names, scores, predicted, ratio, n_resamples, random_state)
    else:
        _check_defined(metric, scores)
        ranking = rank_runs(scores, test_train_ratio=ratio, rope=rope, greater_is_better=better)
    return Comparison(
        names=names,
        runs=tuple(runs),
        metric=metric,
        rope=rope,
        scores=scores,
        metrics=_metric_table(tables, metric, ratio),
        tests=tests,
        costs=cost_table(runs, names),
        remarks=tuple(remarks(runs, names)),
        pair=pair,
        ranking=ranking,
    )


def _check_options(metric: str, rope: float, n_classes: int) -> None:
    known = metrics_for(n_classes)
    if metric not in known:
        raise InputError(f"There is no metric {metric!r}{did_you_mean(metric, known)}.")
    if not 0 <= rope < np.inf:
        raise InputError(
            f"rope must be a finite number from 0 on, got {rope}; 0.01 is usual for accuracies."
        )


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


def _metric_table(tables: dict[str, pd.DataFrame], primary: str, ratio: float) -> pd.DataFrame:
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


def _compare_pair(
    runs: Sequence[FinishedRun],
    names: Sequence[str],
    scores: pd.DataFrame,
    predicted: Sequence[np.ndarray],
    ratio: float,
    n_resamples: int,
    random_state: int,
) -> PairResult:
    results = [run.result for run in runs]
    target, class_names = results[0].target, results[0].class_names
    differences = (scores[names[1]] - scores[names[0]]).to_numpy()
    one, two = predicted
    classes = class_f1_differences(
        target, one, two, len(class_names), n_resamples=n_resamples, random_state=random_state
    )
    classes.insert(0, "class", list(class_names))
    first, second = (classes == target[:, None] for classes in predicted)
    outcomes = [SampleOutcomes(*repeat) for repeat in zip(first.T, second.T, strict=True)]
    return PairResult(
        test=corrected_paired_t_test(differences, test_train_ratio=ratio),
        posterior=correlated_posterior(differences, test_train_ratio=ratio),
        mcnemar=mcnemar_table(outcomes),
        classes=classes,
        only_one_right=only_one_right(results, names, predicted),
        outcomes=outcomes_by_class(results, names),
        n_other_predictions=int((one != two).sum()),
    )
