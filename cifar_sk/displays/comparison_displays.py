"""Runs against each other: fold by fold, class by class, and in order.

Parameters of all these displays: ``name`` is what the score is called, and ``names`` are the first
run and the second, of which differences are second - first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.comparison.ranking import Ranking
from cifar_sk.comparison.tests.bayesian import CorrelatedPosterior
from cifar_sk.comparison.wording import probability
from cifar_sk.displays.drawing import BLUE, GREY, INK, VERMILLION, Display, heading, label, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CriticalDifferenceDisplay",
    "DifferencesDisplay",
    "FoldScoresDisplay",
    "OutcomesDisplay",
    "PosteriorDisplay",
]


@dataclass(eq=False, repr=False)
class FoldScoresDisplay(Display):
    """The score of every fold by every run, a line for each fold, and the means.

    Lines that cross are folds that disagree about the order of the runs.

    Parameters
    ----------
    scores : DataFrame of float, shape (n_folds, n_runs)
        A column per run.

    Examples
    --------
    >>> scores = pd.DataFrame({"ann": [0.5, 0.6], "cnn": [0.7, 0.6]})
    >>> FoldScoresDisplay(scores, "accuracy").plot().ax_.get_ylabel()
    'accuracy'
    """

    scores: pd.DataFrame
    name: str

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure."""
        n_runs = self.scores.shape[1]
        ax = self._begin(ax, max(4.8, 1.5 * n_runs + 1.2), 4.2)
        places = np.arange(n_runs)
        for row, values in enumerate(self.scores.to_numpy()):
            text = "one fold" if row == 0 else None
            ax.plot(places, values, "o-", ms=4, color=BLUE, lw=1, alpha=0.45, label=text)
        mean = self.scores.mean(axis=0, skipna=False)
        ax.plot(places, mean, "D", ms=7, color=VERMILLION, label="mean over folds")
        names = [label(str(name), 22) for name in self.scores]
        ax.set_xticks(places, names, parse_math=False)
        if n_runs > 4:  # names would run into each other
            ax.tick_params(axis="x", rotation=20)
        ax.set_xlim(-0.4, n_runs - 0.6)
        ax.set_ylabel(self.name)
        tidy(ax)
        heading(ax, f"{self.name[:1].upper()}{self.name[1:]} of every fold", legend_columns=2)
        return self


@dataclass(eq=False, repr=False)
class PosteriorDisplay(Display):
    """What is known of the mean difference, with the region of practical equivalence.

    Parameters
    ----------
    posterior : CorrelatedPosterior
        Of second - first, with a scale.
    rope : float
        Half-width of the region.

    Examples
    --------
    >>> posterior = CorrelatedPosterior(0.02, 0.01, 4)
    >>> display = PosteriorDisplay(posterior, 0.01, ["ann", "cnn"], "accuracy")
    >>> display.frame()["probability"].round(3).tolist()
    [0.02, 0.167, 0.813]
    """

    posterior: CorrelatedPosterior
    rope: float
    names: Sequence[str]
    name: str

    def frame(self) -> pd.DataFrame:
        """Return the ``probability`` of each ``region``: below, equivalent and above."""
        verdict = self.posterior.verdict(self.rope)
        return pd.DataFrame({"region": verdict._fields, "probability": list(verdict)})

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure."""
        ax = self._begin(ax, 6.8, 3.4)
        centre, reach = self.posterior.location, 5 * self.posterior.scale
        low, high = min(centre - reach, -2 * self.rope), max(centre + reach, 2 * self.rope)
        places = np.linspace(low, high, 600)
        density = self.posterior.density(places)
        share = self.posterior.verdict(self.rope).equivalent
        text = f"practically equivalent, ±{self.rope:g}: probability {probability(share)}"
        ax.axvspan(-self.rope, self.rope, color="#E9E9E9", lw=0, label=text)
        ax.axvline(0, color=GREY, lw=1)
        ax.plot(places, density, color=BLUE, lw=2, label="posterior of the mean difference")
        ax.fill_between(places, density, color=BLUE, alpha=0.15, lw=0)
        first, second = (label(name, 24) for name in self.names)
        ax.set_xlabel(f"difference in {self.name}, {second} − {first}", parse_math=False)
        ax.set(xlim=(low, high), ylim=(0, None), yticks=[])
        tidy(ax, None)
        ax.spines["left"].set_visible(False)
        heading(ax, "Bayesian correlated t-test", legend_columns=1, legend_rows=2)
        return self


@dataclass(eq=False, repr=False)
class DifferencesDisplay(Display):
    """Differences between two runs with their intervals, a row for each.

    Parameters
    ----------
    table : DataFrame
        ``name``, ``difference``, ``low`` and ``high``; NaN bounds draw none.
    title, unit : str
        The heading, and what the differences are in.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["cat"], "difference": [0.1], "low": [0.05], "high": [0.2]})
    >>> display = DifferencesDisplay(table, ["ann", "cnn"], title="By class", unit="F1").plot()
    >>> display.ax_.get_xlabel()
    'F1, cnn − ann'
    """

    table: pd.DataFrame
    names: Sequence[str]
    title: str = field(kw_only=True)
    unit: str = field(kw_only=True)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of rows."""
        n_rows = len(self.table)
        ax = self._begin_rows(ax, 1.4, n_rows)
        places = np.arange(n_rows)
        low, high = self.table["low"].to_numpy(), self.table["high"].to_numpy()
        # Filled where the interval leaves out 0, for those who cannot tell the colours apart.
        excludes = (low > 0) | (high < 0)
        ax.axvline(0, color=INK, lw=1)
        ax.hlines(places, low, high, color=np.where(excludes, VERMILLION, GREY), lw=1.8)
        values = self.table["difference"].to_numpy()
        for some, line, fill in [(excludes, VERMILLION, VERMILLION), (~excludes, GREY, "white")]:
            ax.plot(values[some], places[some], "o", ms=6, mec=line, mfc=fill)
        self._name_rows(self.table["name"], 28)
        first, second = (label(name, 24) for name in self.names)
        ax.set_xlabel(f"{self.unit}, {second} − {first}", parse_math=False)
        tidy(ax, "x")
        heading(ax, self.title)
        return self


@dataclass(eq=False, repr=False)
class CriticalDifferenceDisplay(Display):
    """Mean ranks of runs, and bars that join those which cannot be told apart.

    It says what Demšar's figure (2006) says, but the bars come from pairwise tests over one data
    set's folds in the place of Nemenyi's critical difference, which needs many data sets. Such
    groups need not be neighbours, nor exclude each other, so every run has a row of its own, and
    a bar belongs to the rows where it has a dot; those that it only passes are not in the group.

    Parameters
    ----------
    ranking : Ranking
        Of `Comparison.ranking`.

    Examples
    --------
    >>> table = pd.DataFrame({"run": ["b", "a"], "mean": [0.4, 0.2], "std": [0.1, 0.1],
    ...                       "mean_rank": [1.0, 2.0]})
    >>> ranking = Ranking(table, pd.DataFrame(), (("a", "b"),))
    >>> CriticalDifferenceDisplay(ranking, "accuracy").plot().frame()["run"].tolist()
    ['b', 'a']
    """

    ranking: Ranking
    name: str

    def frame(self) -> pd.DataFrame:
        """Return the runs with their mean scores and ranks, best first."""
        return self.ranking.table

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of runs."""
        table = self.ranking.table
        bars = [group for group in self.ranking.cliques if len(group) > 1]
        n_runs = len(table)
        ax = self._begin(ax, 7.2, 1.5 + 0.42 * n_runs)
        rows = np.arange(n_runs)
        ax.hlines(rows, 1, table["mean_rank"], color="#C8C8C8", lw=1)
        ax.plot(table["mean_rank"], rows, "D", ms=7, color=VERMILLION)
        style: dict[str, Any] = {"va": "center", "fontsize": 9, "color": INK}
        for row, run in enumerate(table.to_dict("records")):
            text, place = f"{run['mean']:.4f} ± {run['std']:.4f}", (run["mean_rank"], row)
            ax.annotate(text, place, xytext=(9, 0), textcoords="offset points", **style)
        self._draw_bars(bars, n_runs)
        ax.set_yticks(rows, [label(run, 30) for run in table["run"]], parse_math=False)
        ax.set_ylim(n_runs - 0.4, -0.6)
        ax.set_xticks(range(1, n_runs + 1))
        ax.set_xlabel(f"mean rank of {self.name} over folds (1 is best)", loc="left")
        tidy(ax, "x")
        ax.spines["bottom"].set_bounds(0.8, n_runs)
        title = "Mean ranks; bars join runs that are not told apart" if bars else "Mean ranks"
        heading(ax, title)
        return self

    def _draw_bars(self, bars: Sequence[Sequence[str]], n_runs: int) -> None:
        """Draw the groups right of the ranks and of the numbers beside them."""
        step, start = 0.055 * n_runs, n_runs + 0.4 * n_runs
        row_of = {run: row for row, run in enumerate(self.ranking.table["run"])}
        for place, group in enumerate(bars):
            rows = [row_of[run] for run in group]
            self.ax_.plot([start + step * place] * len(rows), rows, "o-", ms=7, lw=3, color=INK)
        self.ax_.set_xlim(0.8, start + step * max(len(bars) - 0.5, 0))


@dataclass(eq=False, repr=False)
class OutcomesDisplay(Display):
    """What two runs each miss that the other gets, class by class.

    Parameters
    ----------
    outcomes : DataFrame
        Of `PairResult.outcomes`.

    Examples
    --------
    >>> outcomes = pd.DataFrame({"class": ["cat", "all"], "both_right": [5, 5],
    ...                          "only_a_right": [2, 2], "only_b_right": [4, 4],
    ...                          "both_wrong": [1, 1]})
    >>> display = OutcomesDisplay(outcomes, ("a", "b")).plot()
    >>> [f"{bar.get_width():.3f}" for bar in display.ax_.patches]
    ['-16.667', '33.333']
    """

    outcomes: pd.DataFrame
    names: Sequence[str]

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of classes."""
        table = self.outcomes.iloc[:-1]
        n_classes = len(table)
        ax = self._begin_rows(ax, 1.7, n_classes)
        total = table.drop(columns="class").sum(axis=1).clip(lower=1)
        places = np.arange(n_classes)
        for name, colour, sign in zip(self.names, (VERMILLION, BLUE), (-1, 1), strict=True):
            share = 100 * table[f"only_{name}_right"] / total
            ax.barh(places, sign * share, color=colour, label=f"only {label(name)} is right")
        self._name_rows(table["class"], 30)
        ax.axvline(0, color=INK, lw=0.8)
        ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        ax.set_xlabel("% of the samples of the class")
        tidy(ax, "x")
        heading(ax, "Right in one run only", legend_columns=2)
        return self
