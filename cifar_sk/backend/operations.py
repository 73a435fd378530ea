"""What cannot be said in Keras alone. Everything that knows the backend is here."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import cifar_sk.backend.keras_import  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras
from keras.src.random import seed_generator

__all__ = [
    "choose_compiler",
    "compiles_everything",
    "fused_batch_norm",
    "generator_seed",
    "released_memory",
    "seeded",
    "seeded_generator",
    "synchronise",
    "value_and_gradient",
]


def compiles_everything() -> bool:
    """Tell whether the backend's compiler knows all of Keras' operations.

    XLA has no kernels for what they are on TensorFlow in some cases, ``image.affine_transform``
    (ImageProjectiveTransformV3) and ``random.beta`` (StatelessRandomGammaV3) among them.
    """
    return keras.config.backend() != "tensorflow"


def choose_compiler(model: keras.Model) -> None:
    """Let Keras choose as for a new model whether to compile one that was read from a file.

    The file holds what was chosen for the machine and the backend that wrote it. XLA is what JAX
    needs, and what makes TensorFlow 5 to 8 times slower on processors.
    """
    model._jit_compile = None  # private: with None, the property chooses when it is read


_default_seeds: ContextVar[random.Random | None] = ContextVar("default_seeds", default=None)


class _DefaultSeeds:
    """Python's ``random`` as Keras uses it, or the generator of the scope that asks."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_default_seeds.get() or random, name)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let Keras draw, in this thread, the seeds of layers that have none from a seed of ours.

    Keras takes the seed of an initialiser or a dropout layer that was given none from Python's
    ``random``, which all threads share: beside another thread a seed would not hold. So Keras is
    given a generator that is looked up where it is used. Nothing else is seeded. The numbers are
    those of ``random.seed(seed)``.
    """
    if not isinstance(seed_generator.python_random, _DefaultSeeds):
        seed_generator.python_random = _DefaultSeeds()
    token = _default_seeds.set(random.Random(seed))  # noqa: S311  (not for secrets)
    try:
        expected = random.Random(seed).randint(1, int(1e9))  # noqa: S311
        if seed_generator.make_default_seed() != expected:
            raise RuntimeError(f"The seeds of Keras {keras.__version__} cannot be set.")
        _default_seeds.set(random.Random(seed))  # noqa: S311
        yield
    finally:
        _default_seeds.reset(token)


def generator_seed(seed: int) -> int:
    """Fit a seed, from 0 on, into what the backend's random generators are seeded with.

    The same on TensorFlow; the same 32 bits elsewhere, with a sign on PyTorch.
    """
    if keras.config.backend() == "tensorflow":
        return seed
    bits = seed & 0xFFFFFFFF
    return bits - 2**32 if keras.config.backend() == "torch" and bits >= 2**31 else bits


_torch_generator = threading.RLock()


@contextmanager
def seeded_generator(seed: int) -> Iterator[keras.callbacks.Callback]:
    """Seed the backend's global random generator for a fit, and leave it as it was before.

    On PyTorch, Keras' dropout layers draw from it unless they have a seed of their own; the
    other backends have no use for it. The callback that is yielded seeds it when training begins,
    for making a model ready draws from it too.
    """
    if keras.config.backend() != "torch":
        yield keras.callbacks.Callback()
        return
    import torch

    # All threads share it, so one fit waits for the other.
    with _torch_generator, torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        yield keras.callbacks.LambdaCallback(on_train_begin=lambda logs: torch.manual_seed(seed))


def fused_batch_norm(
    x: Any, scale: Any, offset: Any, epsilon: float
) -> tuple[Any, Any, Any] | None:
    """Normalise a batch (b, h, w, c) by its own moments, in one kernel.

    Returns the batch in its dtype, mean and unbiased variance in float32 (c,); None where the
    backend has no such kernel, or `epsilon` is below 1.001e-5, which cuDNN asks for.
    """
    if keras.config.backend() != "tensorflow" or epsilon < 1.001e-5:
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


_releasing = threading.Lock()
_n_using = 0
_gradients_before: set[str] = set()


@contextmanager
def released_memory() -> Iterator[None]:
    """Let go of what Keras on TensorFlow would keep for good of a fit or a prediction.

    Every custom gradient that is traced, the optimiser's all-reduce among them, is registered
    for good and holds its whole graph: some 20 MB per fit (tensorflow/tensorflow#80895). And the
    functions that feed batches are tied to the default graph, which never ends, and hold the
    images. Neither is asked for again once the ``with`` block is left. The gradients are those of
    all threads, so the last thread to leave lets go of them.
    """
    global _n_using, _gradients_before  # noqa: PLW0603  (counted over threads)
    if keras.config.backend() != "tensorflow":
        yield
        return
    from tensorflow.python.framework import ops

    # Private, so a version that keeps them elsewhere leaks again, which tests tell.
    gradients = getattr(ops.gradient_registry, "_registry", {})
    feeding: list[object] = getattr(ops.get_default_graph(), "_py_funcs_used_in_graph", [])
    n_before = len(feeding)
    with _releasing:
        if not _n_using:
            _gradients_before = set(gradients)
        _n_using += 1
    try:
        yield
    finally:
        with _releasing:
            _n_using -= 1
            if not _n_using:
                for name in set(gradients) - _gradients_before:
                    gradients.pop(name, None)
        # Each thread has a default graph; its list may only now have been made.
        feeding = getattr(ops.get_default_graph(), "_py_funcs_used_in_graph", [])
        del feeding[n_before:]


def synchronise(model: keras.Model) -> None:
    """Let a callback see, and change, a model's weights, which JAX holds elsewhere in training."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


def value_and_gradient(function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
    """Differentiate with respect to the input, which Keras itself has no call for.

    ``function(inputs, *others)`` returns a tensor (b,), whose n-th number depends on the n-th
    input alone. The result takes float32 arrays and returns the values and the gradient of each
    with respect to its own input. It is compiled where the backend compiles, so keep it for the
    next batch.
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
