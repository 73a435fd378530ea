"""The figures of a study's report."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, GREY, INK, VERMILLION, heading, make_axes, tidy
from cifar_sk.report.figures import ReportFigure, finish
from cifar_sk.report.study_tables import (
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
        figures.append(_importances(importances))
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
    is_max = study.directions[0].name == "MAXIMIZE"
    return int(complete["number"].to_numpy()[score.argmax() if is_max else score.argmin()])


def _history(study: optuna.Study, table: pd.DataFrame) -> ReportFigure:
    name = objectives_of(study)[0]
    is_max = study.direction.name == "MAXIMIZE"
    complete = table[table["state"] == "complete"]
    so_far = complete[name].cummax() if is_max else complete[name].cummin()
    (ax,) = make_axes(None, 1, figsize=(8, 3.6))
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
    styles = {"pruned": (GREY, 1.0), "complete": (BLUE, 1.3), "failed": (GREY, 1.0)}
    shown: set[str] = set()
    for number, curve in curves.groupby("number"):
        state = curve["state"].iloc[0]
        color, width = (VERMILLION, 2.2) if number == best else styles[state]
        what = "best" if number == best else state
        ax.plot(
            curve["position"],
            curve["value"],
            color=color,
            linewidth=width,
            alpha=0.9,
            zorder=3 if number == best else 2,
            label=None if what in shown else what,
        )
        if state == "pruned":
            ax.plot(*curve[["position", "value"]].iloc[-1], "x", color=INK, markersize=4)
        shown.add(what)
    for fold in range(1, math.ceil(curves["position"].max())):
        ax.axvline(fold, color="#D0D0D0", linewidth=0.8, zorder=1)
    ax.set_xlabel("folds (a fold's epochs from line to line)")
    ax.set_ylabel(objectives_of(study)[0])
    ax.set_xlim(left=0)
    tidy(ax)
    heading(ax, "Learning curves of finished and pruned trials", legend_columns=4)
    spent, n_pruned = int(table["n_epochs"].sum()), int((table["state"] == "pruned").sum())
    caption = (
        "What the pruner saw: the mean over folds, of the scores of finished folds and the inner "
        "validation score of the running one. A cross ends a pruned trial."
    )
    alt = f"Line chart; {n_pruned} of {len(table)} trials were pruned, {spent} epochs trained."
    return finish("learning_curves", ax.figure, caption, alt)


def _importances(importances: pd.DataFrame) -> ReportFigure:
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
        "Which parameters account for the differences between complete trials, which are the "
        "better ones. With few trials it is a hint and no more."
    )
    alt = f"Bar chart; most important is {first['parameter']} with {first['importance']:.2f}."
    return finish("param_importances", ax.figure, caption, alt)


def _slices(study: optuna.Study, table: pd.DataFrame) -> ReportFigure:
    space, name = _params(study), objectives_of(study)[0]
    n_columns = min(3, len(space))
    n_rows = math.ceil(len(space) / n_columns)
    axes = make_axes(
        None,
        len(space),
        figsize=(3.2 * n_columns + 0.4, 2.7 * n_rows),
        nrows=n_rows,
        ncols=n_columns,
        sharey=True,
    )
    complete = table[table["state"] == "complete"]
    for ax, (param, entry) in zip(axes, space.items(), strict=False):
        places = _places(entry, complete[param])
        _label_places(ax, entry)
        ax.scatter(places, complete[name], c=complete["number"], cmap="viridis", s=24)
        ax.set_xlabel(_short(param), fontsize=10)
        tidy(ax, "both")
    for ax in axes[len(space) :]:
        ax.set_visible(False)
    for ax in axes[::n_columns]:
        ax.set_ylabel(name)
    caption = (
        "Score of every complete trial against each parameter; later trials are lighter. Other "
        "parameters differ along with it."
    )
    alt = f"{len(space)} scatter plots, one for each parameter."
    return finish("slice", axes[0].figure, caption, alt)


def _parallel(study: optuna.Study, table: pd.DataFrame) -> ReportFigure:
    import matplotlib as mpl

    space, name = _params(study), objectives_of(study)[0]
    complete = table[table["state"] == "complete"].sort_values(name)
    (ax,) = make_axes(None, 1, figsize=(max(7.0, 1.35 * (len(space) + 1)), 4.6))
    score = complete[name].to_numpy(dtype=float)
    low, high = float(score.min()), float(score.max())
    columns = [_unit(entry, complete[param]) for param, entry in space.items()]
    columns.append((score - low) / (high - low) if high > low else np.full(len(score), 0.5))
    colors = mpl.colormaps["viridis_r"](columns[-1])
    for values, color in zip(np.transpose(columns), colors, strict=True):
        ax.plot(values, color=color, linewidth=1.4, alpha=0.85)
    for place, (param, entry) in enumerate(space.items()):
        _axis(ax, place, _short(param), _ticks(entry))
    _axis(ax, len(space), name, [(0.0, f"{low:.3f}"), (1.0, f"{high:.3f}")])
    ax.set_xlim(-0.35, len(space) + 0.6)
    ax.set_ylim(-0.08, 1.16)
    ax.set_axis_off()
    caption = "Every complete trial as a line through its parameters to its score, at the right."
    alt = f"Parallel coordinates of {len(complete)} trials and {len(space)} parameters."
    return finish("parallel_coordinate", ax.figure, caption, alt)


def _axis(ax: Axes, place: int, name: str, ticks: list[tuple[float, str]]) -> None:
    ax.plot([place, place], [0, 1], color=GREY, linewidth=1, zorder=1)
    wrapped = name.replace("_", "_\n") if len(name) > 12 else name
    ax.text(place, 1.04, wrapped, ha="center", va="bottom", fontsize=9, color=INK)
    for height, text in ticks:
        ax.text(
            place + 0.04,
            height,
            text,
            fontsize=8,
            va="center",
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
            zorder=4,
        )


def _pareto(study: optuna.Study, table: pd.DataFrame) -> ReportFigure:
    y_name, x_name = objectives_of(study)[:2]
    complete = table[table["state"] == "complete"]
    front = pareto_table(study).sort_values(x_name)
    (ax,) = make_axes(None, 1, figsize=(7, 4.2))
    ax.scatter(complete[x_name], complete[y_name], s=26, color=GREY, label="beaten in both")
    ax.plot(front[x_name], front[y_name], "o-", color=VERMILLION, label="Pareto front", zorder=3)
    default = complete[complete["is_default"].astype(bool)]
    if len(default):
        ax.scatter(
            default[x_name],
            default[y_name],
            s=120,
            facecolors="none",
            edgecolors=INK,
            label="default parameters",
            zorder=4,
        )
    if x_name == "n_parameters" and complete[x_name].min() > 0:
        ax.set_xscale("log")
    ax.set_xlabel(x_name)
    ax.set_ylabel(y_name)
    tidy(ax, "both")
    heading(ax, "Pareto front", legend_columns=3)
    caption = (
        f"{y_name} against {x_name}. On the front neither can be improved without loss in the "
        "other, among these trials. Scores are selected, hence optimistic."
    )
    alt = f"Scatter plot of {len(complete)} trials, {len(front)} of them on the front."
    return finish("pareto_front", ax.figure, caption, alt)


def _options(entry: Any) -> list[Any]:
    """List the choices as a study stores them."""
    return [
        json.dumps(option, separators=(",", ":")) if isinstance(option, list) else option
        for option in entry
    ]


def _places(entry: Any, values: pd.Series) -> np.ndarray:
    """Return where values stand on an axis: choices by their position."""
    if isinstance(entry, dict):
        return values.to_numpy(dtype=float)
    texts = [str(option) for option in _options(entry)]
    return np.array([texts.index(_as_text(value, texts)) for value in values])


def _as_text(value: Any, texts: list[str]) -> str:
    """Return the choice that a table's value is, though pandas made a float of an int."""
    if str(value) in texts:
        return str(value)
    if pd.isna(value):
        return "None"
    return str(int(value)) if float(value).is_integer() else str(value)


def _unit(entry: Any, values: pd.Series) -> np.ndarray:
    """Return values between 0 and 1."""
    places = _places(entry, values)
    if not isinstance(entry, dict):
        return places / (len(entry) - 1) if len(entry) > 1 else places + 0.5
    scale = np.log if entry.get("log") else np.asarray
    low, high = scale(entry["low"]), scale(entry["high"])
    return (scale(places) - low) / (high - low)


def _ticks(entry: Any) -> list[tuple[float, str]]:
    if isinstance(entry, dict):
        return [(0.0, f"{entry['low']:g}"), (1.0, f"{entry['high']:g}")]
    last = max(1, len(entry) - 1)
    return [
        (place / last if len(entry) > 1 else 0.5, _wrapped(option))
        for place, option in enumerate(_options(entry))
    ]


def _wrapped(option: Any, length: int = 12) -> str:
    text = str(option)
    if len(text) <= length:
        return text
    for separator in (",", "_", ":"):
        if separator in text:
            middle = len(text) // 2
            cuts = [place for place, c in enumerate(text) if c == separator]
            cut = min(cuts, key=lambda place: abs(place - middle)) + 1
            return f"{text[:cut]}\n{text[cut:]}"
    return text


def _label_places(ax: Axes, entry: Any) -> None:
    """Show the whole range or all choices, wherever the trials are."""
    if isinstance(entry, dict):
        low, high = entry["low"], entry["high"]
        if entry.get("log"):
            ax.set_xscale("log")
            ax.set_xlim(low * (low / high) ** 0.05, high * (high / low) ** 0.05)
            ax.minorticks_off()
            ticks = np.geomspace(low, high, 3)
            ax.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
        else:
            ax.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        return
    length = 12 if len(entry) <= 3 else 8
    labels = [_wrapped(option, length) for option in _options(entry)]
    ax.set_xticks(range(len(entry)), labels, fontsize=8)
    ax.set_xlim(-0.5, len(entry) - 0.5)
