"""Images together with the augmentation that training is to draw for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.folds.steps import is_augmentation

__all__ = ["AugmentedImages"]

_BATCH = 1024


class AugmentedImages:
    """Images together with the random operations that training is to draw afresh for each batch.

    The classifiers of cifar_sk train on `images` and run `operations` inside their training step.
    For everything else it is an array-like: ``numpy.asarray`` gives one random draw.

    Parameters
    ----------
    images : ndarray of shape (n, h, w, c) or (n, h, w)
        The untouched images, uint8 0–255 or float.
    operations : tuple of augmentation transformers
        Applied in this order.

    Attributes
    ----------
    shape, dtype, ndim
        Those of `images`.

    Examples
    --------
    >>> import numpy as np
    >>> from cifar_sk.augmentation import RandomFlip
    >>> augmented = RandomFlip().fit_transform(np.zeros((4, 2, 2, 3), dtype=np.uint8))
    >>> augmented[:3]
    AugmentedImages(shape=(3, 2, 2, 3), dtype=uint8, operations=(RandomFlip(),))
    """

    def __init__(self, images: np.ndarray, operations: tuple[Any, ...]) -> None:
        for operation in operations:
            if not is_augmentation(operation):
                raise InputError(
                    f"{type(operation).__name__} is no augmentation step; derive it from "
                    "cifar_sk.augmentation.Augmentation, and define augment(images, generator)"
                )
        self.images = images
        self.operations = tuple(operations)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the images."""
        return self.images.shape

    @property
    def dtype(self) -> np.dtype:
        """Dtype of the images."""
        return self.images.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions of the images, 3 or 4."""
        return self.images.ndim

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, key: Any) -> AugmentedImages | np.ndarray:
        """Return the subset that a slice, mask or index array names, or one untouched image."""
        if isinstance(key, tuple):
            key, *rest = key  # scikit-learn indexes rows as array[rows, ...]
            if any(axis is not Ellipsis for axis in rest):
                raise InputError(
                    "AugmentedImages can be indexed along its first axis only; "
                    "take numpy.asarray(...) of it to index pixels"
                )
        subset = self.images[key]
        return AugmentedImages(subset, self.operations) if subset.ndim == self.ndim else subset

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return one random draw, in the dtype and value range of `images`.

        Raises
        ------
        InputError
            If an operation mixes labels too, which an array of images cannot express.
        """
        if not self.operations:
            return np.array(self.images, dtype=dtype, copy=copy)
        if copy is False:
            raise ValueError("AugmentedImages draws new images, so it needs copy=None or True")
        drawn = self._draw()
        return drawn if dtype is None else drawn.astype(dtype, copy=False)

    def __repr__(self) -> str:
        return (
            f"AugmentedImages(shape={self.shape}, dtype={self.dtype}, "
            f"operations={self.operations})"
        )

    def _draw(self) -> np.ndarray:
        mixing = [operation for operation in self.operations if operation.mixes_labels]
        if mixing:
            raise InputError(
                f"{type(mixing[0]).__name__} mixes labels as well as images, which only the "
                "classifiers of cifar_sk can train on; remove that step for this estimator"
            )
        from cifar_sk.augmentation.layers import build_augmentation

        as_uint8 = self.dtype == np.uint8
        seed = int(np.random.SeedSequence().generate_state(1)[0])
        value_range = (0.0, 1.0) if as_uint8 else None
        layer = build_augmentation(self.operations, seed=seed, value_range=value_range)
        drawn = np.empty_like(self.images)
        for start in range(0, len(self), _BATCH):
            batch = self.images[start : start + _BATCH].astype(np.float32)
            batch = batch.reshape(*batch.shape[:3], -1)
            result = _to_numpy(layer(batch / 255 if as_uint8 else batch)[0])
            if as_uint8:
                result = np.clip(np.rint(result * 255), 0, 255)
            drawn[start : start + _BATCH] = result.reshape(len(batch), *self.shape[1:])
        return drawn


def _to_numpy(tensor: Any) -> np.ndarray:
    from keras import ops

    return ops.convert_to_numpy(tensor)
