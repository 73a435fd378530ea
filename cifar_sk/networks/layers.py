"""Layers that Keras does not have; imports Keras, so load it late.

Registered with Keras, so that saved classifiers hold them and load without running any code.
"""

from __future__ import annotations

from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
import numpy as np
from keras import ops

from cifar_sk.backend.operations import fused_batch_norm

__all__ = ["BatchNormalization", "Dirac", "Whitening"]

_PACKAGE = "cifar_sk"
_CHUNK = 250  # images whose patches are in memory at a time: 30 MB where they are 64×64


@keras.saving.register_keras_serializable(_PACKAGE)
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalisation, in one pass over memory where the backend has a kernel for it.

    Takes the arguments of Keras' layer. The variance that is kept for prediction is the unbiased
    one where there is such a kernel, as in PyTorch.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise by the batch's own moments in training, by the moving ones otherwise."""
        fuses = training and self.trainable and len(inputs.shape) == 4 and mask is None
        fuses = fuses and self.axis in {-1, 3} and not self.renorm
        fused = fused_batch_norm(inputs, self.gamma, self.beta, self.epsilon) if fuses else None
        if fused is None:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = fused
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return outputs


@keras.saving.register_keras_serializable(_PACKAGE)
class Whitening(keras.layers.Layer):
    """Standardise the channels, then decorrelate 2×2 patches, as the training images ask for.

    A valid convolution whose filters are the eigenvectors of the patches' uncentred covariance
    over the root of their eigenvalues, and the negatives of them. Only its bias is trained.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights: 8 filters per channel, random until `adapt` is called."""
        n_channels = int(input_shape[-1] or 0)
        n_inputs = 4 * n_channels
        uniform = keras.initializers.RandomUniform(-(n_inputs**-0.5), n_inputs**-0.5)
        fixed = {"trainable": False, "autocast": False}
        self.mean = self.add_weight(name="mean", shape=(n_channels,), initializer="zeros", **fixed)
        self.std = self.add_weight(name="std", shape=(n_channels,), initializer="ones", **fixed)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(2, 2, n_channels, 2 * n_inputs),
            initializer=uniform,
            trainable=False,
        )
        self.bias = self.add_weight(name="bias", shape=(2 * n_inputs,), initializer=uniform)

    def adapt(self, images: np.ndarray, epsilon: float = 5e-4) -> None:
        """Compute mean, standard deviation and filters from training images (n, h, w, c).

        `epsilon` is added to the eigenvalues, so that what hardly varies is not blown up.
        """
        chunks = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
        n_pixels = images[..., 0].size
        mean = sum(chunk.sum((0, 1, 2), dtype=np.float64) for chunk in chunks) / n_pixels
        squares = sum(((chunk - mean) ** 2).sum((0, 1, 2)) for chunk in chunks)
        std = np.sqrt(squares / n_pixels)
        std = np.where(std > 1e-6, std, 1.0)  # a channel without content
        covariance, n_patches = 0.0, 0
        for chunk in chunks:
            standard = ((chunk - mean) / std).astype(np.float32)
            windows = np.lib.stride_tricks.sliding_window_view(standard, (2, 2), axis=(1, 2))
            # (n, h − 1, w − 1, c, 2, 2) to rows in the order of the kernel, (2, 2, c).
            rows = np.moveaxis(windows, 3, 5).reshape(-1, 4 * chunk.shape[3])
            covariance = covariance + (rows.T @ rows).astype(np.float64)
            n_patches += len(rows)
        values, vectors = np.linalg.eigh(covariance / n_patches)
        filters = vectors[:, ::-1] / np.sqrt(np.maximum(values[::-1], 0) + epsilon)
        kernel = np.concatenate([filters, -filters], axis=1).reshape(self.kernel.shape)
        self.mean.assign(mean)
        self.std.assign(std)
        self.kernel.assign(kernel)

    def call(self, inputs: Any) -> Any:
        """Whiten images (b, h, w, c) to (b, h − 1, w − 1, 8 c)."""
        # float32 here: a small difference of two bright patches would be lost in bfloat16.
        x = (ops.cast(inputs, "float32") - self.mean) / self.std
        x = ops.conv(ops.cast(x, self.compute_dtype), self.kernel, padding="valid")
        return x + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[Any, ...]:
        """Return (b, h − 1, w − 1, 8 c)."""
        batch, height, width, n_channels = input_shape
        height, width = (None if size is None else size - 1 for size in (height, width))
        return batch, height, width, 8 * (n_channels or 0)


@keras.saving.register_keras_serializable(_PACKAGE)
class Dirac(keras.initializers.Initializer):
    """Uniform within 1/√fan-in, but the first filters pass on one input channel each."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self._seed = seed
        self._uniform = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Draw a kernel of shape (side, side, n_in, n_out)."""
        height, width, n_in, n_out = shape
        n = min(n_in, n_out)
        identity = np.zeros(shape, np.float32)
        identity[height // 2, width // 2, np.arange(n), np.arange(n)] = 1
        drawn = self._uniform(shape, dtype)
        is_drawn = ops.cast(np.arange(n_out) >= n, drawn.dtype)
        return drawn * is_drawn + ops.cast(identity, drawn.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the seed."""
        return {"seed": self._seed}
