"""The figures of a comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cifar_sk.comparison.looks import Looks
from cifar_sk.comparison.ranking import Ranking
from cifar_sk.comparison.runs import Comparison, PairResult
from cifar_sk.comparison.wording import listing, metric_name, percent, probability
from cifar_sk.displays.comparison_displays import (
    CriticalDifferenceDisplay,
    DifferencesDisplay,
    FoldScoresDisplay,
    OutcomesDisplay,
    PosteriorDisplay,
)
from cifar_sk.displays.planning_displays import LooksDisplay
from cifar_sk.metrics import METRICS
from cifar_sk.reports.run.figures import ReportFigure, finish

__all__ = ["draw_comparison_figures"]


def draw_comparison_figures(comparison: Comparison) -> list[ReportFigure]:
    """Draw the figures that a comparison of two runs, or of more, has."""
    figures, pair = [_fold_scores(comparison)], comparison.pair
    if comparison.ranking is not None:
        figures.insert(0, _critical_difference(comparison, comparison.ranking))
    if pair is not None:
        if comparison.looks is not None and comparison.looks.is_series:
            figures.append(_looks(comparison, comparison.looks))
        if pair.posterior.scale > 0:  # else all differences are one, and there is no curve
            figures.append(_posterior(comparison, pair))
        figures += [_metric_differences(comparison)]
        figures += [_class_differences(comparison, pair), _outcomes(comparison, pair)]
    return figures


def _critical_difference(comparison: Comparison, ranking: Ranking) -> ReportFigure:
    display = CriticalDifferenceDisplay(ranking, metric_name(comparison.metric)).plot()
    n_pairs = len(ranking.pairs)
    caption = (
        "Critical-difference figure: mean ranks, and a bar through each group of runs of which no "
        f"two are told apart by procedure tests, Holm-corrected over {n_pairs} "
        "pairs (dots on the bar mark who belongs to the group). The folds are not independent "
        "data sets, so no Friedman or Nemenyi test is made and ranks only describe. That runs "
        "are joined does not show that they are equally good."
    )
    groups = [listing(group) for group in ranking.cliques if len(group) > 1]
    alt = (
        f"Runs by mean rank, best first: {', '.join(ranking.table['run'])}. "
        f"Not told apart: {'; '.join(groups) or 'none'}."
    )
    return finish("critical_difference", display.figure_, caption, alt)


def _fold_scores(comparison: Comparison) -> ReportFigure:
    name = metric_name(comparison.metric)
    display = FoldScoresDisplay(comparison.scores, name).plot()
    means = comparison.scores.mean(skipna=False).items()
    listed = ", ".join(f"{run} {mean:.4f}" for run, mean in means)
    sentence = f"{name} of every fold; a line joins the runs' scores on one fold."
    caption = sentence[:1].upper() + sentence[1:]
    alt = f"Lines for {len(comparison.scores)} folds. Means: {listed}."
    return finish("fold_scores", display.figure_, caption, alt)


def _posterior(comparison: Comparison, pair: PairResult) -> ReportFigure:
    name = metric_name(comparison.metric)
    display = PosteriorDisplay(pair.posterior, comparison.rope, comparison.names, name).plot()
    below, equivalent, above = map(probability, display.frame()["probability"])
    alt = (
        f"Bell curve around {pair.posterior.location:+.4f}. Probability below the grey region "
        f"{below}, inside {equivalent}, above {above}."
    )
    caption = (
        "Posterior of the mean difference by the Bayesian correlated t-test; in the grey region "
        "the runs count as practically equivalent."
    )
    return finish("posterior", display.figure_, caption, alt)


def _looks(comparison: Comparison, looks: Looks) -> ReportFigure:
    name, table = metric_name(comparison.metric), looks.frame()
    display = LooksDisplay(table, comparison.rope, comparison.names, name).plot()
    caption = (
        "The difference at every look, with the interval of the procedure test at the level of "
        "that look, in which images and trainings vary. Looking ends where it leaves out 0, or "
        "lies inside the grey region of practical equivalence."
    )
    said = (f"{row['estimate']:+.4f} ({row['decision']})" for row in table.to_dict("records"))
    return finish("looks", display.figure_, caption, f"{len(table)} looks: {', '.join(said)}.")


def _metric_differences(comparison: Comparison) -> ReportFigure:
    table = comparison.metrics
    names = table["metric"].map(lambda name: METRICS[name].label)
    marked = names + np.where(table["better"] == "lower", " ↓", "")
    rows = pd.DataFrame(
        {
            "name": marked,
            "difference": table["difference"],
            "low": table["procedure_low"],
            "high": table["procedure_high"],
        }
    )
    title = "Differences of all metrics"
    display = DifferencesDisplay(rows, comparison.names, title=title, unit="difference").plot()
    apart = ((rows["low"] > 0) | (rows["high"] < 0)).sum()
    caption = (
        f"Differences of every metric with {percent(comparison.level)} intervals of the procedure "
        "test, in which images and trainings vary, each on its own (not corrected for being "
        "many). Filled: the interval leaves out 0. Of metrics with ↓, lower is better."
    )
    alt = f"Dot plot of {len(rows)} metrics; {apart} intervals leave out 0."
    return finish("metric_differences", display.figure_, caption, alt)


def _class_differences(comparison: Comparison, pair: PairResult) -> ReportFigure:
    rows = pair.classes.rename(columns={"class": "name"})
    rows = rows.sort_values("difference", ascending=False, kind="stable")
    display = DifferencesDisplay(rows, comparison.names, title="By class", unit="F1").plot()
    top, bottom = rows.iloc[0], rows.iloc[-1]
    is_grouped = comparison.runs[0].result.groups is not None
    drawn = "groups of images" if is_grouped else "images within each class"
    alt = (
        f"Dot plot of {len(rows)} classes, from {top['name']} with {top['difference']:+.3f} to "
        f"{bottom['name']} with {bottom['difference']:+.3f}."
    )
    caption = (
        f"Differences of F1 by class, with 95 % intervals by a paired bootstrap over {drawn}, "
        "each on its own. They are about these fitted models: what varies between trainings is "
        "not in them. Filled: the interval leaves out 0."
    )
    return finish("class_differences", display.figure_, caption, alt)


def _outcomes(comparison: Comparison, pair: PairResult) -> ReportFigure:
    first, second = comparison.names
    result = comparison.runs[0].result
    display = OutcomesDisplay(pair.outcomes, (first, second)).plot()
    row = pair.outcomes.iloc[-1]
    only_first, only_second = (int(row[f"only_{name}_right"]) for name in (first, second))
    alt = (
        f"Bars by class. Of all images {only_first:,} are right in {first} only and "
        f"{only_second:,} in {second} only."
    )
    caption = (
        "Images of each class that one run gets right and the other does not"
        + (f", by probabilities averaged over {result.passes}" if result.n_passes > 1 else "")
        + ". Counts, with those that both or neither get right, are in outcomes.csv."
    )
    return finish("outcomes", display.figure_, caption, alt)
