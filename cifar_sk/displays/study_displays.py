"""Trials of a study against their parameters: a panel for each, or a line through all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import GREY, INK, Display, label, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ParallelCoordinatesDisplay", "SliceDisplay", "short_name"]


@dataclass(eq=False, repr=False)
class SliceDisplay(Display):
    """Score against each parameter, a panel for each; later trials are lighter.

    Parameters
    ----------
    trials : DataFrame
        A row per complete trial: ``number``, the objective, and a column per parameter.
    space : mapping of str to list or dict
        The search space as plain data: choices, or ``low``, ``high`` and perhaps ``log``.
    objective : str
        Column of the score.

    Examples
    --------
    >>> trials = pd.DataFrame({"number": [0, 1], "accuracy": [0.5, 0.6], "widths": ["[8]", "[4]"]})
    >>> SliceDisplay(trials, {"widths": [[4], [8]]}, "accuracy").frame()["widths"].tolist()
    [1, 0]
    """

    trials: pd.DataFrame
    space: Mapping[str, Any]
    objective: str

    def frame(self) -> pd.DataFrame:
        """Return where trials stand on each axis: the value, or the position of the choice."""
        places = {name: _places(entry, self.trials[name]) for name, entry in self.space.items()}
        return pd.DataFrame(places, index=self.trials.index)

    def plot(self, ax: Sequence[Axes] | None = None) -> Self:
        """Draw on one axes per parameter, or on a new figure."""
        n_panels = len(self.space)
        n_columns = min(3, n_panels)
        n_rows = math.ceil(n_panels / n_columns)
        options = {"nrows": n_rows, "ncols": n_columns, "sharey": True}
        size = (3.2 * n_columns + 0.4, 2.7 * n_rows)
        axes = self._panels(ax, n_panels, figsize=size, **options)
        for spare in axes[n_panels:]:
            spare.set_visible(False)
        self.ax_ = axes[:n_panels]
        places = self.frame()
        for panel, (name, entry) in zip(self.ax_, self.space.items(), strict=True):
            _label_places(panel, entry)
            numbers, scores = self.trials["number"], self.trials[self.objective]
            panel.scatter(places[name], scores, c=numbers, cmap="viridis", s=24)
            panel.set_xlabel(short_name(name), fontsize=10, parse_math=False)
            tidy(panel, "both")
        for panel in self.ax_[::n_columns]:
            panel.set_ylabel(self.objective)
        return self


@dataclass(eq=False, repr=False)
class ParallelCoordinatesDisplay(Display):
    """Every trial as a line through its parameters to its score; the better, the darker.

    Parameters
    ----------
    trials, space, objective
        As for `SliceDisplay`.
    greater_is_better : bool, default=True
        Of the objective.

    Examples
    --------
    >>> trials = pd.DataFrame({"number": [0, 1], "accuracy": [0.5, 0.6], "rate": [0.01, 1.0]})
    >>> space = {"rate": {"low": 0.0001, "high": 1.0, "log": True}}
    >>> ParallelCoordinatesDisplay(trials, space, "accuracy").frame()
       rate  accuracy
    0   0.5       0.0
    1   1.0       1.0
    """

    trials: pd.DataFrame
    space: Mapping[str, Any]
    objective: str
    _: KW_ONLY
    greater_is_better: bool = True

    def frame(self) -> pd.DataFrame:
        """Return the heights of the lines, from 0 to 1, the worst trial first."""
        trials = self.trials.sort_values(
            self.objective, ascending=self.greater_is_better, kind="stable"
        )
        heights = {name: _unit(entry, trials[name]) for name, entry in self.space.items()}
        score = trials[self.objective].to_numpy(dtype=float)
        low, high = score.min(), score.max()
        scaled = (score - low) / (high - low) if high > low else np.full(len(score), 0.5)
        return pd.DataFrame({**heights, self.objective: scaled}, index=trials.index)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the axes given, or on a new figure."""
        import matplotlib as mpl

        size = (max(7.0, 1.35 * (len(self.space) + 1)), 4.6)
        (axes,), heights = self._panels(ax, 1, figsize=size), self.frame()
        goodness = heights[self.objective] if self.greater_is_better else 1 - heights.iloc[:, -1]
        colors = mpl.colormaps["viridis_r"](goodness.to_numpy())
        for values, color in zip(heights.to_numpy(), colors, strict=True):
            axes.plot(values, color=color, linewidth=1.4, alpha=0.85)
        for place, (name, entry) in enumerate(self.space.items()):
            _draw_axis(axes, place, short_name(name), _ticks(entry))
        score = self.trials[self.objective]
        ends = [(0.0, f"{score.min():.3f}"), (1.0, f"{score.max():.3f}")]
        _draw_axis(axes, len(self.space), self.objective, ends)
        axes.set_xlim(-0.35, len(self.space) + 0.6)
        axes.set_ylim(-0.08, 1.16)
        axes.set_axis_off()
        return self


def short_name(name: str) -> str:
    """Leave out the step: all parameters but those of augmentation are the classifier's."""
    return name.removeprefix("classifier__")


def _draw_axis(ax: Axes, place: int, name: str, ticks: list[tuple[float, str]]) -> None:
    ax.plot([place, place], [0, 1], color=GREY, linewidth=1, zorder=1)
    wrapped = name.replace("_", "_\n") if len(name) > 12 else name
    text_style: dict[str, Any] = {"ha": "center", "va": "bottom", "parse_math": False}
    ax.text(place, 1.04, wrapped, fontsize=9, color=INK, **text_style)
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 0.6}
    style: dict[str, Any] = {"fontsize": 8, "va": "center", "color": INK, "zorder": 4}
    style["parse_math"] = False
    for height, text in ticks:
        ax.text(place + 0.04, height, text, bbox=paper, **style)


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
    # Numbers of a log scale are spread by their logarithm, as the search drew them.
    places = _places(entry, values)
    if not isinstance(entry, dict):
        return _spread(places, len(entry))
    scale = np.log if entry.get("log") else np.asarray
    low, high = scale(entry["low"]), scale(entry["high"])
    return (scale(places) - low) / (high - low)


def _spread(places: np.ndarray, n_choices: int) -> np.ndarray:
    """Return heights from 0 to 1; that of an only choice is in the middle."""
    return places / (n_choices - 1) if n_choices > 1 else places + 0.5


def _ticks(entry: Any) -> list[tuple[float, str]]:
    if isinstance(entry, dict):
        return [(0.0, f"{entry['low']:g}"), (1.0, f"{entry['high']:g}")]
    heights = _spread(np.arange(len(entry)), len(entry)).tolist()
    return [*zip(heights, map(_wrapped, _options(entry)), strict=True)]


def _wrapped(option: Any, length: int = 12) -> str:
    text = label(str(option), 40)
    if len(text) <= length:
        return text
    for separator in ",_:":
        cuts = [place + 1 for place, letter in enumerate(text) if letter == separator]
        if cuts:
            cut = min(cuts, key=lambda place: abs(place - 1 - len(text) // 2))
            return f"{text[:cut]}\n{text[cut:]}"
    return text


def _label_places(ax: Axes, entry: Any) -> None:
    """Show the whole range or all choices, wherever the trials are."""
    if isinstance(entry, dict):
        low, high = entry["low"], entry["high"]
        if not entry.get("log"):
            ax.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
            return
        ax.set_xscale("log")
        ax.set_xlim(low * (low / high) ** 0.05, high * (high / low) ** 0.05)
        ax.minorticks_off()
        ticks = np.geomspace(low, high, 3)
        ax.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
        return
    length = 12 if len(entry) <= 3 else 8
    labels = [_wrapped(option, length) for option in _options(entry)]
    ax.set_xticks(range(len(entry)), labels, fontsize=8, parse_math=False)
    ax.set_xlim(-0.5, len(entry) - 0.5)
