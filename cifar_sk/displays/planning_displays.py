"""How certainty grows: a difference at every look, and the power of designs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, GREY, INK, VERMILLION, Display, heading, label, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LooksDisplay", "PowerDisplay"]


@dataclass(eq=False, repr=False)
class LooksDisplay(Display):
    """The difference of two runs at every look, with its interval and the region of equivalence.

    Parameters
    ----------
    table : DataFrame
        ``fits``, ``estimate``, ``low``, ``high`` and ``decision``, a row per look.
    rope : float
        Half-width of the region.
    names : sequence of str
        The first run and the second; differences are second - first.
    name : str
        What the score is called.

    Examples
    --------
    >>> table = pd.DataFrame({"fits": [5, 10], "estimate": [0.02, 0.03], "low": [-0.01, 0.01],
    ...                       "high": [0.05, 0.05], "decision": ["open", "different"]})
    >>> LooksDisplay(table, 0.01, ["ann", "cnn"], "accuracy").plot().ax_.get_xlabel()
    'fits of each run'
    """

    table: pd.DataFrame
    rope: float
    names: Sequence[str]
    name: str

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure."""
        ax = self._begin(ax, 6.8, 3.8)
        table = self.table
        if self.rope > 0:
            text = f"practically equivalent, ±{self.rope:g}"
            ax.axhspan(-self.rope, self.rope, color="#E9E9E9", lw=0, label=text)
        ax.axhline(0, color=INK, lw=1)
        decided = (table["decision"] != "open").to_numpy()
        for some, colour, text in [(~decided, GREY, "open"), (decided, VERMILLION, "decided")]:
            rows = table[some]
            ax.vlines(rows["fits"], rows["low"], rows["high"], color=colour, lw=1.8)
            ax.plot(rows["fits"], rows["estimate"], "o", ms=6, color=colour, label=text)
        ax.set_xticks(table["fits"])
        first, second = (label(name, 20) for name in self.names)
        ax.set_xlabel("fits of each run")
        ax.set_ylabel(f"{self.name}, {second} − {first}", parse_math=False)
        tidy(ax)
        heading(ax, "The difference at every look", legend_columns=3)
        return self


@dataclass(eq=False, repr=False)
class PowerDisplay(Display):
    """The chance to show a difference by number of repeats, a line for each number of seeds.

    Parameters
    ----------
    table : DataFrame
        Of `cifar_sk.statistics.Plan`: ``n_repeats``, ``n_seeds``, ``n_images`` and ``power``.
    power : float
        The chance asked for.
    title : str
        The heading.

    Examples
    --------
    >>> table = pd.DataFrame({"n_repeats": [1, 2], "n_seeds": 1, "n_images": 100,
    ...                       "power": [0.4, 0.7]})
    >>> len(PowerDisplay(table, 0.8, "Power").plot().ax_)
    1
    """

    table: pd.DataFrame
    power: float
    title: str

    def plot(self, ax: Axes | Sequence[Axes] | None = None) -> Self:
        """Draw on `ax`, one for each number of images, or on a new figure."""
        sizes = sorted(self.table["n_images"].unique())
        options = {"figsize": (1.6 + 3 * len(sizes), 3.8), "ncols": len(sizes), "sharey": True}
        axes = self._panels(ax, len(sizes), **options)
        seeds = sorted(self.table["n_seeds"].unique())
        colours = [BLUE, VERMILLION, "#009E73", "#CC79A7", GREY]  # Okabe and Ito's
        for panel, size in zip(axes, sizes, strict=True):
            rows = self.table[self.table["n_images"] == size]
            panel.axhline(self.power, color=INK, lw=1, ls=":")
            for place, n in enumerate(seeds):
                line = rows[rows["n_seeds"] == n]
                text = f"{n} seed{'s' if n > 1 else ''}"
                style = {"color": colours[place % len(colours)], "marker": "osD^v"[place % 5]}
                panel.plot(line["n_repeats"], line["power"], ms=5, label=text, **style)
            panel.set(ylim=(0, 1.02), xlabel="repeats")
            panel.set_xticks(np.unique(rows["n_repeats"]))
            panel.annotate(f"{size:,} images", (0.03, 0.04), xycoords="axes fraction", color=INK)
            tidy(panel)
        axes[0].set_ylabel("chance to show the difference")
        heading(axes[0], self.title, legend_columns=len(seeds))
        axes[0].get_legend().set_in_layout(False)  # or the first panel would be as wide as it
        return self
