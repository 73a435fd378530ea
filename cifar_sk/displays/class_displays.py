"""Displays by class: the confusion matrix, and every class's score."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, INK, VERMILLION, Display, heading, label, tidy
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.fold_table import fold_count
from cifar_sk.metrics.tables import class_metrics, confusion_table, f1_by_fold, shares_of_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

__all__ = ["ClassScoresDisplay", "ConfusionDisplay"]

_MAX_CELL_TEXT = 20  # classes; numbers in smaller cells cannot be read


@dataclass(eq=False, repr=False)
class ConfusionDisplay(Display):
    """Confusion matrix as a heat map.

    Colour is always the share of the true class, on a square-root scale that shows rare
    confusions; the numbers, up to 20 classes, are counts or percentages.

    Parameters
    ----------
    counts : DataFrame of int, shape (n_classes, n_classes)
        True classes in rows, as `cifar_sk.metrics.tables.confusion_table` returns them.
    normalize : bool, default=False
        Write percentages of the true class instead of counts.

    Examples
    --------
    >>> counts = pd.DataFrame([[8, 2], [1, 9]], index=["cat", "dog"], columns=["cat", "dog"])
    >>> display = ConfusionDisplay(counts, normalize=True).plot()
    >>> [text.get_text() for text in display.ax_.texts]
    ['80', '20', '10', '90']
    """

    counts: pd.DataFrame
    _: KW_ONLY
    normalize: bool = False
    title: str = "Confusion matrix"

    @classmethod
    def from_result(
        cls, result: OOFResult, fold: int | None = None, *, normalize: bool = False
    ) -> Self:
        """Count the predictions of one fold, or of all; see `confusion_table`."""
        held = fold_count(result) if fold is None else f"fold {fold}"
        counts = confusion_table(result, fold)
        return cls(counts, normalize=normalize, title=f"Confusion matrix, {held}")

    def frame(self) -> pd.DataFrame:
        """Return the numbers drawn: counts, or shares of the true class from 0 to 1."""
        return shares_of_rows(self.counts) if self.normalize else self.counts

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose size follows the number of classes."""
        from matplotlib.colors import PowerNorm

        n_classes = len(self.counts)
        side = 0.52 * n_classes + 2.0 if n_classes <= _MAX_CELL_TEXT else 0.115 * n_classes + 2.5
        side = max(side, 4.2)
        ax = self._begin(ax, side + 0.9, side)  # the colours are explained at the right
        # Confusions are rare: on a linear scale they could not be told from white.
        scale = PowerNorm(0.5, vmin=0, vmax=1)
        shares = shares_of_rows(self.counts)
        image = ax.imshow(shares, cmap="Blues", norm=scale, aspect="equal")
        self._add_colour_bar(image)
        self._label_axes(n_classes)
        if n_classes <= _MAX_CELL_TEXT:
            self._write_cells()
        return self

    def _add_colour_bar(self, image: AxesImage) -> None:
        bar = self.figure_.colorbar(
            image, ax=self.ax_, shrink=0.8, pad=0.02, aspect=30, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1]
        )
        bar.ax.set_yticklabels(["0", "1 %", "5 %", "20 %", "50 %", "100 %"], fontsize=9)
        bar.set_label("share of the true class")
        bar.ax.spines[:].set_visible(False)

    def _label_axes(self, n_classes: int) -> None:
        ticks = range(n_classes)
        names = [label(name, 20) for name in self.counts.index]
        is_small = n_classes <= _MAX_CELL_TEXT
        style: dict[str, Any] = {"fontsize": 9 if is_small else 6, "parse_math": False}
        self.ax_.set_yticks(ticks, names, **style)
        turned = {"rotation": 45, "va": "top"} if is_small else {"rotation": 90, "va": "center"}
        self.ax_.set_xticks(ticks, names, rotation_mode="anchor", ha="right", **turned, **style)
        self.ax_.set(xlabel="predicted class", ylabel="true class")
        self.ax_.tick_params(length=0)
        self.ax_.spines[:].set_visible(False)
        heading(self.ax_, f"{self.title}: {'% of the true class' if self.normalize else 'counts'}")

    def _write_cells(self) -> None:
        shares = shares_of_rows(self.counts).to_numpy()
        cells = 100 * shares if self.normalize else self.counts.to_numpy()
        style: dict[str, Any] = {"ha": "center", "va": "center"}
        style["fontsize"] = 9 if len(shares) <= 12 else 8
        for (row, column), value in np.ndenumerate(cells):
            ink = "#8A8A8A" if value == 0 else INK
            colour = "white" if shares[row, column] > 0.4 else ink
            self.ax_.text(column, row, f"{value:.0f}", color=colour, **style)


@dataclass(eq=False, repr=False)
class ClassScoresDisplay(Display):
    """F1 of every class: the mean over folds, and each fold.

    Parameters
    ----------
    scores : DataFrame of float, shape (n_classes, n_folds)
        F1 with class names as index; NaN where a fold has no samples of the class.

    Examples
    --------
    >>> scores = pd.DataFrame([[0.5, 0.7], [0.9, 0.8]], index=["cat", "dog"])
    >>> ClassScoresDisplay(scores).frame()["mean"].round(2).to_dict()
    {'dog': 0.85, 'cat': 0.6}
    """

    scores: pd.DataFrame

    @classmethod
    def from_result(cls, result: OOFResult) -> Self:
        """Score every class in every fold; see `cifar_sk.metrics.tables.class_metrics`."""
        return cls(f1_by_fold(class_metrics(result)))

    def frame(self) -> pd.DataFrame:
        """Return ``mean``, ``std`` (ddof=1), ``min`` and ``max`` over folds, best class first."""
        return self.scores.agg(["mean", "std", "min", "max"], axis=1).iloc[self._order()]

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of classes."""
        n_classes = len(self.scores)
        ax = self._begin_rows(ax, 1.6, n_classes)
        table = self.frame()
        places = np.arange(n_classes)
        ax.hlines(places, table["min"], table["max"], color="#C8C8C8", lw=1.5)
        folds = self.scores.to_numpy()[self._order()]
        style: dict[str, Any] = {"ms": 5, "mfc": "white", "mec": BLUE, "mew": 1.1}
        rows = np.repeat(places, folds.shape[1])
        ax.plot(folds.ravel(), rows, "o", label="one fold", **style)
        ax.plot(table["mean"], places, "D", ms=6, color=VERMILLION, label="mean over folds")
        self._name_rows(table.index, 30)
        ax.set_xlabel("F1")
        tidy(ax, "x")
        heading(ax, "F1 per class", legend_columns=2)
        return self

    def _order(self) -> np.ndarray:
        return np.argsort(-self.scores.mean(axis=1).to_numpy(), kind="stable")  # NaN goes last
