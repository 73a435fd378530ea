"""Batches of arrays that are never copied as a whole."""

from __future__ import annotations

import math

import cifar_sk.quiet_keras  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
import numpy as np

__all__ = ["PREDICT_BATCH_SIZE", "BatchSequence"]

PREDICT_BATCH_SIZE = 256


class BatchSequence(keras.utils.PyDataset):
    """Batches of some samples of arrays that are never copied as a whole.

    Parameters
    ----------
    images : ndarray of shape (n, ...)
        All images, uint8 or float.
    index : ndarray of int, shape (n_used,)
        The samples to use, as positions in `images`.
    batch_size : int
        Samples per batch; the last batch of an epoch may be smaller.
    target : ndarray of int32, shape (n,), or None
        Encoded classes; None for prediction.
    sample_weight : ndarray of float32, shape (n,), or None
        Weights.
    seed : int or None
        Seed of the order, which is new in every epoch; None keeps the order of `index`.
    """

    def __init__(
        self,
        images: np.ndarray,
        index: np.ndarray,
        batch_size: int,
        *,
        target: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self._arrays = tuple(a for a in (images, target, sample_weight) if a is not None)
        self._index = index
        self._batch_size = batch_size
        self._rng = None if seed is None else np.random.default_rng(seed)
        self._order = self._draw()

    def _draw(self) -> np.ndarray:
        return self._index if self._rng is None else self._rng.permutation(self._index)

    def __len__(self) -> int:
        return math.ceil(len(self._index) / self._batch_size)

    def __getitem__(self, position: int) -> tuple[np.ndarray, ...]:
        start = position * self._batch_size
        # Sorted, the gather reads memory in order; within a batch the order has no effect.
        chosen = np.sort(self._order[start : start + self._batch_size])
        return tuple(_as_batch(array[chosen]) for array in self._arrays)

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order."""
        self._order = self._draw()


def _as_batch(batch: np.ndarray) -> np.ndarray:
    return batch.astype("float32") if batch.dtype.kind == "f" else batch
