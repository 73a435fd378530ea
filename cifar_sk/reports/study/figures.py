"""The figures of a study's report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, GREY, INK, VERMILLION, heading, make_axes, tidy
from cifar_sk.displays.study_displays import ParallelCoordinatesDisplay, SliceDisplay, short_name
from cifar_sk.reports.run.figures import ReportFigure, finish
from cifar_sk.tuning.tables import StudyTables

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_study_figures"]

# Colour and width of a learning curve.
_STYLES = {"best": (VERMILLION, 2.2), "complete": (BLUE, 1.3)}
_UNFINISHED = (GREY, 1.0)


def draw_study_figures(tables: StudyTables) -> list[ReportFigure]:
    """Draw what can be drawn of a study."""
    figures = [_pareto(tables) if len(tables.front) else _history(tables)]
    if len(tables.curves):
        figures.append(_curves(tables))
    if len(tables.importances):
        figures.append(_importances(tables))
    figures.append(_slices(tables))
    if len(tables.complete) > 1 and len(tables.view.space) > 1:
        figures.append(_parallel(tables))
    return figures


def _history(tables: StudyTables) -> ReportFigure:
    (ax,) = make_axes(None, 1, figsize=(8, 3.6))
    _draw_scores(ax, tables)
    _draw_unfinished(ax, tables.trials)
    ax.set_xlabel("trial")
    ax.set_ylabel(f"{tables.view.objectives[0]}, mean over folds")
    ax.margins(y=0.12)
    tidy(ax)
    heading(ax, "Optimisation history", legend_columns=5)
    caption = (
        "Score of every complete trial, and the best so far; marks at the bottom are trials that "
        "were pruned or failed. The best is selected, hence optimistic."
    )
    n_trials, best = len(tables.trials), tables.view.best.number
    alt = f"Scatter plot over {n_trials} trials; the best is trial {best}."
    return finish("optimization_history", ax.figure, caption, alt)


def _draw_scores(ax: Axes, tables: StudyTables) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    complete, view = tables.complete, tables.view
    numbers, scores = complete["number"], complete[view.objectives[0]]
    so_far = scores.cummax() if view.is_maximized else scores.cummin()
    ax.scatter(numbers, scores, s=28, color=BLUE, label="complete", zorder=3)
    steps = [*numbers, tables.trials["number"].max()], [*so_far, so_far.iloc[-1]]
    ax.step(*steps, where="post", color=VERMILLION, label="best so far")
    _ring_defaults(ax, complete, "number", view.objectives[0], size=110)


def _ring_defaults(ax: Axes, complete: pd.DataFrame, x: str, y: str, *, size: int) -> None:
    default = complete[complete["is_default"].astype(bool)]
    if len(default):
        style: dict[str, Any] = {"facecolors": "none", "edgecolors": INK, "zorder": 4}
        ax.scatter(default[x], default[y], s=size, label="default parameters", **style)


def _draw_unfinished(ax: Axes, trials: pd.DataFrame) -> None:
    for state, marker in (("pruned", "|"), ("failed", "x")):
        some = trials[trials["state"] == state]
        if len(some):
            floor, axis = np.full(len(some), 0.02), ax.get_xaxis_transform()
            ax.plot(some["number"], floor, marker, color=GREY, transform=axis, label=state)


def _curves(tables: StudyTables) -> ReportFigure:
    (ax,) = make_axes(None, 1, figsize=(8, 4))
    trials, curves, view = tables.trials, tables.curves, tables.view
    shown: set[str] = set()
    for number, curve in curves.groupby("number"):
        kind = "best" if number == view.best.number else curve["state"].iloc[0]
        _curve(ax, curve, kind, label=None if kind in shown else kind)
        shown.add(kind)
    _mark_folds(ax, int(curves["fold"].max()) + 1, view.epochs_per_fold)
    ax.set_ylabel(view.objectives[0])
    tidy(ax)
    heading(ax, "Learning curves of finished and pruned trials", legend_columns=4)
    spent, n_pruned = int(trials["n_epochs"].sum()), int((trials["state"] == "pruned").sum())
    caption = (
        "What the pruner saw: the mean over folds, of the scores of finished folds and the inner "
        "validation score of the running one. Where a fold ends, its own score takes the place "
        "of that, at the end of a dotted line. A cross ends a pruned trial."
    )
    alt = f"Line chart; {n_pruned} of {len(trials)} trials were pruned, {spent} epochs trained."
    return finish("learning_curves", ax.figure, caption, alt)


def _curve(ax: Axes, curve: pd.DataFrame, kind: str, label: str | None) -> None:
    """Draw a trial, fold by fold: between folds the value falls for no fault of the trial."""
    colour, width = _STYLES.get(kind, _UNFINISHED)
    style: dict[str, Any] = {"color": colour, "zorder": 3 if kind == "best" else 2}
    for _, fold in curve.groupby("fold"):
        epochs = fold[~fold["is_end"]]
        ax.plot(epochs["position"], epochs["value"], lw=width, alpha=0.9, label=label, **style)
        label = None
        if fold["is_end"].any():
            end = fold[-2:]
            ax.plot(end["position"], end["value"], ls=(0, (1, 1.5)), lw=width, **style)
            ax.plot(*end[["position", "value"]].iloc[-1], "o", ms=3, **style)
    if kind == "pruned":
        ax.plot(*curve[["position", "value"]].iloc[-1], "x", color=INK, markersize=4)


def _mark_folds(ax: Axes, n_folds: int, n_epochs: int) -> None:
    from matplotlib.ticker import MaxNLocator

    for fold in range(1, n_folds):
        ax.axvline(fold * n_epochs, color="#B8B8B8", linewidth=1, zorder=1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if n_folds <= 10:
        ax.set_xticks([fold * n_epochs for fold in range(n_folds + 1)])
    ax.set_xlim(left=0)
    ax.set_xlabel("epochs over all folds (a fold ends at each vertical line)")


def _importances(tables: StudyTables) -> ReportFigure:
    importances, shown = tables.importances, tables.importances[::-1]
    (ax,) = make_axes(None, 1, figsize=(8, 0.8 + 0.32 * len(shown)))
    names = [short_name(name) for name in shown["parameter"]]
    bars = ax.barh(names, shown["importance"], color=BLUE)
    ax.bar_label(bars, fmt="%.2f", padding=3, fontsize=9, color=INK)
    ax.margins(x=0.1)
    ax.set_xlabel("share of the variance (fANOVA)")
    tidy(ax, "x")
    heading(ax, "Importance of the parameters")
    first = importances.iloc[0]
    caption = (
        f"Which parameters account for the differences in {tables.view.objectives[0]} between "
        "complete trials, which are the better ones. With few trials it is a hint and no more."
    )
    alt = f"Bar chart; most important is {first['parameter']} with {first['importance']:.2f}."
    return finish("param_importances", ax.figure, caption, alt)


def _slices(tables: StudyTables) -> ReportFigure:
    view = tables.view
    display = SliceDisplay(tables.complete, view.space, view.objectives[0]).plot()
    caption = (
        "Score of every complete trial against each parameter; later trials are lighter. Other "
        "parameters differ along with it."
    )
    alt = f"{len(view.space)} scatter plots, one for each parameter."
    return finish("slice", display.figure_, caption, alt)


def _parallel(tables: StudyTables) -> ReportFigure:
    complete, view = tables.complete, tables.view
    display = ParallelCoordinatesDisplay(
        complete, view.space, view.objectives[0], greater_is_better=view.is_maximized
    ).plot()
    caption = (
        "Every complete trial as a line through its parameters to its score, at the right; the "
        "better, the darker."
    )
    alt = f"Parallel coordinates of {len(complete)} trials and {len(view.space)} parameters."
    return finish("parallel_coordinate", display.figure_, caption, alt)


def _pareto(tables: StudyTables) -> ReportFigure:
    y_name, x_name = tables.view.objectives[:2]
    is_plane = len(tables.view.objectives) == 2
    complete, front = tables.complete, tables.front.sort_values(x_name)
    beaten = complete[~complete["number"].isin(front["number"])]
    (ax,) = make_axes(None, 1, figsize=(7, 4.2))
    ax.scatter(beaten[x_name], beaten[y_name], s=26, color=GREY, label="beaten by another")
    line = "o-" if is_plane else "o"  # of more objectives this is only one view
    ax.plot(front[x_name], front[y_name], line, color=VERMILLION, label="Pareto front", zorder=3)
    _ring_defaults(ax, complete, x_name, y_name, size=120)
    _scale(ax, x_name, complete[x_name])
    ax.set_xlabel(x_name)
    ax.set_ylabel(y_name)
    tidy(ax, "both")
    heading(ax, "Pareto front", legend_columns=3)
    caption = (
        f"{y_name} against {x_name}{'' if is_plane else ', two of the objectives'}. On the front "
        "no objective can be improved without loss in another, among these trials. Scores are "
        "selected, hence optimistic."
    )
    alt = f"Scatter plot of {len(complete)} trials, {len(front)} of them on the front."
    return finish("pareto_front", ax.figure, caption, alt)


def _scale(ax: Axes, name: str, values: pd.Series) -> None:
    """Let sizes of networks, which span decades, have a log axis with plain numbers."""
    from matplotlib.ticker import EngFormatter, MaxNLocator, NullFormatter

    if name != "n_parameters":
        return
    low, high = float(values.min()), float(values.max())
    if 0 < low < high:
        ax.set_xscale("log")
    if 0 < low < high < 10 * low:
        ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(EngFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
