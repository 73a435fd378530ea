"""What cannot be said in Keras alone. Everything that knows the backend is here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cifar_sk.quiet_keras  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras

__all__ = ["has_gpu", "released_graphs"]


def has_gpu() -> bool:
    """Tell whether the backend computes on a GPU."""
    return bool(keras.distribution.list_devices("gpu"))


@contextmanager
def released_graphs() -> Iterator[None]:
    """Let the graphs that are traced inside the ``with`` block be freed after it.

    TensorFlow registers every custom gradient that it traces, the optimiser's all-reduce among
    them, for good, and each holds its whole graph: some 20 MB per fit
    (tensorflow/tensorflow#80895). Nothing asks for them once the training step is compiled.
    """
    registry = _custom_gradients()
    before = set(registry)
    try:
        yield
    finally:
        for name in set(registry) - before:
            del registry[name]


def _custom_gradients() -> dict[str, object]:
    if keras.backend.backend() != "tensorflow":
        return {}
    from tensorflow.python.framework import ops

    # Private, so a version that keeps it elsewhere leaks again, which a test tells.
    return getattr(ops.gradient_registry, "_registry", {})
