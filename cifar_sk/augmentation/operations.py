"""Random image operations inside the graph, one draw per image; imports Keras, so load it late.

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

from cifar_sk.augmentation.base import Augmentation
from cifar_sk.augmentation.geometry import AFFINE, PixelMoves, Resampling, Seeded, Stage
from cifar_sk.augmentation.transformers import (
    CutMix,
    MixUp,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
)
from cifar_sk.backend.operations import generator_seed

__all__ = ["build_augmentation", "mix_targets"]

_Mix = tuple[Any, Any]


def build_augmentation(
    operations: Sequence[Augmentation],
    *,
    seed: int,
    value_range: tuple[float, float] | None = (0.0, 1.0),
) -> keras.layers.Layer:
    """Build the layer that draws the operations for a batch.

    Parameters
    ----------
    operations : sequence of augmentation transformers
        Applied in this order; fitted or not.
    seed : int
        From it, and the operation's position, comes the seed of each operation whose own
        `random_state` is None.
    value_range : (float, float) or None, default=(0.0, 1.0)
        Values are clipped to it where an operation could leave it; None clips nothing.

    Returns
    -------
    keras.layers.Layer
        Maps float32 images (b, h, w, c) to ``(images, mixes)``: images alike, and a list of
        (permutation int32 (b,), weight float32 (b,)) for `mix_targets`, empty unless MixUp or
        CutMix is among the operations. Every call draws afresh.

    Examples
    --------
    >>> import numpy as np
    >>> from cifar_sk.augmentation import RandomCrop, RandomFlip
    >>> layer = build_augmentation([RandomFlip(), RandomCrop(1)], seed=0)
    >>> images, mixes = layer(np.zeros((5, 4, 4, 3), dtype="float32"))
    >>> tuple(images.shape), mixes
    ((5, 4, 4, 3), [])
    """
    return _AugmentationLayer(operations, seed=seed, value_range=value_range)


def mix_targets(targets: Any, mixes: Sequence[_Mix]) -> Any:
    """Mix targets, or sample weights, as MixUp and CutMix mixed the images.

    Parameters
    ----------
    targets : tensor of shape (b, ...)
        Float, such as one-hot labels (b, n_classes) or weights (b,).
    mixes : list of (permutation, weight)
        From the layer of `build_augmentation`.

    Returns
    -------
    tensor of shape (b, ...)
        For each mix in turn, weight · targets + (1 − weight) · targets[permutation].

    Examples
    --------
    >>> import numpy as np
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
    """A chain of stages, each a layer for one operation or for several fused ones."""

    def __init__(
        self,
        operations: Sequence[Augmentation],
        *,
        seed: int,
        value_range: tuple[float, float] | None,
    ) -> None:
        super().__init__(dtype="float32", trainable=False, name="augmentation")
        seeded = [(op, _own_seed(op, seed, position)) for position, op in enumerate(operations)]
        self.stages = [_build_stage(group, value_range) for group in _fuse(seeded)]

    def call(self, images: Any) -> tuple[Any, list[_Mix]]:
        mixes = []
        for stage in self.stages:
            if isinstance(stage, _Mixing):
                images, mix = stage(images)
                mixes.append(mix)
            else:
                images = stage(images, training=True)
        return images, mixes


def _own_seed(operation: Augmentation, seed: int, position: int) -> int:
    if operation.random_state is not None:
        return int(operation.random_state)
    return int(np.random.SeedSequence(seed, spawn_key=(position,)).generate_state(1)[0])


def _fuse(seeded: Seeded) -> list[Seeded]:
    """Group neighbours that one resampling, or one gather, can do together."""
    groups: list[Seeded] = []
    for pair in seeded:
        if groups and _can_fuse([operation for operation, _ in [*groups[-1], pair]]):
            groups[-1].append(pair)
        else:
            groups.append([pair])
    return groups


def _can_fuse(operations: list[Augmentation]) -> bool:
    if all(isinstance(op, RandomFlip | RandomCrop) for op in operations):
        return True
    if not all(isinstance(op, (RandomFlip, *AFFINE)) for op in operations):
        return False
    affine = [op for op in operations if isinstance(op, AFFINE)]
    return len({(op.fill_mode, op.interpolation) for op in affine}) == 1


def _build_stage(group: Seeded, value_range: tuple[float, float] | None) -> keras.layers.Layer:
    operation, seed = group[-1]
    if any(isinstance(op, AFFINE) for op, _ in group):
        return Resampling(group)
    if isinstance(operation, RandomContrast):
        return keras.layers.RandomContrast(
            (operation.factor, operation.factor),  # a single number would only raise contrast
            value_range=value_range or (-np.inf, np.inf),
            seed=generator_seed(seed),
            dtype="float32",
        )
    stages = {RandomErasing: _Erasing, MixUp: _MixUp, CutMix: _CutMix}
    return stages.get(type(operation), PixelMoves)(group)


def _box_mask(rows: tuple[Any, Any], columns: tuple[Any, Any], images: Any) -> Any:
    """Mark the pixels from rows[0] to before rows[1], and likewise of columns, of each image."""
    height, width = (ops.arange(size, dtype="int32") for size in images.shape[1:3])
    in_rows = (height >= rows[0][:, None]) & (height < rows[1][:, None])
    in_columns = (width >= columns[0][:, None]) & (width < columns[1][:, None])
    return (in_rows[:, :, None] & in_columns[:, None, :])[..., None]


class _Erasing(Stage):
    def call(self, images: Any, training: bool = True) -> Any:
        (op,), (generator,) = self._operations, self._generators
        batch, (height, width, _) = ops.shape(images)[0], images.shape[1:]
        side = op.size
        if side < 1:
            side = max(1, round(side * min(height, width)))
        top = keras.random.randint((batch,), 0, height - side + 1, seed=generator)
        left = keras.random.randint((batch,), 0, width - side + 1, seed=generator)
        mask = _box_mask((top, top + side), (left, left + side), images)
        fill = ops.mean(images, axis=(1, 2), keepdims=True) if op.fill == "mean" else 0.0
        return ops.where(mask, fill, images)


class _Mixing(Stage):
    _needs_whole_compiler = True

    def _partners(self, images: Any) -> tuple[Any, Any]:
        (op,), (generator,) = self._operations, self._generators
        batch = ops.shape(images)[0]
        permutation = keras.random.shuffle(ops.arange(batch, dtype="int32"), seed=generator)
        return permutation, keras.random.beta((batch,), op.alpha, op.alpha, seed=generator)


class _MixUp(_Mixing):
    def call(self, images: Any) -> tuple[Any, _Mix]:
        mix = self._partners(images)
        return mix_targets(images, [mix]), mix


class _CutMix(_Mixing):
    """The box of the paper's Algorithm A1: centred anywhere, cut off at the edges."""

    def call(self, images: Any) -> tuple[Any, _Mix]:
        permutation, share = self._partners(images)
        height, width = images.shape[1:3]
        top, bottom = self._bounds(share, height)
        left, right = self._bounds(share, width)
        mask = _box_mask((top, bottom), (left, right), images)
        pasted = ops.where(mask, ops.take(images, permutation, axis=0), images)
        area = ops.cast((bottom - top) * (right - left), "float32")
        return pasted, (permutation, 1 - area / (height * width))

    def _bounds(self, share: Any, size: int) -> tuple[Any, Any]:
        half = ops.cast(size * ops.sqrt(1 - share), "int32") // 2
        centre = keras.random.randint(ops.shape(share), 0, size, seed=self._generators[0])
        return ops.clip(centre - half, 0, size), ops.clip(centre + half, 0, size)
