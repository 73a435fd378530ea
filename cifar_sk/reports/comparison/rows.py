"""The tables of a comparison as text, alike for Markdown, page and terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cifar_sk.comparison.ranking import Ranking
from cifar_sk.comparison.runs import Comparison, PairResult
from cifar_sk.comparison.wording import p_text
from cifar_sk.metrics import METRICS
from cifar_sk.reports.templating import number, pair, plain_text

__all__ = ["TextTable", "comparison_tables", "cost_rows", "run_rows"]


@dataclass(frozen=True)
class TextTable:
    """A table for people.

    Attributes
    ----------
    name, title, note : str
        Anchor, heading, and what to know when reading it.
    rows : list of list of str
        The headings, then the rows.
    """

    name: str
    title: str
    note: str
    rows: list[list[str]]


def comparison_tables(comparison: Comparison) -> list[TextTable]:
    """Write the tables of a comparison.

    Parameters
    ----------
    comparison : Comparison
        As `cifar_sk.comparison.compare_runs` returns it.

    Returns
    -------
    list of TextTable
        In reading order.
    """
    ranking = comparison.ranking
    tables = []
    if ranking is not None:
        tables = [_ranking(comparison, ranking), _pairs(comparison, ranking)]
    tables.append(_metrics(comparison))
    if comparison.pair is not None:
        tables += [
            _bayesian(comparison, comparison.pair),
            _samples(comparison, comparison.pair),
            _classes(comparison, comparison.pair),
        ]
    tables.append(_costs(comparison))
    return tables


def _p(value: float) -> str:
    return "–" if pd.isna(value) else p_text(value).removeprefix("p = ").removeprefix("p ")


def _interval(row: Mapping[Any, Any], text: str = "{:+.4f}") -> str:
    return pair(row["low"], row["high"], "to", text)


def _metrics(comparison: Comparison) -> TextTable:
    names = comparison.names
    is_pair = comparison.pair is not None
    rows = [["metric", "better", *names]]
    if is_pair:
        rows[0] += ["difference", "95 % interval", "p", "p, Holm"]
    for row in comparison.metrics.to_dict("records"):
        is_primary = row["metric"] == comparison.metric
        metric = METRICS[row["metric"]].label + (" (primary)" if is_primary else "")
        scores = [pair(row[f"{name}_mean"], row[f"{name}_std"], "±") for name in names]
        cells = [metric, row["better"], *scores]
        if is_pair:
            difference = number(row["difference"], "{:+.4f}")
            cells += [difference, _interval(row), _p(row["p_value"]), _p(row["p_holm"])]
        rows.append(cells)
    note = f"Mean ± standard deviation over {comparison.folds}, which is no standard error."
    if is_pair:
        note += (
            f" Differences are {names[1]} − {names[0]}. Intervals and p values: Nadeau–Bengio "
            "corrected paired t-test over folds. The primary metric's p needs no correction; the "
            "others are Holm-corrected among themselves in the last column, their intervals not."
        )
    return TextTable("metrics", "Metrics", note, rows)


def _bayesian(comparison: Comparison, pair_result: PairResult) -> TextTable:
    first, second = comparison.names
    verdict = pair_result.posterior.verdict(comparison.rope)
    lower, higher = (first, second) if comparison.greater_is_better else (second, first)
    chances = {lower: verdict.below, higher: verdict.above}
    rows = [
        ["verdict", "probability"],
        [f"{first} is better by more than {comparison.rope:g}", number(chances[first])],
        [f"practically equivalent (within ±{comparison.rope:g})", number(verdict.equivalent)],
        [f"{second} is better by more than {comparison.rope:g}", number(chances[second])],
    ]
    note = (
        f"Bayesian correlated t-test of {METRICS[comparison.metric].label} over "
        f"{comparison.folds} (Corani and Benavoli 2015)."
    )
    return TextTable("bayesian", "Probabilities", note, rows)


def _samples(comparison: Comparison, pair_result: PairResult) -> TextTable:
    first, second = comparison.names
    rows = [
        [
            "repeat",
            "both right",
            f"only {first}",
            f"only {second}",
            "both wrong",
            "difference",
            "95 % interval",
            "p",
        ]
    ]
    for row in pair_result.mcnemar.to_dict("records"):
        counts = [f"{row[name]:,}" for name in ("both", "only_first", "only_second", "neither")]
        difference = f"{row['difference']:+.4f}"
        repeat = str(row["repeat"] + 1)
        rows.append([repeat, *counts, difference, _interval(row), _p(row["p_value"])])
    note = (
        "Images by who gets them right, with McNemar's exact test and Bonett and Price's interval "
        f"on the difference in accuracy, {second} − {first}. Both are about these fitted models: "
        "what varies between trainings is not in them. Repeats predict the same images, so each "
        "is tested on its own."
    )
    return TextTable("samples", "Who gets which images right", note, rows)


def _classes(comparison: Comparison, pair_result: PairResult) -> TextTable:
    first, second = comparison.names
    rows = [["class", first, second, "difference", "95 % interval", "images"]]
    for row in pair_result.classes.to_dict("records"):
        scores = [f"{row[name]:.3f}" for name in ("f1_first", "f1_second")]
        interval = _interval(row, "{:+.3f}")
        rows.append(
            [row["class"], *scores, f"{row['difference']:+.3f}", interval, f"{row['support']:,}"]
        )
    note = (
        f"F1 of all out-of-fold predictions, differences {second} − {first}; paired bootstrap "
        "over images within each class, about these fitted models, each interval on its own."
    )
    return TextTable("classes", "F1 by class", note, rows)


def _ranking(comparison: Comparison, ranking: Ranking) -> TextTable:
    rows = [["run", METRICS[comparison.metric].label, "mean rank"]]
    for row in ranking.table.to_dict("records"):
        rows.append([row["run"], pair(row["mean"], row["std"], "±"), f"{row['mean_rank']:.2f}"])
    note = (
        f"Mean ± standard deviation, and mean rank, over {comparison.folds}. Folds of one data "
        "set are not independent, so ranks only describe; the tests are those of the pairs."
    )
    return TextTable("ranking", "Ranking", note, rows)


def _pairs(comparison: Comparison, ranking: Ranking) -> TextTable:
    headings = ["pair", "difference", "95 % interval", "p", "p, Holm"]
    rows = [[*headings, "P(first better)", "P(equivalent)"]]
    for row in ranking.pairs.to_dict("records"):
        rows.append(
            [
                f"{row['better']} − {row['worse']}",
                number(row["difference"], "{:+.4f}"),
                _interval(row),
                _p(row["p_value"]),
                _p(row["p_holm"]),
                number(row["p_better"]),
                number(row["p_equivalent"]),
            ]
        )
    note = (
        f"Nadeau–Bengio corrected paired t-tests of {METRICS[comparison.metric].label}; p values "
        f"Holm-corrected over {len(ranking.pairs)} pairs, intervals not. Probabilities: Bayesian "
        f"correlated t-test, better by more than {comparison.rope:g}, or equivalent within it."
    )
    return TextTable("pairs", "Pairs", note, rows)


def cost_rows(comparison: Comparison) -> list[list[str]]:
    """Write what the runs cost.

    Parameters
    ----------
    comparison : Comparison
        Any.

    Returns
    -------
    list of list of str
        The headings, then a row per run; dashes for what is not known.
    """
    headings = [
        "parameters",
        "multiply-adds per image",
        "fit, s per fold",
        "predict, ms per image",
    ]
    rows = [["run", *headings]]
    for row in comparison.costs.to_dict("records"):
        rows.append(
            [
                row["run"],
                number(row["n_parameters"], "{:,.0f}"),
                number(row["multiply_adds"], "{:,.0f}"),
                pair(row["fit_time"], row["fit_time_std"], "±", "{:.1f}"),
                number(row["predict_ms_per_image"], "{:.3f}"),
            ]
        )
    return rows


def _costs(comparison: Comparison) -> TextTable:
    note = (
        "Multiply-adds of the dense and convolution layers for one pass of one image; predicting "
        "may take several passes (test-time augmentation), and its milliseconds hold them all. "
        "Times are those of the machine at the time, mean ± standard deviation over folds. A "
        "dash: not known, or not the same in all folds."
    )
    return TextTable("costs", "Costs", note, cost_rows(comparison))


def run_rows(comparison: Comparison) -> list[list[str]]:
    """Write what the runs are.

    Parameters
    ----------
    comparison : Comparison
        Any.

    Returns
    -------
    list of list of str
        Headings, then a row per run: name, title, seed and command.
    """
    rows = [["run", "what", "seed", "command"]]
    for name, run in zip(comparison.names, comparison.runs, strict=True):
        manifest = run.manifest
        values = [manifest.title, manifest.seed, manifest.command]
        rows.append([name, *(plain_text(value) for value in values)])
    return rows
