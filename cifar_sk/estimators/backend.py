"""What cannot be said in Keras alone. Everything that knows the backend is here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cifar_sk.quiet_keras  # noqa: F401  (before anything that imports Keras)

# isort: split
import keras

__all__ = ["has_gpu", "released_memory"]


def has_gpu() -> bool:
    """Tell whether the backend computes on a GPU."""
    return bool(keras.distribution.list_devices("gpu"))


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
