"""Filters as images, and the images that excite classes and filters most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import Display, heading, label
from cifar_sk.displays.tiles import TILE, picture, tile, write
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FilterDisplay", "MaximisationDisplay"]


class _TilesDisplay(Display):
    """Tiles in rows under a title."""

    title: str
    n_columns: int

    def _plot_tiles(
        self, ax: Axes | None, images: Sequence[np.ndarray], texts: Sequence[str], side: float
    ) -> None:
        """Draw tiles of `side` inches, each with a line below it where there are texts."""
        n_columns = min(self.n_columns, len(images))
        n_rows = -(-len(images) // n_columns)
        pitch = 1 + 0.2 * bool(texts)
        # Few tiles would make a figure that is narrower than its title.
        ax = self._begin(ax, max(n_columns * side, 5.5), n_rows * pitch * side + 0.4)
        for place, image in enumerate(images):
            row, column = divmod(place, n_columns)
            tile(ax, image, column, row * pitch, cmap="gray", vmin=0, vmax=1)
            if texts:
                write(ax, column + 0.04, row * pitch + 0.95, texts[place])
        ax.set(xlim=(0, n_columns), ylim=(n_rows * pitch, 0), aspect="equal", anchor="NW")
        ax.set_axis_off()
        heading(ax, self.title)


@dataclass(eq=False, repr=False)
class FilterDisplay(_TilesDisplay):
    """A classifier's first-layer filters as images.

    Parameters
    ----------
    filters : ndarray of float, shape (n_filters, h, w, c)
        Weights, drawn with zero as mid-grey and each with its own scale; colours for three
        channels, and otherwise the mean over the channels.
    numbers : sequence of int
        Which filters they are.

    Examples
    --------
    >>> display = FilterDisplay(np.ones((3, 5, 5, 3)), [0, 1, 2]).plot()
    >>> len(display.ax_.images)
    3
    """

    filters: np.ndarray
    numbers: Sequence[int]
    _: KW_ONLY
    title: str = "First-layer filters"
    n_columns: int = 12

    @classmethod
    def from_estimator(cls, estimator: Any, *, n_filters: int = 48) -> Self:
        """Choose at most `n_filters` of the greatest norm; see `interpret.first_layer_filters`."""
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
        self._plot_tiles(ax, images, [], side=0.62)
        return self


@dataclass(eq=False, repr=False)
class MaximisationDisplay(_TilesDisplay):
    """Images that excite classes or filters most.

    Parameters
    ----------
    table : DataFrame
        ``name`` (class, or number of the filter) and ``activation``, a row per image.
    images : ndarray of shape (n, h, w, c)
        In the order of `table`.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["cat"], "activation": [12.3]})
    >>> display = MaximisationDisplay(table, np.zeros((1, 8, 8, 3)), title="Cats").plot()
    >>> [text.get_text() for text in display.ax_.texts]
    ['cat: 12.3']
    """

    table: pd.DataFrame
    images: np.ndarray
    _: KW_ONLY
    title: str
    n_columns: int = 5

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        classes: Any = None,
        class_names: Sequence[str] | None = None,
        **options: Any,
    ) -> Self:
        """Maximise the logits of classes: a label, several, (n,), or None for all.

        `class_names` are those of all classes, in the order of ``classes_``; None for the labels.
        `options` are those of `cifar_sk.interpret.maximise_class`.
        """
        from cifar_sk.interpret import logits, maximise_class
        from cifar_sk.interpret.networks import ImageNetwork

        network = ImageNetwork(estimator)
        names = network.classes if class_names is None else class_names
        if len(names) != len(network.classes):
            raise InputError(
                f"class_names must name {len(network.classes)} classes, got {len(names)}."
            )
        classes = network.classes if classes is None else np.atleast_1d(classes)
        columns = network.positions_of(classes)
        images = maximise_class(estimator, classes, **options)
        reached = logits(estimator, images)[np.arange(len(images)), columns]
        shown = [str(names[column]) for column in columns]
        table = pd.DataFrame({"name": shown, "activation": reached})
        return cls(table, images, title="Images with the greatest logit of each class")

    @classmethod
    def from_layer(
        cls, estimator: Any, layer: str, filters: Sequence[int], **options: Any
    ) -> Self:
        """Maximise the mean map of filters, or the value of units, of the layer of a name.

        `options` are those of `cifar_sk.interpret.maximise_filter`.
        """
        from cifar_sk.interpret import filter_activations, maximise_filter
        from cifar_sk.interpret.networks import ImageNetwork

        images = maximise_filter(estimator, layer, filters, **options)
        activations = filter_activations(estimator, images, layer)
        reached = activations[np.arange(len(images)), list(filters)]
        table = pd.DataFrame({"name": [str(n) for n in filters], "activation": reached})
        is_dense = len(ImageNetwork(estimator).layer(layer).output.shape) == 2
        what = "activation of units" if is_dense else "mean activation of filters"
        title = f"Images with the greatest {what} of layer {layer}"
        return cls(table, images, title=title, n_columns=8)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of images."""
        texts = [
            f"{label(name, 14)}: {value:.3g}"
            for name, value in zip(self.table["name"], self.table["activation"], strict=True)
        ]
        images = [picture(image) for image in self.images]
        self._plot_tiles(ax, images, texts, side=TILE)
        return self


def _weights(weights: np.ndarray) -> np.ndarray:
    """Return weights as an image, zero in the middle of the range."""
    greatest = np.abs(weights).max() or 1.0
    shown = weights if weights.shape[-1] == 3 else weights.mean(axis=-1)
    return 0.5 + 0.5 * shown / greatest
