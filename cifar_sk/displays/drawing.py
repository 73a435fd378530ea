"""What the displays share: colours, axes without pyplot, and labels that fit.

Figures are made by matplotlib's object interface: no global state, no open figures left behind,
safe in threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cifar_sk.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BLUE", "GREY", "INK", "VERMILLION", "Display", "heading", "label", "make_axes", "tidy"]

# Okabe and Ito's palette, told apart with any colour vision.
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREY = "#8A8A8A"
INK = "#222222"

_MANY_ROWS = 30  # more are drawn closer together


class Display:
    """A table that can be drawn: ``from_result`` computes it, ``plot`` only draws it.

    Parameters are kept as attributes. The first is a table, which ``frame`` returns unless it
    has something better; ``title`` is the heading, and ``n_columns`` the most images of a row.
    Images are uint8 from 0 to 255 or float from 0 to 1. An `InputError` refuses what cannot be
    drawn: images that are not one per sample, axes that are too few, a result without the
    predictions to show.

    Attributes
    ----------
    ax_ : Axes, or ndarray of Axes where there are several
        Where ``plot`` drew.
    figure_ : Figure
        Their figure.
    """

    ax_: Any
    figure_: Figure

    def frame(self) -> pd.DataFrame:
        """Return the numbers drawn."""
        return next(iter(vars(self).values()))

    def _panels(self, ax: Axes | Sequence[Axes] | None, n_panels: int, **options: Any) -> Any:
        """Draw from here on the axes that `make_axes` returns, an ndarray."""
        self.ax_ = make_axes(ax, n_panels, **options)
        self.figure_ = cast("Figure", self.ax_[0].get_figure(root=True))  # through subfigures
        return self.ax_

    def _begin(self, ax: Axes | None, width: float, height: float) -> Axes:
        """Draw from here on the axes given, or on those of a new figure of so many inches."""
        (self.ax_,) = self._panels(ax, 1, figsize=(width, height))
        return self.ax_

    def _begin_rows(self, ax: Axes | None, margin: float, n_rows: int) -> Axes:
        """Draw rows from here on; a new figure is as high as they and a margin of inches."""
        return self._begin(ax, 6.8, margin + n_rows * (0.3 if n_rows <= _MANY_ROWS else 0.17))

    def _name_rows(self, names: Iterable[str], length: int) -> None:
        """Name rows from top to bottom, in smaller letters where they are many."""
        texts = [label(name, length) for name in names]
        size = 9.5 if len(texts) <= _MANY_ROWS else 7
        self.ax_.set_yticks(range(len(texts)), texts, fontsize=size, parse_math=False)
        self.ax_.set_ylim(len(texts) - 0.4, -0.6)


def make_axes(ax: Axes | Sequence[Axes] | None, n_axes: int, **options: Any) -> np.ndarray:
    """Return the `n_axes` axes given, or those of a new figure of ``figsize`` inches.

    Other options go to the figure's ``subplots``.
    """
    from matplotlib.figure import Figure

    if ax is None:
        figure = Figure(figsize=options.pop("figsize"), layout="constrained", facecolor="white")
        return np.ravel(figure.subplots(squeeze=False, **options))
    axes = np.ravel(np.asarray(ax, dtype=object))
    if len(axes) != n_axes:
        raise InputError(f"ax must hold {n_axes} axes for this display, got {len(axes)}")
    return axes


def tidy(ax: Axes, grid: str | None = "y") -> None:
    """Draw only what carries data: two spines, and a faint grid along one axis or ``"both"``."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(color=GREY, labelcolor=INK)
    if grid:
        ax.grid(axis=grid, color="#E6E6E6", linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def heading(ax: Axes, text: str, *, legend_columns: int = 0, legend_rows: int = 1) -> None:
    """Set a title at the left, and the legend between it and the axes, off the data."""
    pad = 10 + 16 * legend_rows if legend_columns else 8
    ax.set_title(text, loc="left", fontsize=11, color=INK, pad=pad, parse_math=False)
    if legend_columns:
        legend = ax.legend(
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            ncols=legend_columns,
            frameon=False,
            fontsize=9,
            handlelength=1.6,
            columnspacing=1.4,
        )
        for entry in legend.get_texts():  # names of runs are no mathematics
            entry.set_parse_math(False)


def label(name: str, length: int = 24) -> str:
    """Shorten a class name to one line of at most `length` characters.

    >>> label("aquarium fish", 8)
    'aquariu…'
    """
    line = " ".join(str(name).split())
    return line if len(line) <= length else line[: length - 1] + "…"
