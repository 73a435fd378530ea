"""Maps of what speaks for a prediction, beside the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import (
    BLUE,
    GREY,
    VERMILLION,
    heading,
    label,
    make_axes,
    root_figure,
)
from cifar_sk.displays.tiles import TILE, picture, tile, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["AttributionDisplay"]

_TEXT = 0.33  # of a tile, the room for two lines below it
_LINE = 0.125  # of a tile


class AttributionDisplay:
    """A row per image: the image, what was predicted, and a map of each method.

    Parameters
    ----------
    table : DataFrame
        ``sample``, ``true``, ``predicted``, ``confidence``, ``is_correct`` and ``explained``
        (the class that the maps are of), a row per image.
    images : ndarray of shape (n, h, w, c)
        uint8 from 0 to 255 or float from 0 to 1, in the order of `table`.
    maps : mapping of str to ndarray of shape (n, h, w)
        From `cifar_sk.interpret.attribution_maps`.
    title : str, default="Explanations"
        What was chosen.

    Attributes
    ----------
    ax_, figure_ : Axes, Figure
        Where `plot` drew.

    Examples
    --------
    >>> table = pd.DataFrame({"sample": [3], "true": ["cat"], "predicted": ["dog"],
    ...     "confidence": [0.8], "is_correct": [False], "explained": ["dog"]})
    >>> maps = {"saliency": np.ones((1, 8, 8))}
    >>> display = AttributionDisplay(table, np.zeros((1, 8, 8, 3), np.uint8), maps).plot()
    >>> [text.get_text() for text in display.ax_.texts][:3]
    ['saliency', '3, true: cat', '✗ dog, 80 %']
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        table: pd.DataFrame,
        images: np.ndarray,
        maps: Mapping[str, np.ndarray],
        *,
        title: str = "Explanations",
    ) -> None:
        self.table = table
        self.images = images
        self.maps = maps
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: np.ndarray,
        y: Any,
        *,
        methods: Sequence[str] | None = None,
        title: str = "Explanations",
        random_state: int = 0,
    ) -> Self:
        """Explain what a classifier predicts.

        Parameters
        ----------
        estimator : BaseImageClassifier
            Fitted.
        X : ndarray of shape (n, h, w) or (n, h, w, c)
            Images, as it predicts them.
        y : array-like of shape (n,)
            Their true labels.
        methods, random_state
            As for `cifar_sk.interpret.attribution_maps`.
        title : str, default="Explanations"
            What was chosen.
        """
        from cifar_sk.interpret import attribution_maps

        proba = estimator.predict_proba(X)
        predicted = estimator.classes_[proba.argmax(axis=1)]
        table = pd.DataFrame(
            {
                "sample": np.arange(len(X)),
                "true": np.asarray(y),
                "predicted": predicted,
                "confidence": proba.max(axis=1),
                "is_correct": predicted == np.asarray(y),
                "explained": predicted,
            }
        )
        maps = attribution_maps(
            estimator, X, predicted, methods=methods, random_state=random_state
        )
        return cls(table, np.asarray(X), maps, title=title)

    def frame(self) -> pd.DataFrame:
        """Return what was explained, a row per image."""
        return self.table

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure that grows with images and methods."""
        n_rows, n_columns = len(self.table), 1 + len(self.maps)
        titles, is_signed = _titles(self.maps)
        legend = _legend(self.maps, is_signed)
        below = _LINE * len(legend) + 0.05
        size = (max(n_columns * TILE, 6), (n_rows * (1 + _TEXT) + 0.25 + below) * TILE + 0.4)
        (self.ax_,) = make_axes(ax, 1, figsize=size)
        self.figure_ = root_figure(self.ax_)
        for column, text in enumerate(titles, start=1):
            write(self.ax_, column + 0.5, -0.04, text, ha="center", va="bottom")
        for row in range(n_rows):
            self._plot_row(row, is_signed)
        bottom = n_rows * (1 + _TEXT)
        for place, line in enumerate(legend):
            write(self.ax_, 0.04, bottom + _LINE * place, line, color=GREY)
        limits = {"xlim": (0, n_columns), "ylim": (bottom + below, -0.25)}
        self.ax_.set(**limits, aspect="equal", anchor="NW")
        self.ax_.set_axis_off()
        heading(self.ax_, self.title)
        return self

    def _plot_row(self, row: int, is_signed: Mapping[str, bool]) -> None:
        top, sample = row * (1 + _TEXT), self.table.iloc[row]
        image = picture(self.images[row])
        tile(self.ax_, image, 0, top)
        mark, colour = ("✓", BLUE) if sample["is_correct"] else ("✗", VERMILLION)
        first = f"{sample['sample']}, true: {label(sample['true'], 11)}"
        percent = f"{100 * sample['confidence']:.0f} %"
        write(self.ax_, 0.04, top + 0.95, first)
        second = f"{mark} {label(sample['predicted'], 14)}, {percent}"
        write(self.ax_, 0.04, top + 0.95 + _LINE, second, color=colour)
        if sample["explained"] != sample["predicted"]:
            of = f"maps of: {label(sample['explained'], 14)}"
            write(self.ax_, 1.04, top + 0.95, of)
        for column, (name, maps) in enumerate(self.maps.items(), start=1):
            if name == "grad_cam":
                if not maps[row].any():
                    write(self.ax_, column + 0.04, top + 0.95, "nothing", color=GREY)
                tile(self.ax_, _grey(image), column, top, cmap="gray", vmin=0, vmax=1)
            tile(self.ax_, maps[row], column, top, **_colours(name, maps[row], is_signed[name]))


def _titles(maps: Mapping[str, Any]) -> tuple[list[str], dict[str, bool]]:
    """Return the methods' titles, and whether their maps are signed."""
    from cifar_sk.interpret import METHODS

    known = {name: METHODS[name] for name in maps if name in METHODS}
    titles = [known[name].title if name in known else name for name in maps]
    signed = {name: name in known and known[name].is_signed for name in maps}
    return titles, signed


def _legend(maps: Mapping[str, Any], is_signed: Mapping[str, bool]) -> list[str]:
    clauses = ["every map has its own scale"]
    if any(not is_signed[name] and name != "grad_cam" for name in maps):
        clauses.append("dark pixels matter most")
    if "grad_cam" in maps:
        clauses.append("yellow areas (Grad-CAM) speak for the class")
    if any(is_signed.values()):
        clauses.append("blue speaks for the class, orange against")
    return clauses


def _colours(name: str, values: np.ndarray, is_signed: bool) -> dict[str, Any]:
    """Return colour map and limits: the strongest hundredth of the pixels is saturated."""
    from matplotlib.colors import LinearSegmentedColormap

    limit = float(np.percentile(np.abs(values), 99)) or float(np.abs(values).max()) or 1.0
    if is_signed:
        diverging = LinearSegmentedColormap.from_list("signed", [VERMILLION, "white", BLUE])
        return {"cmap": diverging, "vmin": -limit, "vmax": limit}
    if name == "grad_cam":
        return {"cmap": "viridis", "vmin": 0, "vmax": limit, "alpha": 0.55}
    return {"cmap": "gray_r", "vmin": 0, "vmax": limit}


def _grey(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 2 else picture[..., :3].mean(axis=-1)
