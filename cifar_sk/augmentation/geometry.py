"""Geometric operations inside the graph, several in one pass; imports Keras, so load it late.

Both layers work backwards, as image resampling does: for each output pixel they find the input
point that it shows. Such maps compose, so a run of operations reads the images only once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from cifar_sk.augmentation.base import Augmentation
from cifar_sk.augmentation.transformers import (
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from cifar_sk.backend.operations import compiles_everything, generator_seed

__all__ = ["AFFINE", "PixelMoves", "Resampling", "Seeded", "Stage"]

AFFINE = (RandomTranslation, RandomRotation, RandomZoom, RandomShear)
Seeded = list[tuple[Augmentation, int]]
_Draw = Callable[[float, float], Any]


class Stage(keras.layers.Layer):
    """One operation, or several fused ones, each with its own seed generator.

    Parameters
    ----------
    group : list of (augmentation transformer, int)
        Operations, in order, and their seeds.
    """

    _needs_whole_compiler = False

    def __init__(self, group: Seeded) -> None:
        # TensorFlow refuses the names that Keras would make of classes that begin with "_".
        name = type(self).__name__.strip("_").lower()
        super().__init__(dtype="float32", trainable=False, name=name)
        self._operations = tuple(operation for operation, _ in group)
        self._generators = [keras.random.SeedGenerator(generator_seed(seed)) for _, seed in group]
        if self._needs_whole_compiler:
            self.supports_jit = compiles_everything()


class PixelMoves(Stage):
    """Flips and crops: one gather through the composed maps of output to input pixels."""

    def call(self, images: Any, training: bool = True) -> Any:
        """Move the pixels of images (b, h, w, c), with a draw for each image."""
        batch, (height, width, channels) = ops.shape(images)[0], images.shape[1:]
        rows, blank_rows = self._sources("vertical", height, batch)
        columns, blank_columns = self._sources("horizontal", width, batch)
        first = ops.arange(batch, dtype="int32")[:, None, None] * height
        pixels = (first + rows[:, :, None]) * width + columns[:, None, :]
        moved = ops.take(ops.reshape(images, (-1, channels)), pixels, axis=0)
        blank = (blank_rows[:, :, None] | blank_columns[:, None, :])[..., None]
        return ops.where(blank, 0.0, moved) if self._pads_with_zeros() else moved

    def _pads_with_zeros(self) -> bool:
        return any(getattr(op, "padding_mode", "") == "constant" for op in self._operations)

    def _sources(self, axis: str, size: int, batch: Any) -> tuple[Any, Any]:
        """Return the input index of each output index, and where padding comes in."""
        index = ops.arange(size, dtype="int32")[None]
        blank = ops.zeros((1, size), dtype="bool")
        # From the last operation back to the first: each map reads the output of the one before.
        for op, generator in zip(self._operations[::-1], self._generators[::-1], strict=True):
            if isinstance(op, RandomFlip):
                if axis in op.mode:
                    coin = keras.random.uniform((batch, 1), seed=generator) < 0.5
                    index = ops.where(coin, size - 1 - index, index)
                continue
            # Not "+=", with which PyTorch could not make the one row of indices many.
            index = index + keras.random.randint(
                (batch, 1), -op.padding, op.padding + 1, seed=generator
            )
            if op.padding_mode == "constant":
                blank = blank | (index < 0) | (index >= size)
            index = _fold(index, size, op.padding_mode)
        return index, blank


def _fold(index: Any, size: int, padding_mode: str) -> Any:
    """Map indices outside 0 … size − 1 back inside, as `numpy.pad` does."""
    if padding_mode == "reflect":
        return (size - 1) - ops.abs((size - 1) - ops.abs(index))
    if padding_mode == "symmetric":
        index = ops.where(index < 0, -1 - index, index)
        return ops.where(index >= size, 2 * size - 1 - index, index)
    if padding_mode == "wrap":
        return index % size
    return ops.clip(index, 0, size - 1)


class Resampling(Stage):
    """Affine operations, and flips among them: one product of matrices, one interpolation."""

    _needs_whole_compiler = True

    def call(self, images: Any, training: bool = True) -> Any:
        """Resample images (b, h, w, c), with a draw for each image."""
        batch, (height, width, _) = ops.shape(images)[0], images.shape[1:]
        matrix = None
        for op, generator in zip(self._operations, self._generators, strict=True):
            draw = _uniform(generator, batch)
            entries = _MATRICES[type(op)](op, draw, height, width)
            own = _stack([*entries, 0.0, 0.0, 1.0], batch, (3, 3))
            matrix = own if matrix is None else ops.matmul(matrix, own)
        affine = next(op for op in self._operations if isinstance(op, AFFINE))
        return ops.image.affine_transform(
            images,
            _about_centre(matrix, batch, height, width),
            interpolation=affine.interpolation,
            fill_mode=affine.fill_mode,
            data_format="channels_last",
        )


def _uniform(generator: Any, batch: Any) -> _Draw:
    return lambda low, high: keras.random.uniform((batch,), low, high, seed=generator)


def _stack(entries: list[Any], batch: Any, shape: tuple[int, ...]) -> Any:
    columns = [ops.broadcast_to(ops.cast(entry, "float32"), (batch,)) for entry in entries]
    return ops.reshape(ops.stack(columns, axis=1), (-1, *shape))


def _about_centre(matrix: Any, batch: Any, height: int, width: int) -> Any:
    """Turn a map of centred coordinates into `affine_transform`'s eight numbers."""
    x, y = (width - 1) / 2, (height - 1) / 2
    a, b, c = (matrix[:, 0, i] for i in range(3))
    d, e, f = (matrix[:, 1, i] for i in range(3))
    entries = [a, b, c + x - a * x - b * y, d, e, f + y - d * x - e * y, 0.0, 0.0]
    return _stack(entries, batch, (8,))


# Each returns the first two rows of the matrix that maps an output pixel's (x, y, 1), measured
# from the centre, to the input point that it shows; a product in the order of the steps is then
# the map of all of them.


def _flip(op: Any, draw: _Draw, height: int, width: int) -> tuple[Any, ...]:
    x = ops.where(draw(0, 1) < 0.5, -1.0, 1.0) if "horizontal" in op.mode else 1.0
    y = ops.where(draw(0, 1) < 0.5, -1.0, 1.0) if "vertical" in op.mode else 1.0
    return x, 0.0, 0.0, 0.0, y, 0.0


def _translation(op: Any, draw: _Draw, height: int, width: int) -> tuple[Any, ...]:
    x, y = op.width_factor * width, op.height_factor * height
    return 1.0, 0.0, draw(-x, x), 0.0, 1.0, draw(-y, y)


def _rotation(op: Any, draw: _Draw, height: int, width: int) -> tuple[Any, ...]:
    limit = float(np.deg2rad(op.degrees))
    angle = draw(-limit, limit)
    return ops.cos(angle), -ops.sin(angle), 0.0, ops.sin(angle), ops.cos(angle), 0.0


def _zoom(op: Any, draw: _Draw, height: int, width: int) -> tuple[Any, ...]:
    low, high = 1 - op.factor, 1 + op.factor
    return draw(low, high), 0.0, 0.0, 0.0, draw(low, high), 0.0


def _shear(op: Any, draw: _Draw, height: int, width: int) -> tuple[Any, ...]:
    return 1.0, draw(-op.factor, op.factor), 0.0, 0.0, 1.0, 0.0


_MATRICES: dict[type[Augmentation], Callable[..., tuple[Any, ...]]] = {
    RandomFlip: _flip,
    RandomTranslation: _translation,
    RandomRotation: _rotation,
    RandomZoom: _zoom,
    RandomShear: _shear,
}
