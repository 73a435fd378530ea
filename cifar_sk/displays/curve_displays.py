"""Curves: of learning, of reliability, and of errors by what images look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, GREY, VERMILLION, Display, heading, tidy
from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.fold_table import row_name
from cifar_sk.metrics.scores import N_CALIBRATION_BINS, calibration_error
from cifar_sk.metrics.tables import calibration_table
from cifar_sk.mistakes.image_statistics import errors_by_appearance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ErrorRateDisplay", "LearningCurvesDisplay", "ReliabilityDisplay"]

_PANELS = ("loss", "accuracy")
_HELD_OUT = "inner validation (held out of the training fold)"
# Prefix in the history, colour, line, and text of the legend.
_SUBSETS = {
    "training": ("", BLUE, "-", "training"),
    "inner validation": ("val_", VERMILLION, (0, (4, 1.5)), _HELD_OUT),
}


@dataclass(eq=False, repr=False)
class LearningCurvesDisplay(Display):
    """Loss and accuracy per epoch: a thin line per fold, a thick one for their mean.

    The inner validation split is held out of the *training* fold, for early stopping; the scored
    fold appears in no curve. The mean ends where the first fold stops: beyond, it would be a mean
    over other folds.

    Parameters
    ----------
    curves : DataFrame
        ``row`` (fold name), ``epoch`` (from 1), ``metric`` ("loss" or "accuracy"), ``subset``
        ("training" or "inner validation") and ``value``.

    Examples
    --------
    >>> curves = pd.DataFrame({"row": ["fold_00"] * 2, "epoch": [1, 2], "metric": "loss",
    ...                        "subset": "training", "value": [2.0, 1.5]})
    >>> LearningCurvesDisplay(curves).plot().ax_[0].get_xlabel()
    'epoch'
    """

    curves: pd.DataFrame

    @classmethod
    def from_result(cls, result: OOFResult) -> Self:
        """Collect the histories of all folds that have one; one fold must."""
        rows = [
            (row_name(fold), epoch, metric, subset, value)
            for fold in result.folds
            for metric in _PANELS
            for subset, (prefix, *_) in _SUBSETS.items()
            for epoch, value in enumerate(fold.history.get(prefix + metric, ()), start=1)
        ]
        if not rows:
            raise InputError(
                "result must hold a training history of loss or accuracy in one fold or more, "
                "got none; only estimators with a history_ have learning curves"
            )
        return cls(pd.DataFrame(rows, columns=["row", "epoch", "metric", "subset", "value"]))

    def plot(self, ax: Axes | Sequence[Axes] | None = None) -> Self:
        """Draw on one axes per recorded metric, or on a new figure."""
        recorded = set(self.curves["metric"])
        panels = [panel for panel in _PANELS if panel in recorded]
        size = (4.6 * len(panels) + 0.2, 4.0)
        self._panels(ax, len(panels), figsize=size, ncols=len(panels))
        for panel, axes in zip(panels, self.ax_, strict=True):
            self._plot_panel(axes, panel)
        return self

    def _plot_panel(self, ax: Axes, panel: str) -> None:
        from matplotlib.ticker import MaxNLocator

        inside = self.curves[self.curves["metric"] == panel]
        for subset, (_, colour, line, text) in _SUBSETS.items():
            curves = inside[inside["subset"] == subset]
            if curves.empty:
                continue
            folds = curves.pivot_table(index="epoch", columns="row", values="value", dropna=False)
            # The line of an only fold would lie under that of the mean, and thicken it.
            ax.plot(folds, color=colour, ls=line, lw=0.9, alpha=0.35 * (folds.shape[1] > 1))
            mean = folds.mean(axis=1, skipna=False)
            ax.plot(mean, color=colour, ls=line, lw=2.2, label=text)
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        tidy(ax)
        title = f"{panel.capitalize()} (thin: one fold, thick: mean)"
        heading(ax, title, legend_columns=1, legend_rows=inside["subset"].nunique())


@dataclass(eq=False, repr=False)
class ReliabilityDisplay(Display):
    """Reliability diagram: accuracy against confidence, and how many samples each bin holds.

    Parameters
    ----------
    table : DataFrame
        As `cifar_sk.metrics.tables.calibration_table` returns it.

    Examples
    --------
    >>> from cifar_sk.metrics.scores import calibration_bins
    >>> table = calibration_bins([0, 1], [[0.9, 0.1], [0.6, 0.4]], n_bins=2)
    >>> ReliabilityDisplay(table).expected_calibration_error
    0.25
    """

    table: pd.DataFrame

    @classmethod
    def from_result(cls, result: OOFResult, *, n_bins: int = N_CALIBRATION_BINS) -> Self:
        """Bin the pooled predictions; see `cifar_sk.metrics.tables.calibration_table`."""
        return cls(calibration_table(result, n_bins=n_bins))

    @property
    def expected_calibration_error(self) -> float:
        """Mean absolute gap, weighted by samples."""
        return float(calibration_error(self.table))

    def frame(self) -> pd.DataFrame:
        """Return the bins that hold samples."""
        return self.table[self.table["n_samples"] > 0].reset_index(drop=True)

    def plot(self, ax: Sequence[Axes] | None = None) -> Self:
        """Draw on two axes, or on a new figure."""
        options = {"nrows": 2, "sharex": True, "height_ratios": [3.2, 1]}
        upper, lower = self._panels(ax, 2, figsize=(5.6, 6.2), **options)
        self._plot_diagram(upper)
        left, n_samples = self.table["lower"], self.table["n_samples"]
        width = self.table["upper"] - left
        lower.bar(left, n_samples, width, align="edge", color=BLUE, ec="white")
        lower.set(xlabel="confidence: probability of the predicted class", ylabel="samples")
        tidy(lower)
        return self

    def _plot_diagram(self, ax: Axes) -> None:
        bins = self.frame()
        ax.plot([0, 1], [0, 1], "--", color=GREY, lw=1.2, label="perfect calibration")
        x, y = bins["confidence"], bins["accuracy"]
        ax.vlines(x, y, x, color=VERMILLION, lw=2, alpha=0.6, label="gap")
        style: dict[str, Any] = {"color": BLUE, "ms": 5, "lw": 1.4, "clip_on": False}
        ax.plot(x, y, "o-", label="one bin", **style)
        ax.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
        tidy(ax, "both")
        error = self.expected_calibration_error
        heading(ax, f"Reliability: expected calibration error {error:.3f}", legend_columns=3)


@dataclass(eq=False, repr=False)
class ErrorRateDisplay(Display):
    """Error rate against what the images look like, with 95 % intervals.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of each statistic, as `cifar_sk.mistakes.image_statistics.error_by_statistic` returns it.

    Examples
    --------
    >>> table = pd.DataFrame({"mean": [0.2, 0.6], "n_samples": [50, 50],
    ...                       "error_rate": [0.3, 0.1],
    ...                       "ci95_low": [0.2, 0.05], "ci95_high": [0.4, 0.2]})
    >>> ErrorRateDisplay({"brightness": table}).plot().ax_[0].get_xlabel()
    'brightness, mean of each bin'
    """

    tables: Mapping[str, pd.DataFrame]

    @classmethod
    def from_result(cls, result: OOFResult, images: np.ndarray, *, n_bins: int = 10) -> Self:
        """Bin the samples by brightness and by contrast."""
        return cls(errors_by_appearance(result, images, n_bins=n_bins))

    def frame(self) -> pd.DataFrame:
        """Return the bins of all statistics, ``statistic`` saying of which."""
        parts = [table.assign(statistic=name) for name, table in self.tables.items()]
        return pd.concat(parts, ignore_index=True)

    def plot(self, ax: Axes | Sequence[Axes] | None = None) -> Self:
        """Draw on one axes per statistic, or on a new figure."""
        n_axes = len(self.tables)
        size = (4.6 * n_axes + 0.2, 3.8)
        self._panels(ax, n_axes, figsize=size, ncols=n_axes, sharey=True)
        for axes, (name, table) in zip(self.ax_, self.tables.items(), strict=True):
            self._plot_panel(axes, name, table)
        self.ax_[0].set_ylabel("error rate")
        return self

    def _plot_panel(self, ax: Axes, name: str, table: pd.DataFrame) -> None:
        rate = table["error_rate"]
        reach = [rate - table["ci95_low"], table["ci95_high"] - rate]
        style: dict[str, Any] = {"color": BLUE, "ms": 5, "lw": 1.2, "capsize": 2}
        ax.errorbar(table["mean"], rate, reach, fmt="o-", label="one bin, 95 %", **style)
        overall = np.average(rate, weights=table["n_samples"])
        ax.axhline(overall, color=GREY, ls="--", lw=1.2, label="all samples")
        ax.set_xlabel(f"{name}, mean of each bin")
        ax.set_ylim(bottom=0)
        tidy(ax)
        heading(ax, f"Error rate by {name}", legend_columns=2)
