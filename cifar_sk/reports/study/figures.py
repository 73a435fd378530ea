"""The figures of a study's report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, GREY, INK, VERMILLION, heading, make_axes, tidy
from cifar_sk.displays.study_displays import ParallelCoordinatesDisplay, SliceDisplay
from cifar_sk.reports.run.figures import ReportFigure, finish
from cifar_sk.reports.study.tables import (
    curves_table,
    importances_table,
    objectives_of,
    pareto_table,
    trials_table,
)

if TYPE_CHECKING:
    import optuna
    from matplotlib.axes import Axes

__all__ = ["draw_study_figures"]

# Colour and width of a learning curve.
_STYLES = {
    "best": (VERMILLION, 2.2),
    "complete": (BLUE, 1.3),
    "pruned": (GREY, 1.0),
    "failed": (GREY, 1.0),
}


def draw_study_figures(study: optuna.Study) -> list[ReportFigure]:
    """Draw what can be drawn of a study.

    Parameters
    ----------
    study : optuna.Study
        With a complete trial.

    Returns
    -------
    list of ReportFigure
    """
    table = trials_table(study)
    single = len(objectives_of(study)) == 1
    figures = [_history(study, table)] if single else [_pareto(study, table)]
    curves = curves_table(study) if single else pd.DataFrame()
    if len(curves):
        figures.append(_curves(study, table, curves))
    importances = importances_table(study)
    if len(importances):
        figures.append(_importances(importances, objectives_of(study)[0]))
    figures.append(_slices(study, table))
    if (table["state"] == "complete").sum() > 1 and len(_params(study)) > 1:
        figures.append(_parallel(study, table))
    return figures


def _params(study: optuna.Study) -> dict[str, Any]:
    return study.user_attrs["identity"]["space"]


def _short(name: str) -> str:
    """Leave out the step: all parameters but those of augmentation are the classifier's."""
    return name.removeprefix("classifier__")


def _best(study: optuna.Study, table: pd.DataFrame) -> int:
    """Return the number of the best trial."""
    complete = table[table["state"] == "complete"]
    score = complete[objectives_of(study)[0]].to_numpy(dtype=float)
    place = score.argmax() if _is_maximized(study) else score.argmin()
    return int(complete["number"].to_numpy()[place])


def _is_maximized(study: optuna.Study) -> bool:
    return study.directions[0].name == "MAXIMIZE"


def _history(study: optuna.Study, table: pd.DataFrame) -> ReportFigure:
    from matplotlib.ticker import MaxNLocator

    name = objectives_of(study)[0]
    complete = table[table["state"] == "complete"]
    so_far = complete[name].cummax() if _is_maximized(study) else complete[name].cummin()
    (ax,) = make_axes(None, 1, figsize=(8, 3.6))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    default = complete["is_default"].to_numpy(dtype=bool)
    ax.scatter(complete["number"], complete[name], s=28, color=BLUE, label="complete", zorder=3)
    ax.step(
        [*complete["number"], table["number"].max()],
        [*so_far, so_far.iloc[-1]],
        where="post",
        color=VERMILLION,
        label="best so far",
    )
    if default.any():
        ax.scatter(
            complete["number"][default],
            complete[name][default],
            s=110,
            facecolors="none",
            edgecolors=INK,
            label="default parameters",
            zorder=4,
        )
    for state, marker in (("pruned", "|"), ("failed", "x")):
        some = table[table["state"] == state]
        if len(some):
            floor = np.full(len(some), 0.02)
            ax.plot(
                some["number"],
                floor,
                marker,
                color=GREY,
                transform=ax.get_xaxis_transform(),
                label=state,
            )
    ax.set_xlabel("trial")
    ax.set_ylabel(f"{name}, mean over folds")
    ax.margins(y=0.12)
    tidy(ax)
    heading(ax, "Optimisation history", legend_columns=5)
    best = _best(study, table)
    caption = (
        "Score of every complete trial, and the best so far; marks at the bottom are trials that "
        "were pruned or failed. The best is selected, hence optimistic."
    )
    alt = f"Scatter plot over {len(table)} trials; the best is trial {best}."
    return finish("optimization_history", ax.figure, caption, alt)


def _curves(study: optuna.Study, table: pd.DataFrame, curves: pd.DataFrame) -> ReportFigure:
    (ax,) = make_axes(None, 1, figsize=(8, 4))
    best = _best(study, table)
    shown: set[str] = set()
    for number, curve in curves.groupby("number"):
        what = "best" if number == best else curve["state"].iloc[0]
        _curve(ax, curve, what, label=None if what in shown else what)
        shown.add(what)
    _mark_folds(ax, int(curves["fold"].max()) + 1, study.user_attrs["epochs_per_fold"])
    ax.set_ylabel(objectives_of(study)[0])
    tidy(ax)
    heading(ax, "Learning curves of finished and pruned trials", legend_columns=4)
    spent, n_pruned = int(table["n_epochs"].sum()), int((table["state"] == "pruned").sum())
    caption = (
        "What the pruner saw: the mean over folds, of the scores of finished folds and the inner "
        "validation score of the running one. Where a fold ends, its own score takes the place "
        "of that, at the end of a dotted line. A cross ends a pruned trial."
    )
    alt = f"Line chart; {n_pruned} of {len(table)} trials were pruned, {spent} epochs trained."
    return finish("learning_curves", ax.figure, caption, alt)


def _curve(ax: Axes, curve: pd.DataFrame, what: str, label: str | None) -> None:
    """Draw a trial, fold by fold: between folds the value falls for no fault of the trial."""
    colour, width = _STYLES[what]
    style: dict[str, Any] = {"color": colour, "zorder": 3 if what == "best" else 2}
    for _, fold in curve.groupby("fold"):
        epochs = fold[~fold["is_end"]]
        ax.plot(epochs["position"], epochs["value"], lw=width, alpha=0.9, label=label, **style)
        label = None
        if fold["is_end"].any():
            end = fold[-2:]
            ax.plot(end["position"], end["value"], ls=(0, (1, 1.5)), lw=width, **style)
            ax.plot(*end[["position", "value"]].iloc[-1], "o", ms=3, **style)
    if what == "pruned":
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


def _importances(importances: pd.DataFrame, objective: str) -> ReportFigure:
    shown = importances[::-1]
    (ax,) = make_axes(None, 1, figsize=(8, 0.8 + 0.32 * len(shown)))
    bars = ax.barh([_short(name) for name in shown["parameter"]], shown["importance"], color=BLUE)
    ax.bar_label(bars, fmt="%.2f", padding=3, fontsize=9, color=INK)
    ax.margins(x=0.1)
    ax.set_xlabel("share of the variance (fANOVA)")
    tidy(ax, "x")
    heading(ax, "Importance of the parameters")
    first = importances.iloc[0]
    caption = (
        f"Which parameters account for the differences in {objective} between complete trials, "
        "which are the better ones. With few trials it is a hint and no more."
    )
    alt = f"Bar chart; most important is {first['parameter']} with {first['importance']:.2f}."
    return finish("param_importances", ax.figure, caption, alt)


def _slices(study: optuna.Study, table: pd.DataFrame) -> ReportFigure:
    complete, space = table[table["state"] == "complete"], _params(study)
    display = SliceDisplay(complete, space, objectives_of(study)[0]).plot()
    caption = (
        "Score of every complete trial against each parameter; later trials are lighter. Other "
        "parameters differ along with it."
    )
    alt = f"{len(space)} scatter plots, one for each parameter."
    return finish("slice", display.figure_, caption, alt)


def _parallel(study: optuna.Study, table: pd.DataFrame) -> ReportFigure:
    complete, space = table[table["state"] == "complete"], _params(study)
    display = ParallelCoordinatesDisplay(
        complete, space, objectives_of(study)[0], greater_is_better=_is_maximized(study)
    ).plot()
    caption = (
        "Every complete trial as a line through its parameters to its score, at the right; the "
        "better, the darker."
    )
    alt = f"Parallel coordinates of {len(complete)} trials and {len(space)} parameters."
    return finish("parallel_coordinate", display.figure_, caption, alt)


def _pareto(study: optuna.Study, table: pd.DataFrame) -> ReportFigure:
    y_name, x_name = objectives_of(study)[:2]
    is_plane = len(objectives_of(study)) == 2
    complete = table[table["state"] == "complete"]
    front = pareto_table(study).sort_values(x_name)
    beaten = complete[~complete["number"].isin(front["number"])]
    default = complete[complete["is_default"].astype(bool)]
    (ax,) = make_axes(None, 1, figsize=(7, 4.2))
    ax.scatter(beaten[x_name], beaten[y_name], s=26, color=GREY, label="beaten by another")
    line = "o-" if is_plane else "o"  # of more objectives this is only one view
    ax.plot(front[x_name], front[y_name], line, color=VERMILLION, label="Pareto front", zorder=3)
    if len(default):
        style: dict[str, Any] = {"facecolors": "none", "edgecolors": INK, "zorder": 4}
        ax.scatter(default[x_name], default[y_name], s=120, label="default parameters", **style)
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
