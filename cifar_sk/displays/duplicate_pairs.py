"""Near-duplicates side by side, with their labels."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from cifar_sk.displays.drawing import INK, VERMILLION, Display, heading, label
from cifar_sk.displays.tiles import LINE, TEXT, TILE, photograph, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DuplicatePairsDisplay"]


@dataclass(eq=False, repr=False)
class DuplicatePairsDisplay(Display):
    """Pairs of images side by side, with their labels and their similarity.

    Parameters
    ----------
    table : DataFrame
        ``first_label``, ``second_label`` and ``similarity``, a row per pair.
    images : ndarray of shape (n_pairs, 2, h, w[, c])
        In the order of `table`.

    Examples
    --------
    >>> pair = {"first_label": "cat", "second_label": "dog", "similarity": 0.8}
    >>> table = pd.DataFrame([pair])
    >>> display = DuplicatePairsDisplay(table, np.zeros((1, 2, 8, 8, 3), np.uint8)).plot()
    >>> [text.get_text() for text in display.ax_.texts]
    ['cat', 'dog', '0.80']
    """

    table: pd.DataFrame
    images: np.ndarray
    _: KW_ONLY
    title: str = "Near-duplicates"
    n_columns: int = 6

    @classmethod
    def at_random(
        cls, pairs: pd.DataFrame, dataset: Bunch, *, n_pairs: int = 60, random_state: int = 0
    ) -> Self:
        """Draw pairs of a `SplitDuplicates` at random, the most similar first."""
        rows = np.random.default_rng(random_state).permutation(len(pairs))[:n_pairs]
        chosen = pairs.iloc[rows].sort_values("similarity", ascending=False, kind="stable")
        images = {"train": dataset.images, "test": dataset.test_images}
        shown = [
            [images[pair[f"{name}_split"]][pair[name]] for name in ("first", "second")]
            for pair in chosen.to_dict("records")
        ]
        table = chosen[["first_label", "second_label", "similarity"]].reset_index(drop=True)
        title = f"Copies and near-duplicates, {len(table):,} of {len(pairs):,} pairs at random"
        return cls(table, np.array(shown), title=title)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on `ax`, or on a new figure whose height follows the number of pairs."""
        n_columns = max(1, min(self.n_columns, len(self.table)))
        n_rows = max(1, -(-len(self.table) // n_columns))
        height = n_rows * (1 + TEXT)
        step = 2.2  # of a tile: two of them, and a gap to the next pair
        width = n_columns * step
        ax = self._begin(ax, width * TILE * 0.6, height * TILE * 0.6 + 0.4)
        for place, pair in enumerate(self.table.to_dict("records")):
            row, column = divmod(place, n_columns)
            left, top = column * step, row * (1 + TEXT)
            is_conflict = pair["first_label"] != pair["second_label"]
            colour = VERMILLION if is_conflict else INK
            for side, name in enumerate(("first_label", "second_label")):
                photograph(ax, self.images[place, side], left + side, top)
                text = label(pair[name], 11)
                write(ax, left + side + 0.04, top + 0.95, text, color=colour, fontsize=6.5)
            x, y = left + 0.04, top + 0.95 + 1.2 * LINE
            write(ax, x, y, f"{pair['similarity']:.2f}", fontsize=6.5)
        ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        ax.set_axis_off()
        heading(ax, self.title)
        return self
