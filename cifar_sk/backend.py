"""What cannot be said in Keras alone. Everything that knows the backend is here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cifar_sk.quiet_keras  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras

__all__ = [
    "fused_batch_norm",
    "has_gpu",
    "released_memory",
    "synchronise",
    "value_and_gradient",
]


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


def value_and_gradient(function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """Differentiate with respect to the input, which Keras itself has no call for.

    Parameters
    ----------
    function : callable
        ``function(inputs, *others)`` takes tensors and returns a tensor of shape (b,), whose
        n-th number depends on the n-th input alone. Made of Keras' operations and layers.

    Returns
    -------
    callable
        ``compute(inputs, *others)`` takes float32 arrays and returns two tensors: the values,
        shape (b,), and the gradient of each with respect to its own input, in the shape of
        `inputs`. Compiled where the backend compiles, so keep it for the next batch.
    """
    name = keras.backend.backend()
    if name == "jax":
        import jax

        def summed(inputs: Any, *others: Any) -> tuple[Any, Any]:
            values = function(inputs, *others)
            return values.sum(), values

        differentiated = jax.jit(jax.value_and_grad(summed, has_aux=True))

        def compute(*arrays: Any) -> tuple[Any, Any]:
            (_, values), gradient = differentiated(*map(keras.ops.convert_to_tensor, arrays))
            return values, gradient

        return compute
    if name == "torch":
        import torch

        def compute(*arrays: Any) -> tuple[Any, Any]:
            inputs, *others = map(keras.ops.convert_to_tensor, arrays)
            inputs = inputs.detach().requires_grad_()
            values = function(inputs, *others)
            (gradient,) = torch.autograd.grad(values.sum(), inputs)
            return values.detach(), gradient

        return compute
    import tensorflow as tf

    def taped(inputs: Any, *others: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            values = function(inputs, *others)
        return values, tape.gradient(values, inputs, unconnected_gradients="zero")

    compiled = tf.function(taped, reduce_retracing=True)
    return lambda *arrays: compiled(*map(tf.convert_to_tensor, arrays))
