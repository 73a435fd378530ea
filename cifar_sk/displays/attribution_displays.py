"""Maps of what speaks for a prediction, beside the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, GREY, VERMILLION, Display, heading, label
from cifar_sk.displays.tiles import LINE, TEXT, TILE, picture, tile, write, write_outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AttributionDisplay"]


@dataclass(eq=False, repr=False)
class AttributionDisplay(Display):
    """A row per image: the image, what was predicted, and a map of each method.

    Parameters
    ----------
    table : DataFrame
        ``sample``, ``true``, ``predicted``, ``confidence``, ``is_correct`` and ``explained``
        (the class that the maps are of), a row per image.
    images : ndarray of shape (n, h, w, c)
        In the order of `table`.
    maps : mapping of str to ndarray of shape (n, h, w)
        From `cifar_sk.interpret.attribution_maps`.

    Examples
    --------
    >>> table = pd.DataFrame({"sample": [3], "true": ["cat"], "predicted": ["dog"],
    ...     "confidence": [0.8], "is_correct": [False], "explained": ["dog"]})
    >>> maps = {"saliency": np.ones((1, 8, 8))}
    >>> display = AttributionDisplay(table, np.zeros((1, 8, 8, 3), np.uint8), maps).plot()
    >>> [text.get_text() for text in display.ax_.texts][:3]
    ['saliency', '3, true: cat', '✗ dog, 80 %']
    """

    table: pd.DataFrame
    images: np.ndarray
    maps: Mapping[str, np.ndarray]
    _: KW_ONLY
    title: str = "Explanations"

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
        """Explain what a fitted `BaseImageClassifier` predicts.

        `X` are images, (n, h, w) or (n, h, w, c), as it predicts them, and `y` their true labels,
        (n,). `methods` and `random_state` are those of `cifar_sk.interpret.attribution_maps`.
        """
        from cifar_sk.interpret import attribution_maps

        proba = estimator.predict_proba(X)
        predicted = estimator.classes_[proba.argmax(axis=1)]
        table = pd.DataFrame({"sample": np.arange(len(X)), "true": np.asarray(y)})
        table["predicted"] = predicted
        table["confidence"] = proba.max(axis=1)
        table["is_correct"] = predicted == np.asarray(y)
        table["explained"] = predicted
        options: dict[str, Any] = {"methods": methods, "random_state": random_state}
        maps = attribution_maps(estimator, X, predicted, **options)  # of what it predicts
        return cls(table, np.asarray(X), maps, title=title)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure that grows with images and methods."""
        n_rows, n_columns = len(self.table), 1 + len(self.maps)
        titles, is_signed = _titles(self.maps)
        legend = _legend(self.maps, is_signed)
        bottom, below = n_rows * (1 + TEXT), LINE * len(legend) + 0.05
        ax = self._begin(ax, max(n_columns * TILE, 6), (bottom + 0.25 + below) * TILE + 0.4)
        for column, text in enumerate(titles, start=1):
            write(ax, column + 0.5, -0.04, text, ha="center", va="bottom")
        for row in range(n_rows):
            self._plot_row(row, is_signed)
        for place, line in enumerate(legend):
            write(ax, 0.04, bottom + LINE * place, line, color=GREY)
        limits = {"xlim": (0, n_columns), "ylim": (bottom + below, -0.25)}
        ax.set(**limits, aspect="equal", anchor="NW")
        ax.set_axis_off()
        heading(ax, self.title)
        return self

    def _plot_row(self, row: int, is_signed: Mapping[str, bool]) -> None:
        top, sample = row * (1 + TEXT), self.table.iloc[row]
        image = picture(self.images[row])
        tile(self.ax_, image, 0, top)
        first = f"{sample['sample']}, true: {label(sample['true'], 11)}"
        write_outcome(self.ax_, 0, top, sample, first)
        if sample["explained"] != sample["predicted"]:
            of = f"maps of: {label(sample['explained'], 14)}"
            write(self.ax_, 1.04, top + 0.95, of)
        for column, (name, maps) in enumerate(self.maps.items(), start=1):
            if name == "grad_cam":
                if not maps[row].any():
                    write(self.ax_, column + 0.04, top + 0.95, "nothing", color=GREY)
                grey = image if image.ndim == 2 else image[..., :3].mean(axis=-1)
                tile(self.ax_, grey, column, top, cmap="gray", vmin=0, vmax=1)
            tile(self.ax_, maps[row], column, top, **_colours(name, maps[row], is_signed[name]))


def _titles(maps: Mapping[str, Any]) -> tuple[list[str], dict[str, bool]]:
    """Return the methods' titles, and whether their maps are signed."""
    from cifar_sk.interpret import METHODS

    titles = [METHODS[name].title if name in METHODS else name for name in maps]
    return titles, {name: name in METHODS and METHODS[name].is_signed for name in maps}


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

    # One extreme pixel would leave all others pale.
    limit = float(np.percentile(np.abs(values), 99)) or float(np.abs(values).max()) or 1.0
    if is_signed:
        diverging = LinearSegmentedColormap.from_list("signed", [VERMILLION, "white", BLUE])
        return {"cmap": diverging, "vmin": -limit, "vmax": limit}
    if name == "grad_cam":
        return {"cmap": "viridis", "vmin": 0, "vmax": limit, "alpha": 0.55}
    return {"cmap": "gray_r", "vmin": 0, "vmax": limit}
