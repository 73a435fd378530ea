"""Images beside what was predicted for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import (
    BLUE,
    INK,
    VERMILLION,
    Display,
    heading,
    label,
    make_axes,
    root_figure,
)
from cifar_sk.displays.tiles import TILE, photograph, write
from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.mistakes.image_statistics import check_images
from cifar_sk.mistakes.samples import sample_predictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SampleGridDisplay"]

_COLUMNS = ["sample", "true", "predicted", "confidence", "is_correct"]
_TEXT = 0.33  # of a tile, the room for two lines below the image


class SampleGridDisplay(Display):
    """A grid of images with true and predicted class.

    Parameters
    ----------
    table : DataFrame
        ``sample``, ``true``, ``predicted``, ``confidence`` (the probability of the predicted
        class) and ``is_correct``, a row per image.
    images : ndarray of shape (n_images, h, w), (n_images, h, w, 1), (..., 3) or (..., 4)
        uint8 from 0 to 255 or float from 0 to 1, in the order of `table`.
    title : str, default="Samples"
        What was chosen.
    n_columns : int, default=5
        Images in a row.

    Examples
    --------
    >>> table = pd.DataFrame({"sample": [3], "true": ["cat"], "predicted": ["dog"],
    ...                       "confidence": [0.8], "is_correct": [False]})
    >>> display = SampleGridDisplay(table, np.zeros((1, 8, 8, 3), np.uint8)).plot()
    >>> [text.get_text() for text in display.ax_.texts]
    ['true: cat', '✗ dog, 80 %']
    """

    def __init__(
        self,
        table: pd.DataFrame,
        images: np.ndarray,
        *,
        title: str = "Samples",
        n_columns: int = 5,
    ) -> None:
        self.table = table
        self.images = images
        self.title = title
        self.n_columns = n_columns

    @classmethod
    def from_result(
        cls, result: OOFResult, images: np.ndarray, *, n_images: int = 15, random_state: int = 0
    ) -> Self:
        """Draw samples at random among those that have predictions.

        Parameters
        ----------
        result : OOFResult
            What the fold loop returned. Probabilities are averaged over repeats.
        images : ndarray of shape (n_samples, h, w[, c])
            The images of the data set, in its order.
        n_images : int, default=15
            How many to show, at most.
        random_state : int, default=0
            Seed of the draw.

        Raises
        ------
        InputError
            If there is not one image per sample, or no sample has a prediction.
        """
        check_images(images, len(result.target))
        samples = sample_predictions(result)
        return cls.at_random(samples, images, n_images=n_images, random_state=random_state)

    @classmethod
    def at_random(
        cls,
        samples: pd.DataFrame,
        images: np.ndarray,
        *,
        n_images: int = 15,
        random_state: int = 0,
    ) -> Self:
        """Draw at random from a table of `cifar_sk.mistakes.samples.sample_predictions`."""
        rows = np.random.default_rng(random_state).permutation(len(samples))[:n_images]
        return cls._pick(samples[_COLUMNS].iloc[np.sort(rows)], images, "Samples drawn at random")

    @classmethod
    def most_confident_mistakes(
        cls, result: OOFResult, images: np.ndarray, *, n_images: int = 15
    ) -> Self:
        """Choose the wrong predictions with the highest probability, highest first.

        Parameters
        ----------
        result, images, n_images
            As for `from_result`.

        Raises
        ------
        InputError
            As for `from_result`, or if every prediction is right.
        """
        check_images(images, len(result.target))
        return cls.mistakes_among(sample_predictions(result), images, n_images=n_images)

    @classmethod
    def mistakes_among(
        cls, samples: pd.DataFrame, images: np.ndarray, *, n_images: int = 15
    ) -> Self:
        """Choose the most confident mistakes of a table of `sample_predictions`."""
        wrong = samples.loc[~samples["is_correct"], _COLUMNS]
        if wrong.empty:
            raise InputError("result must hold a wrong prediction, but every one is right")
        wrong = wrong.sort_values("confidence", ascending=False, kind="stable")
        return cls._pick(wrong.head(n_images), images, "Most confident mistakes")

    @classmethod
    def _pick(cls, chosen: pd.DataFrame, images: np.ndarray, title: str) -> Self:
        table = chosen.reset_index(drop=True)
        return cls(table, np.stack([np.asarray(images[i]) for i in table["sample"]]), title=title)

    def frame(self) -> pd.DataFrame:
        """Return sample, classes and confidence of the images shown."""
        return self.table

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of images."""
        n_columns = min(self.n_columns, len(self.table))
        n_rows = -(-len(self.table) // n_columns)
        size = (n_columns * TILE, n_rows * (1 + _TEXT) * TILE + 0.4)
        (self.ax_,) = make_axes(ax, 1, figsize=size)
        self.figure_ = root_figure(self.ax_)
        for place in range(len(self.table)):
            self._plot_tile(place)
        self.ax_.set(xlim=(0, n_columns), ylim=(n_rows * (1 + _TEXT), 0), aspect="equal")
        self.ax_.set_axis_off()
        heading(self.ax_, self.title)
        return self

    def _plot_tile(self, place: int) -> None:
        row, column = divmod(place, self.n_columns)
        top = row * (1 + _TEXT)
        photograph(self.ax_, self.images[place], column, top)
        for line, (text, colour) in enumerate(self._lines(place)):
            write(self.ax_, column + 0.04, top + 0.95 + 0.125 * line, text, color=colour)

    def _lines(self, place: int) -> list[tuple[str, str]]:
        """Return the two lines below an image, each with its colour."""
        sample = self.table.iloc[place]
        mark, colour = ("✓", BLUE) if sample["is_correct"] else ("✗", VERMILLION)
        percent = f"{100 * sample['confidence']:.0f} %"
        predicted = f"{mark} {label(sample['predicted'], 14)}, {percent}"
        return [(f"true: {label(sample['true'], 14)}", INK), (predicted, colour)]
