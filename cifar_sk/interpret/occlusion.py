"""Occlusion: how much the class loses when a part of the image is covered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from cifar_sk.backend.operations import released_memory
from cifar_sk.errors import InputError
from cifar_sk.estimators.base import BaseImageClassifier
from cifar_sk.interpret.networks import BATCH_SIZE, ImageNetwork, in_batches

__all__ = ["occlusion"]


@released_memory()
def occlusion(
    classifier: BaseImageClassifier | keras.Model,
    images: Any,
    classes: Any = None,
    *,
    size: int | None = None,
    stride: int | None = None,
    fill: float | None = None,
) -> np.ndarray:
    """Slide a plain square over each image and measure what the class's logit loses [1]_.

    Parameters
    ----------
    classifier, images, classes
        As for `saliency`.
    size : int or None, default=None
        Side of the square, pixels; None for a quarter of the image's shorter side.
    stride : int or None, default=None
        Pixels between two positions, the last one always touching the border; None for a
        quarter of `size`.
    fill : float or None, default=None
        The square's value, in pixels as ``predict`` takes them; None for the image's own mean
        colour.

    Returns
    -------
    ndarray of float32, shape (n, h, w)
        For each pixel the mean loss of logit over the squares that cover it. Negative where
        covering helps the class.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks",
       ECCV 2014. :doi:`10.1007/978-3-319-10590-1_53`
    """
    network = ImageNetwork(classifier)
    x = network.prepare(images)
    height, width, _ = network.image_shape
    size = max(1, min(height, width) // 4) if size is None else size
    stride = max(1, size // 4) if stride is None else stride
    if not 1 <= size <= min(height, width) or stride < 1:
        raise InputError(
            f"size must be from 1 to {min(height, width)} and stride 1 or more for images of "
            f"{height}×{width}, got size={size} and stride={stride}."
        )
    columns = network.columns(classes, x)
    colour = x.mean(axis=(1, 2))
    if fill is not None:
        colour = np.broadcast_to(network.scale(fill), colour.shape)
    starts = ({*range(0, n - size + 1, stride), n - size} for n in (height, width))
    corners = [*itertools.product(*map(sorted, starts))]
    places = np.repeat(np.arange(len(x)), len(corners))
    batches = _covered(x, colour, places, corners * len(x), size)
    # One call, for each compiles the network once.
    logits = network.evaluate_batches(network.logits, itertools.chain(in_batches(x), batches))
    plain = logits[np.arange(len(x)), columns]
    covered = logits[len(x) :][np.arange(len(places)), columns[places]]
    losses = plain[:, None] - covered.reshape(len(x), len(corners))
    return _spread(losses, corners, size, (height, width))


def _covered(
    x: np.ndarray, colour: np.ndarray, places: np.ndarray, corners: Sequence[Any], size: int
) -> Iterator[np.ndarray]:
    """Yield batches of copies with a square at one corner each."""
    for start in range(0, len(places), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        batch = x[places[part]]
        for copy, place, (row, column) in zip(batch, places[part], corners[part], strict=True):
            copy[row : row + size, column : column + size] = colour[place]
        yield batch


def _spread(
    losses: np.ndarray, corners: Sequence[Any], size: int, shape: tuple[int, int]
) -> np.ndarray:
    """Return each pixel's mean over the squares that cover it."""
    total, count = np.zeros((len(losses), *shape)), np.zeros(shape)
    for loss, (row, column) in zip(losses.T, corners, strict=True):
        total[:, row : row + size, column : column + size] += loss[:, None, None]
        count[row : row + size, column : column + size] += 1
    # A stride above the size leaves pixels that no square covers.
    return (total / np.maximum(count, 1)).astype(np.float32)
