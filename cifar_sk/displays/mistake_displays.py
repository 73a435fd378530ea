"""Displays of mistakes: confused pairs, errors by brightness, suspected labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, GREY, INK, Display, heading, label, tidy
from cifar_sk.displays.image_displays import SampleGridDisplay
from cifar_sk.displays.tiles import photograph
from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.mistakes.confusions import confused_pairs
from cifar_sk.mistakes.image_statistics import check_images, errors_by_appearance
from cifar_sk.mistakes.label_errors import label_issues

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ConfusedPairsDisplay", "ErrorRateDisplay", "LabelIssuesDisplay"]


@dataclass(eq=False, repr=False)
class ConfusedPairsDisplay(Display):
    """The most frequent confusions, a row of images each.

    Parameters
    ----------
    pairs : DataFrame
        As `cifar_sk.mistakes.confusions.confused_pairs` returns it.
    images : ndarray of shape (n_samples, h, w[, c])
        The images of the data set, in its order.

    Examples
    --------
    >>> pairs = pd.DataFrame({"true": ["cat"], "predicted": ["dog"], "n": [2], "share": [0.25],
    ...                       "n_reverse": [1], "examples": [[0, 1]]})
    >>> display = ConfusedPairsDisplay(pairs, np.zeros((2, 8, 8), np.uint8)).plot()
    >>> display.ax_.get_yticklabels()[0].get_text()
    'cat → dog: 2 (25 %)'
    """

    pairs: pd.DataFrame
    images: np.ndarray

    @classmethod
    def from_result(
        cls, result: OOFResult, images: np.ndarray, *, n_pairs: int = 8, n_examples: int = 8
    ) -> Self:
        """Choose the most frequent pairs, and of each the most confident mistakes."""
        check_images(images, len(result.target))
        pairs = confused_pairs(result, n_examples=n_examples).head(n_pairs)
        if pairs.empty:
            raise InputError("result must hold a wrong prediction, but every one is right")
        return cls(pairs, images)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of pairs."""
        n_rows = len(self.pairs)
        n_columns = max(len(examples) for examples in self.pairs["examples"])
        ax = self._begin(ax, 3.0 + 0.62 * n_columns, 0.7 + 0.66 * n_rows)
        for row, examples in enumerate(self.pairs["examples"]):
            for column, sample in enumerate(examples):
                photograph(ax, np.asarray(self.images[sample]), column, row + 0.04)
        names = [
            f"{label(pair['true'], 16)} → {label(pair['predicted'], 16)}: "
            f"{pair['n']} ({100 * pair['share']:.0f} %)"
            for pair in self.pairs.to_dict("records")
        ]
        ax.set(xlim=(0, n_columns), ylim=(n_rows, 0), aspect="equal", xticks=[])
        ax.set_anchor("W")  # else the layout leaves the names too little room
        ax.set_yticks(np.arange(n_rows) + 0.5, names, fontsize=9, parse_math=False)
        ax.tick_params(length=0, labelcolor=INK)
        ax.spines[:].set_visible(False)
        heading(ax, "Most frequent confusions: true → predicted")
        return self


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


class LabelIssuesDisplay(SampleGridDisplay):
    """Images whose label the predictions speak against, as a `SampleGridDisplay`."""

    _named, _marks = "label", "??"

    @classmethod
    def from_result(  # type: ignore[override]
        cls, result: OOFResult, images: np.ndarray, *, n_images: int = 15
    ) -> Self:
        """Choose the most suspicious labels; see `cifar_sk.mistakes.label_errors.label_issues`."""
        check_images(images, len(result.target))
        return cls.of_issues(label_issues(result), images, n_images=n_images)

    @classmethod
    def of_issues(cls, issues: pd.DataFrame, images: np.ndarray, *, n_images: int = 15) -> Self:
        """Choose the first rows of a table of `label_issues`."""
        if issues.empty:
            raise InputError("result must hold a suspected label, but there is none")
        columns = {"label": "true", "suggested": "predicted", "proba_suggested": "confidence"}
        table = issues.head(n_images).rename(columns=columns).assign(is_correct=False)
        return cls._pick(table, images, "Suspected label errors")
