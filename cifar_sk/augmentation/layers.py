"""The Keras layers that run augmentation steps inside the graph, one draw per image.

Which operations are Keras' own layers was decided by measurement: batches of 64 float images of
32×32×3, `tf.function` without XLA, two CPU threads, Keras 3.15, medians of 15 interleaved rounds.

- RandomTranslation, Rotation, Zoom and Shear cost 1.2 ms each, nearly all of it resampling, and
  each blurs. Here their matrices are multiplied and the same Keras operation,
  `keras.ops.image.affine_transform`, resamples once: 1.4 ms for R4's five operations, not 4.6 ms.
- RandomFlip costs 0.8 ms; RandomCrop does not pad, and cuts a whole batch at one place. Both only
  move pixels, so here any run of them is one gather: 0.5 ms.
- RandomErasing costs 1.3 ms, and draws the area and the shape that cutout fixes; a mask, 0.6 ms.
- RandomContrast is Keras' own (0.6 ms). CutMix is not: its box has fractional edges, so its weight
  is not the share of the pixels that it pastes, and its `factor` bounds alpha instead of being it.
  MixUp keeps its permutation to itself, and shares CutMix's draws here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from cifar_sk.backend.operations import compiles_everything, generator_seed

__all__ = ["BatchStage", "ScaledStage", "build_augmentation", "mix_targets"]

_Mix = tuple[Any, Any]  # permutation int32 (b,), weight float32 (b,)
_Group = list[tuple[Any, int]]  # steps that one layer runs, and their seeds


def build_augmentation(
    operations: Sequence[Any],
    *,
    seed: int,
    value_range: tuple[float, float] | None = (0.0, 1.0),
) -> keras.layers.Layer:
    """Build the layer that draws the steps, in their order, for a batch.

    It maps float32 images (b, h, w, c) to such images and a list for `mix_targets`. A step without
    a random state gets a seed from `seed` and its position; `value_range` is what values are
    clipped to where a step could leave it.

    >>> from cifar_sk.augmentation import RandomCrop, RandomFlip
    >>> layer = build_augmentation([RandomFlip(), RandomCrop(1)], seed=0)
    >>> images, mixes = layer(np.zeros((5, 4, 4, 3), dtype="float32"))
    >>> tuple(images.shape), mixes
    ((5, 4, 4, 3), [])
    """
    return _AugmentationLayer(operations, seed, value_range)


def mix_targets(targets: Any, mixes: Sequence[_Mix]) -> Any:
    """Mix targets or weights (b, ...) as the images were mixed.

    For each mix in turn they become weight · targets + (1 − weight) · targets[permutation].

    >>> mix = (np.array([1, 0]), np.array([0.75, 1.0], dtype="float32"))
    >>> np.asarray(mix_targets(np.eye(2, dtype="float32"), [mix]))
    array([[0.75, 0.25],
           [0.  , 1.  ]], dtype=float32)
    """
    targets = ops.convert_to_tensor(targets)
    for permutation, weight in mixes:
        own = ops.reshape(weight, (-1, *[1] * (len(targets.shape) - 1)))
        targets = own * targets + (1 - own) * ops.take(targets, permutation, axis=0)
    return targets


class _AugmentationLayer(keras.layers.Layer):
    """A chain of stages, each a layer for one step or for several composed ones."""

    def __init__(
        self, operations: Sequence[Any], seed: int, value_range: tuple[float, float] | None
    ) -> None:
        super().__init__(dtype="float32", trainable=False, name="augmentation")
        seeded = [(op, _own_seed(op, seed, position)) for position, op in enumerate(operations)]
        groups = _composed(seeded)
        self.stages = [_build_stage(group, value_range) for group in groups]
        self._mixing = tuple(group[0][0].mixes_labels for group in groups)

    def call(self, images: Any) -> tuple[Any, list[_Mix]]:
        mixes = []
        for stage, mixes_labels in zip(self.stages, self._mixing, strict=True):
            images = stage(images, training=True)
            if mixes_labels:
                images, mix = images
                mixes.append(mix)
        return images, mixes


def _own_seed(operation: Any, seed: int, position: int) -> int:
    own = getattr(operation, "random_state", None)
    if own is None:
        own = np.random.SeedSequence(seed, spawn_key=(position,)).generate_state(1)[0]
    return generator_seed(int(own))


def _composed(seeded: _Group) -> list[_Group]:
    """Group neighbours that one gather, or one resampling, can do together."""
    groups: list[_Group] = []
    for pair in seeded:
        if groups and _shared_stage([*groups[-1], pair]):
            groups[-1].append(pair)
        else:
            groups.append([pair])
    return groups


def _shared_stage(group: _Group) -> type[_GeometricStage] | None:
    operations = [operation for operation, _ in group]
    if all(operation.moves_pixels for operation in operations):
        return PixelMoves
    if all(operation.is_affine for operation in operations):
        ways = {operation.reads for operation in operations} - {None}
        return Resampling if len(ways) == 1 else None
    return None


def _build_stage(group: _Group, value_range: tuple[float, float] | None) -> keras.layers.Layer:
    shared = _shared_stage(group)
    if shared is not None:
        return shared(group)
    ((operation, seed),) = group
    return operation.stage(seed, value_range)


class BatchStage(keras.layers.Layer):
    """Runs the `augment` of one step."""

    def __init__(self, operation: Any, seed: int, value_range: tuple[float, float] | None) -> None:
        super().__init__(dtype="float32", trainable=False)
        self._operation = operation
        self._generator = keras.random.SeedGenerator(seed)
        self._value_range = value_range
        if operation._needs_whole_compiler:
            self.supports_jit = compiles_everything()

    def call(self, images: Any, training: bool = True) -> Any:
        """Return the images, with their mix where the step mixes labels."""
        augmented = self._operation.augment(images, self._generator)
        if self._value_range is None or self._operation.mixes_labels:
            return augmented
        return ops.clip(augmented, *self._value_range)


class ScaledStage(keras.layers.Layer):
    """Runs a layer of Keras on pixels from 0 to 255, where they are from 0 to 1 in the graph."""

    def __init__(self, layer: Any, value_range: tuple[float, float] | None) -> None:
        super().__init__(dtype="float32", trainable=False)
        self._layer = layer
        self._value_range = value_range
        self.supports_jit = compiles_everything()

    def call(self, images: Any, training: bool = True) -> Any:
        """Return the images as the layer changes them."""
        if self._value_range is None:
            return self._layer(images)
        return ops.clip(self._layer(images * 255) / 255, *self._value_range)


class _GeometricStage(keras.layers.Layer):
    """Runs one geometric step, or several composed ones, each with its own seed generator."""

    def __init__(self, group: _Group) -> None:
        super().__init__(dtype="float32", trainable=False)
        self._operations = tuple(operation for operation, _ in group)
        self._generators = [keras.random.SeedGenerator(seed) for _, seed in group]


class PixelMoves(_GeometricStage):
    """Flips and crops: one gather through the composed maps of output to input pixels."""

    def call(self, images: Any, training: bool = True) -> Any:
        """Move the pixels of images (b, h, w, c), with a draw for each image."""
        batch, (height, width, channels) = ops.shape(images)[0], images.shape[1:]
        rows, blank_rows = self._sources("vertical", height, batch)
        columns, blank_columns = self._sources("horizontal", width, batch)
        first = ops.arange(batch, dtype="int32")[:, None, None] * height
        pixels = (first + rows[:, :, None]) * width + columns[:, None, :]
        moved = ops.take(ops.reshape(images, (-1, channels)), pixels, axis=0)
        if blank_rows is None:
            return moved
        blank = (blank_rows[:, :, None] | blank_columns[:, None, :])[..., None]
        return ops.where(blank, 0.0, moved)

    def _sources(self, axis: str, size: int, batch: Any) -> tuple[Any, Any]:
        """Return the input index of each output index, and where padding comes in."""
        index, blank = ops.arange(size, dtype="int32")[None], None
        # From the last operation back to the first: each map reads the output of the one before.
        for op, generator in zip(self._operations[::-1], self._generators[::-1], strict=True):
            index, padded = op.sources(index, size, axis, generator, batch)
            if padded is not None:
                blank = padded if blank is None else blank | padded
        return index, blank


class Resampling(_GeometricStage):
    """Affine steps, and flips among them: one product of matrices, one interpolation."""

    def __init__(self, group: _Group) -> None:
        super().__init__(group)
        self.supports_jit = compiles_everything()

    def call(self, images: Any, training: bool = True) -> Any:
        """Resample images (b, h, w, c), with a draw for each image."""
        batch, (height, width, _) = ops.shape(images)[0], images.shape[1:]
        matrix = None
        for op, generator in zip(self._operations, self._generators, strict=True):
            entries = op.matrix(_uniform(generator, batch), height, width)
            own = _stack([*entries, 0.0, 0.0, 1.0], batch, (3, 3))
            matrix = own if matrix is None else ops.matmul(matrix, own)
        fill_mode, interpolation = next(op.reads for op in self._operations if op.reads)
        return ops.image.affine_transform(
            images,
            _about_centre(matrix, batch, height, width),
            interpolation=interpolation,
            fill_mode=fill_mode,
            data_format="channels_last",
        )


def _uniform(generator: Any, batch: Any) -> Any:
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
