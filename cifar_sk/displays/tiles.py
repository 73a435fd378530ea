"""Images as tiles of a grid on one pair of axes, a tile being one unit wide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cifar_sk.displays.drawing import BLUE, INK, VERMILLION, label
from cifar_sk.metrics.wording import probability_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LINE", "TEXT", "TILE", "photograph", "picture", "tile", "write", "write_outcome"]

TILE = 1.45  # inches, for two names and a percentage at 7.5 points
TEXT = 0.33  # of a tile, the room for two lines below it
LINE = 0.125  # of a tile


def tile(ax: Axes, image: np.ndarray, column: float, top: float, **options: Any) -> None:
    """Draw an image at a column, from `top` down; `options` go to ``imshow``."""
    left = column + 0.04  # and as much at the right: pictures that touch look like one
    extent = (left, left + 0.92, top + 0.92, top)
    if image.ndim == 2:
        options.setdefault("cmap", "gray")
    ax.imshow(image, extent=extent, interpolation="nearest", **options)


def photograph(ax: Axes, image: np.ndarray, column: float, top: float) -> None:
    """Draw an image of a data set, uint8 or float from 0 to 1, as `tile` does."""
    image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    if image.dtype != np.uint8:
        image = np.clip(image.astype(np.float64), 0, 1)
    tile(ax, image, column, top, vmin=0, vmax=255 if image.dtype == np.uint8 else 1)


def write(ax: Axes, x: float, y: float, text: str, **options: Any) -> None:
    """Write a line whose upper left corner is at (x, y); `options` go to ``text``."""
    style: dict[str, Any] = {"va": "top", "fontsize": 7.5, "color": INK, "parse_math": False}
    ax.text(x, y, text, **{**style, **options})


def write_outcome(
    ax: Axes, x: float, top: float, sample: pd.Series, first: str, marks: str = "✗✓"
) -> None:
    """Write two lines below a tile: `first`, and what was predicted, after the mark of it."""
    is_correct = bool(sample["is_correct"])
    text = f"{marks[is_correct]} {label(sample['predicted'], 14)}"
    write(ax, x + 0.04, top + 0.95, first)
    colour = BLUE if is_correct else VERMILLION
    percent = probability_text(sample["confidence"], 0, percent=True)
    write(ax, x + 0.04, top + 0.95 + LINE, f"{text}, {percent}", color=colour)


def picture(image: np.ndarray) -> np.ndarray:
    """Return an image as floats from 0 to 1, without a single channel."""
    scaled = np.asarray(image, np.float64) / (255 if image.dtype == np.uint8 else 1)
    scaled = scaled[..., 0] if scaled.ndim == 3 and scaled.shape[-1] == 1 else scaled
    return np.clip(scaled, 0, 1)
