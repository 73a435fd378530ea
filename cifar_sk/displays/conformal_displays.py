"""The display of conformal sets: how often they are right, and how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, GREY, INK, VERMILLION, Display, heading, label, tidy
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.metrics.conformal_table import conformal_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ConformalDisplay"]

_STYLES = {"lac": ("o", BLUE), "aps": ("s", VERMILLION), "raps": ("^", INK)}


@dataclass(eq=False, repr=False)
class ConformalDisplay(Display):
    """Coverage of conformal sets, and their mean size, of all images and by class.

    Parameters
    ----------
    table : DataFrame
        As `cifar_sk.metrics.conformal_table` returns it.
    confidence : float, default=0.9
        Which level is drawn.

    Examples
    --------
    >>> table = pd.DataFrame({"method": "lac", "confidence": 0.9, "row": ["all", "class"],
    ...                       "class": ["", "cat"], "coverage": 0.9, "mean_size": 1.5})
    >>> [text.get_text() for text in ConformalDisplay(table).plot().ax_[0].get_yticklabels()]
    ['all images', 'cat']
    """

    table: pd.DataFrame
    _: KW_ONLY
    confidence: float = 0.9

    @classmethod
    def from_result(cls, result: OOFResult, *, confidence: float = 0.9) -> Self:
        """Measure the sets of a run; see `cifar_sk.metrics.conformal_table`."""
        return cls(conformal_table(result), confidence=confidence)

    def frame(self) -> pd.DataFrame:
        """Return the rows of the level that is drawn."""
        return self.table[self.table["confidence"] == self.confidence].reset_index(drop=True)

    def plot(self, ax: Sequence[Axes] | None = None) -> Self:
        """Draw on two axes, or on a new figure whose height follows the number of classes."""
        table = self.frame()
        first = table[table["method"] == table["method"].iloc[0]]
        names = ["all images", *first["class"].iloc[1:]]
        is_small = len(names) <= 30
        height = 1.9 + len(names) * (0.3 if is_small else 0.17)
        left, right = self._panels(ax, 2, figsize=(8.6, height), ncols=2, sharey=True)
        for method, part in table.groupby("method", sort=False):
            self._plot_method(str(method), part)
        left.axvline(self.confidence, color=GREY, ls="--", lw=1.2, zorder=0)
        left.set_xlabel("share of sets that hold the true class")
        right.set_xlabel("classes in a set, mean")
        texts = [label(name, 30) for name in names]
        left.set_yticks(
            range(len(names)), texts, fontsize=9.5 if is_small else 7, parse_math=False
        )
        left.set_ylim(len(names) - 0.4, -0.6)
        for axes in (left, right):
            tidy(axes, "x")
        heading(
            left, f"Sets of {100 * self.confidence:g} % confidence: coverage", legend_columns=3
        )
        heading(right, "Size", legend_columns=3)
        return self

    def _plot_method(self, method: str, part: pd.DataFrame) -> None:
        marker, colour = _STYLES[method]
        # Above each other, markers of equal values would hide one another.
        places = np.arange(len(part)) + 0.18 * (list(_STYLES).index(method) - 1)
        style: dict[str, Any] = {"ms": 5, "color": colour, "label": method.upper()}
        self.ax_[0].plot(part["coverage"], places, marker, **style)
        self.ax_[1].plot(part["mean_size"], places, marker, **style)
