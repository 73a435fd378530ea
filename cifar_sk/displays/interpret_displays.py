"""Explanations drawn: maps beside their images, filters, and the images that excite most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import (
    BLUE,
    GREY,
    INK,
    VERMILLION,
    heading,
    label,
    make_axes,
    root_figure,
)
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["AttributionDisplay", "FilterDisplay", "MaximisationDisplay"]

_TILE = 1.45  # inches
_TEXT = 0.33  # of a tile, the room for two lines below it
_LINE = 0.125  # of a tile
_SCALE_NOTE = "Every map has its own scale: "


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
    ax_ : Axes
        Where `plot` drew.
    figure_ : Figure
        Its figure.

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
        size = (n_columns * _TILE, (n_rows * (1 + _TEXT) + 0.45) * _TILE + 0.4)
        (self.ax_,) = make_axes(ax, 1, figsize=size)
        self.figure_ = root_figure(self.ax_)
        titles, is_signed = _titles(self.maps)
        for column, text in enumerate(titles, start=1):
            _write(self.ax_, column + 0.5, -0.04, text, ha="center", va="bottom")
        for row in range(n_rows):
            self._plot_row(row, is_signed)
        bottom = n_rows * (1 + _TEXT)
        _write(self.ax_, 0.04, bottom, _legend(self.maps, is_signed), color=GREY)
        self.ax_.set(xlim=(0, n_columns), ylim=(bottom + 0.2, -0.25), aspect="equal")
        self.ax_.set_axis_off()
        heading(self.ax_, self.title)
        return self

    def _plot_row(self, row: int, is_signed: Mapping[str, bool]) -> None:
        top, sample = row * (1 + _TEXT), self.table.iloc[row]
        image = _picture(self.images[row])
        _tile(self.ax_, image, 0, top)
        mark, colour = ("✓", BLUE) if sample["is_correct"] else ("✗", VERMILLION)
        first = f"{sample['sample']}, true: {label(sample['true'], 11)}"
        percent = f"{100 * sample['confidence']:.0f} %"
        _write(self.ax_, 0.04, top + 0.95, first)
        second = f"{mark} {label(sample['predicted'], 14)}, {percent}"
        _write(self.ax_, 0.04, top + 0.95 + _LINE, second, color=colour)
        if sample["explained"] != sample["predicted"]:
            of = f"maps of: {label(sample['explained'], 14)}"
            _write(self.ax_, 1.04, top + 0.95, of)
        for column, (name, maps) in enumerate(self.maps.items(), start=1):
            if name == "grad_cam":
                _tile(self.ax_, _grey(image), column, top, cmap="gray", vmin=0, vmax=1)
            _tile(self.ax_, maps[row], column, top, **_colours(name, maps[row], is_signed[name]))


class FilterDisplay:
    """A classifier's first-layer filters as images.

    Parameters
    ----------
    filters : ndarray of float, shape (n_filters, h, w, c)
        Weights, drawn with zero as mid-grey and each with its own scale; colours for three
        channels, and otherwise the mean over the channels.
    numbers : sequence of int
        Which filters they are.
    title : str, default="First-layer filters"
        What they are.
    n_columns : int, default=12
        Filters in a row.

    Attributes
    ----------
    ax_ : Axes
        Where `plot` drew.
    figure_ : Figure
        Its figure.

    Examples
    --------
    >>> display = FilterDisplay(np.ones((3, 5, 5, 3)), [0, 1, 2]).plot()
    >>> len(display.ax_.images)
    3
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        filters: np.ndarray,
        numbers: Sequence[int],
        *,
        title: str = "First-layer filters",
        n_columns: int = 12,
    ) -> None:
        self.filters = filters
        self.numbers = numbers
        self.title = title
        self.n_columns = n_columns

    @classmethod
    def from_estimator(cls, estimator: Any, *, n_filters: int = 48) -> Self:
        """Draw the filters with the greatest norm, greatest first.

        Parameters
        ----------
        estimator : BaseImageClassifier or keras.Model
            Fitted.
        n_filters : int, default=48
            How many at most.

        Raises
        ------
        InputError
            If the first layer's weights have no form of images.
        """
        from cifar_sk.interpret import first_layer_filters

        filters = first_layer_filters(estimator)
        norm = np.sqrt((filters**2).sum(axis=(1, 2, 3)))
        numbers = np.argsort(-norm, kind="stable")[:n_filters]
        shown = "" if len(numbers) == len(filters) else f"{len(numbers)} of "
        title = f"First-layer weights: {shown}{len(filters):,} filters, greatest norm first"
        return cls(filters[numbers], numbers.tolist(), title=title)

    def frame(self) -> pd.DataFrame:
        """Return ``filter`` (its number) and ``norm``."""
        norm = np.sqrt((np.asarray(self.filters, np.float64) ** 2).sum(axis=(1, 2, 3)))
        return pd.DataFrame({"filter": self.numbers, "norm": norm})

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of filters."""
        images = [_weights(weights) for weights in self.filters]
        self.ax_ = _plot_grid(ax, images, [], self.n_columns, self.title, tile=0.62)
        self.figure_ = root_figure(self.ax_)
        return self


class MaximisationDisplay:
    """Images that excite classes or filters most.

    Parameters
    ----------
    table : DataFrame
        ``name`` (class, or number of the filter) and ``activation``, a row per image.
    images : ndarray of shape (n, h, w, c)
        uint8 from 0 to 255 or float from 0 to 1.
    title : str
        What they excite.
    n_columns : int, default=5
        Images in a row.

    Attributes
    ----------
    ax_ : Axes
        Where `plot` drew.
    figure_ : Figure
        Its figure.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["cat"], "activation": [12.3]})
    >>> display = MaximisationDisplay(table, np.zeros((1, 8, 8, 3)), title="Cats").plot()
    >>> [text.get_text() for text in display.ax_.texts]
    ['cat: 12.3']
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self, table: pd.DataFrame, images: np.ndarray, *, title: str, n_columns: int = 5
    ) -> None:
        self.table = table
        self.images = images
        self.title = title
        self.n_columns = n_columns

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, class_names: Sequence[str] | None = None, **options: Any
    ) -> Self:
        """Maximise the logit of every class.

        Parameters
        ----------
        estimator : BaseImageClassifier or keras.Model
            Fitted.
        class_names : sequence of str or None, default=None
            What to call the classes, in the order of ``classes_``; None for the labels.
        **options
            As for `cifar_sk.interpret.maximise_class`.
        """
        from cifar_sk.interpret import logits, maximise_class

        images = maximise_class(estimator, **options)
        names = getattr(estimator, "classes_", range(len(images)))
        names = [str(name) for name in names] if class_names is None else list(class_names)
        if len(names) != len(images):
            raise InputError(f"class_names must name {len(images)} classes, got {len(names)}.")
        table = pd.DataFrame({"name": names, "activation": np.diag(logits(estimator, images))})
        return cls(table, images, title="Images with the greatest logit of each class")

    @classmethod
    def from_layer(
        cls, estimator: Any, layer: str, filters: Sequence[int], **options: Any
    ) -> Self:
        """Maximise the mean map of filters, or the value of units.

        Parameters
        ----------
        estimator : BaseImageClassifier or keras.Model
            Fitted.
        layer : str
            Name of the layer.
        filters : sequence of int
            Which filters or units.
        **options
            As for `cifar_sk.interpret.maximise_filter`.
        """
        from cifar_sk.interpret import filter_activations, maximise_filter

        images = maximise_filter(estimator, layer, filters, **options)
        reached = filter_activations(estimator, images, layer)
        table = pd.DataFrame(
            {
                "name": [str(number) for number in filters],
                "activation": reached[np.arange(len(images)), list(filters)],
            }
        )
        title = f"Images with the greatest mean activation of filters of layer {layer}"
        return cls(table, images, title=title, n_columns=8)

    def frame(self) -> pd.DataFrame:
        """Return ``name`` and ``activation``, a row per image."""
        return self.table

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of images."""
        texts = [
            f"{label(name, 14)}: {value:.3g}"
            for name, value in zip(self.table["name"], self.table["activation"], strict=True)
        ]
        images = [_picture(image) for image in self.images]
        self.ax_ = _plot_grid(ax, images, texts, self.n_columns, self.title, tile=_TILE)
        self.figure_ = root_figure(self.ax_)
        return self


def _plot_grid(
    ax: Axes | None,
    images: Sequence[np.ndarray],
    texts: Sequence[str],
    n_columns: int,
    title: str,
    *,
    tile: float,
) -> Axes:
    """Draw tiles of `tile` inches in rows, each with a line below it where there are texts."""
    n_columns = min(n_columns, len(images))
    n_rows = -(-len(images) // n_columns)
    pitch = 1 + 0.2 * bool(texts)
    size = (max(n_columns * tile, 5.5), n_rows * pitch * tile + 0.4)
    (ax,) = make_axes(ax, 1, figsize=size)
    for place, image in enumerate(images):
        row, column = divmod(place, n_columns)
        _tile(ax, image, column, row * pitch, cmap="gray", vmin=0, vmax=1)
        if texts:
            _write(ax, column + 0.04, row * pitch + 0.95, texts[place])
    ax.set(xlim=(0, n_columns), ylim=(n_rows * pitch, 0), aspect="equal", anchor="NW")
    ax.set_axis_off()
    heading(ax, title)
    return ax


def _tile(ax: Axes, image: np.ndarray, column: float, top: float, **options: Any) -> None:
    left = column + 0.04
    extent = (left, left + 0.92, top + 0.92, top)
    if image.ndim == 2:
        options.setdefault("cmap", "gray")
    ax.imshow(image, extent=extent, interpolation="nearest", **options)


def _write(ax: Axes, x: float, y: float, text: str, **options: Any) -> None:
    style: dict[str, Any] = {"va": "top", "fontsize": 7.5, "color": INK, "parse_math": False}
    ax.text(x, y, text, **{**style, **options})


def _titles(maps: Mapping[str, Any]) -> tuple[list[str], dict[str, bool]]:
    """Return the methods' titles, and whether their maps are signed."""
    from cifar_sk.interpret import METHODS

    known = {name: METHODS[name] for name in maps if name in METHODS}
    titles = [known[name].title if name in known else name for name in maps]
    signed = {name: name in known and known[name].is_signed for name in maps}
    return titles, signed


def _legend(maps: Mapping[str, Any], is_signed: Mapping[str, bool]) -> str:
    clauses = []
    if any(not is_signed[name] and name != "grad_cam" for name in maps):
        clauses.append("dark pixels matter most")
    if "grad_cam" in maps:
        clauses.append("yellow areas (Grad-CAM) speak for the class")
    if any(is_signed.values()):
        clauses.append("blue speaks for the class, orange against")
    return _SCALE_NOTE + "; ".join(clauses) + "."


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


def _picture(image: np.ndarray) -> np.ndarray:
    """Return an image as floats from 0 to 1, without a single channel."""
    scaled = np.asarray(image, np.float64) / (255 if image.dtype == np.uint8 else 1)
    scaled = scaled[..., 0] if scaled.ndim == 3 and scaled.shape[-1] == 1 else scaled
    return np.clip(scaled, 0, 1)


def _grey(picture: np.ndarray) -> np.ndarray:
    return picture if picture.ndim == 2 else picture[..., :3].mean(axis=-1)


def _weights(weights: np.ndarray) -> np.ndarray:
    """Return weights as an image, zero in the middle of the range."""
    greatest = np.abs(weights).max() or 1.0
    shown = weights if weights.shape[-1] == 3 else weights.mean(axis=-1)
    return 0.5 + 0.5 * shown / greatest
