"""A picture of a data set: random images, a row per class."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from sklearn.utils import Bunch

from cifar_sk.displays.drawing import label

__all__ = ["draw_samples"]

_MAX_CLASSES = 20  # rows of the figure
_GAP = 2  # pixels between images


def draw_samples(dataset: Bunch, *, n_per_class: int = 12, random_state: int = 0) -> Figure:
    """Draw `n_per_class` random images of each of the first 20 classes, a row per class."""
    mosaic = _mosaic(dataset.images, dataset.target, n_per_class, random_state)
    n_shown = min(len(dataset.target_names), _MAX_CLASSES)
    tile = mosaic.shape[0] / n_shown
    width = 1.6 + 0.6 * mosaic.shape[1] / tile
    figure = Figure(figsize=(width, 0.7 + 0.6 * n_shown), layout="constrained", dpi=150)
    ax = figure.add_subplot()
    ax.imshow(mosaic, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    names = [label(name, 30) for name in dataset.target_names[:n_shown]]
    ax.set_yticks([(k + 0.5) * tile - 0.5 for k in range(n_shown)], names, parse_math=False)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    n_classes = len(dataset.target_names)
    shown = "" if n_shown == n_classes else f" (first {n_shown} shown)"
    counts = f"{len(dataset.images):,} images, {n_classes} classes{shown}"
    ax.set_title(f"{label(dataset.name, 40)}: {counts}", parse_math=False)
    return figure


def _mosaic(
    images: np.ndarray, target: np.ndarray, n_per_class: int, random_state: int
) -> np.ndarray:
    """Return the chosen images as one white-gapped image, uint8 (rows, columns, c)."""
    rng = np.random.default_rng(random_state)
    _, height, width, n_channels = images.shape
    n_rows = min(int(target.max()) + 1, _MAX_CLASSES)
    shape = (n_rows, height + _GAP, n_per_class, width + _GAP, n_channels)
    mosaic = np.full(shape, 255, dtype=np.uint8)
    for row in range(n_rows):
        members = np.flatnonzero(target == row)
        chosen = rng.choice(members, size=min(n_per_class, len(members)), replace=False)
        for column, index in enumerate(chosen):
            mosaic[row, :height, column, :width] = images[index]
    return mosaic.reshape(n_rows * (height + _GAP), n_per_class * (width + _GAP), n_channels)
