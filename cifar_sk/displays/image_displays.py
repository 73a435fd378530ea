"""Images beside what was predicted for them: samples, mistakes, suspected labels."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import INK, Display, heading, label
from cifar_sk.displays.tiles import TEXT, TILE, photograph, write_outcome
from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.mistakes.confusions import confused_pairs
from cifar_sk.mistakes.image_statistics import check_images
from cifar_sk.mistakes.label_errors import label_issues
from cifar_sk.mistakes.samples import sample_predictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ConfusedPairsDisplay", "LabelIssuesDisplay", "SampleGridDisplay"]

_COLUMNS = ["sample", "true", "predicted", "confidence", "is_correct"]


@dataclass(eq=False, repr=False)
class SampleGridDisplay(Display):
    """A grid of images with true and predicted class.

    Parameters
    ----------
    table : DataFrame
        ``sample``, ``true``, ``predicted``, ``confidence`` (the probability of the predicted
        class) and ``is_correct``, a row per image.
    images : ndarray of shape (n_images, h, w), (n_images, h, w, 1), (..., 3) or (..., 4)
        In the order of `table`.

    Examples
    --------
    >>> table = pd.DataFrame({"sample": [3], "true": ["cat"], "predicted": ["dog"],
    ...                       "confidence": [0.8], "is_correct": [False]})
    >>> display = SampleGridDisplay(table, np.zeros((1, 8, 8, 3), np.uint8)).plot()
    >>> [text.get_text() for text in display.ax_.texts]
    ['true: cat', '✗ dog, 80 %']
    """

    table: pd.DataFrame
    images: np.ndarray
    _: KW_ONLY
    title: str = "Samples"
    n_columns: int = 5

    _named, _marks = "true", "✗✓"  # of the class below an image, and of the prediction

    @classmethod
    def from_result(
        cls, result: OOFResult, images: np.ndarray, *, n_images: int = 15, random_state: int = 0
    ) -> Self:
        """Draw at most `n_images` samples at random among those that have predictions.

        `images`, (n_samples, h, w[, c]), are those of the data set, in its order, and
        probabilities are averaged over repeats.
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

        `images` and `n_images` are as for `from_result`.
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
        # Stable, so that equals stay in the order of their samples.
        wrong = wrong.sort_values("confidence", ascending=False, kind="stable")
        return cls._pick(wrong.head(n_images), images, "Most confident mistakes")

    @classmethod
    def _pick(cls, chosen: pd.DataFrame, images: np.ndarray, title: str) -> Self:
        table = chosen.reset_index(drop=True)
        return cls(table, np.stack([np.asarray(images[i]) for i in table["sample"]]), title=title)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of images."""
        n_columns = min(self.n_columns, len(self.table))
        n_rows = -(-len(self.table) // n_columns)
        height = n_rows * (1 + TEXT)
        ax = self._begin(ax, n_columns * TILE, height * TILE + 0.4)
        for place in range(len(self.table)):
            row, column = divmod(place, self.n_columns)
            sample, top = self.table.iloc[place], row * (1 + TEXT)
            photograph(ax, self.images[place], column, top)
            first = f"{self._named}: {label(sample['true'], 14)}"
            write_outcome(ax, column, top, sample, first, self._marks)
        ax.set(xlim=(0, n_columns), ylim=(height, 0), aspect="equal")
        ax.set_axis_off()
        heading(ax, self.title)
        return self


class LabelIssuesDisplay(SampleGridDisplay):
    """Images whose label the predictions speak against, as a `SampleGridDisplay`."""

    _named, _marks = "label", "??"

    @classmethod
    def from_result(  # type: ignore[override]
        cls, result: OOFResult, images: np.ndarray, *, n_images: int = 15
    ) -> Self:
        """Choose the most suspicious labels; see `cifar_sk.mistakes.label_errors.label_issues`."""
        check_images(images, len(result.target))
        return cls.of_issues(label_issues(result), images, n_images=n_images)

    @classmethod
    def of_issues(cls, issues: pd.DataFrame, images: np.ndarray, *, n_images: int = 15) -> Self:
        """Choose the first rows of a table of `label_issues`."""
        if issues.empty:
            raise InputError("result must hold a suspected label, but there is none")
        columns = {"label": "true", "suggested": "predicted", "proba_suggested": "confidence"}
        table = issues.head(n_images).rename(columns=columns).assign(is_correct=False)
        return cls._pick(table, images, "Suspected label errors")


@dataclass(eq=False, repr=False)
class ConfusedPairsDisplay(Display):
    """The most frequent confusions, a row of images each.

    Parameters
    ----------
    pairs : DataFrame
        As `cifar_sk.mistakes.confusions.confused_pairs` returns it.
    images : ndarray of shape (n_samples, h, w[, c])
        The images of the data set, in its order.

    Examples
    --------
    >>> pairs = pd.DataFrame({"true": ["cat"], "predicted": ["dog"], "n": [2], "share": [0.25],
    ...                       "n_reverse": [1], "examples": [[0, 1]]})
    >>> display = ConfusedPairsDisplay(pairs, np.zeros((2, 8, 8), np.uint8)).plot()
    >>> display.ax_.get_yticklabels()[0].get_text()
    'cat → dog: 2 (25 %)'
    """

    pairs: pd.DataFrame
    images: np.ndarray

    @classmethod
    def from_result(
        cls, result: OOFResult, images: np.ndarray, *, n_pairs: int = 8, n_examples: int = 8
    ) -> Self:
        """Choose the most frequent pairs, and of each the most confident mistakes."""
        check_images(images, len(result.target))
        pairs = confused_pairs(result, n_examples=n_examples).head(n_pairs)
        if pairs.empty:
            raise InputError("result must hold a wrong prediction, but every one is right")
        return cls(pairs, images)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of pairs."""
        n_rows = len(self.pairs)
        n_columns = max(len(examples) for examples in self.pairs["examples"])
        ax = self._begin(ax, 3.0 + 0.62 * n_columns, 0.7 + 0.66 * n_rows)
        for row, examples in enumerate(self.pairs["examples"]):
            for column, sample in enumerate(examples):
                photograph(ax, np.asarray(self.images[sample]), column, row + 0.04)
        names = [
            f"{label(pair['true'], 16)} → {label(pair['predicted'], 16)}: "
            f"{pair['n']} ({100 * pair['share']:.0f} %)"
            for pair in self.pairs.to_dict("records")
        ]
        ax.set(xlim=(0, n_columns), ylim=(n_rows, 0), aspect="equal", xticks=[])
        ax.set_anchor("W")  # else the layout leaves the names too little room
        ax.set_yticks(np.arange(n_rows) + 0.5, names, fontsize=9, parse_math=False)
        ax.tick_params(length=0, labelcolor=INK)
        ax.spines[:].set_visible(False)
        heading(ax, "Most frequent confusions: true → predicted")
        return self
