"""What cannot be said in Keras alone. Everything that knows the backend is here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cifar_sk.quiet_keras  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras

__all__ = ["fused_batch_norm", "has_gpu", "released_memory", "synchronise"]


def has_gpu() -> bool:
    """Tell whether the backend computes on a GPU."""
    return bool(keras.distribution.list_devices("gpu"))


def fused_batch_norm(
    x: Any, scale: Any, offset: Any, epsilon: float
) -> tuple[Any, Any, Any] | None:
    """Normalise a batch by its own moments, in one kernel.

    Parameters
    ----------
    x : tensor of shape (b, h, w, c)
        float32, float16 or bfloat16.
    scale, offset : variable of float32, shape (c,), or None
        gamma and beta; None for ones and zeros.
    epsilon : float
        Added to the variance; at least 1.001e-5, for cuDNN's sake.

    Returns
    -------
    tuple of tensors, or None
        Normalised batch in the dtype of `x`, mean and unbiased variance in float32 (c,); None
        where the backend has no such kernel.
    """
    if keras.backend.backend() != "tensorflow" or epsilon < 1.001e-5:
        return None
    import tensorflow as tf

    n_channels = x.shape[-1]
    return tf.compat.v1.nn.fused_batch_norm(
        x,
        tf.ones(n_channels) if scale is None else tf.convert_to_tensor(scale),
        tf.zeros(n_channels) if offset is None else tf.convert_to_tensor(offset),
        epsilon=epsilon,
        is_training=True,
    )[:3]


@contextmanager
def released_memory() -> Iterator[None]:
    """Let go of what Keras on TensorFlow would keep for good of a fit or a prediction.

    Every custom gradient that is traced, the optimiser's all-reduce among them, is registered
    for good and holds its whole graph: some 20 MB per fit (tensorflow/tensorflow#80895). And the
    functions that feed batches are tied to the default graph, which never ends, and hold the
    images. Neither is asked for again once the ``with`` block is left.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    from tensorflow.python.framework import ops

    # Private, so a version that keeps them elsewhere leaks again, which tests tell.
    gradients = getattr(ops.gradient_registry, "_registry", {})
    feeding: list[object] = getattr(ops.get_default_graph(), "_py_funcs_used_in_graph", [])
    before, n_before = set(gradients), len(feeding)
    try:
        yield
    finally:
        for name in set(gradients) - before:
            del gradients[name]
        # The list may only now have been made.
        feeding = getattr(ops.get_default_graph(), "_py_funcs_used_in_graph", [])
        del feeding[n_before:]


def synchronise(model: keras.Model) -> None:
    """Let a callback see, and change, a model's weights in mid-training.

    Parameters
    ----------
    model : keras.Model
        What is being trained. JAX holds its weights elsewhere meanwhile.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
