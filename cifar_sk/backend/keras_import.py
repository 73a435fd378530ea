"""Imports Keras without the start-up notes of its backend.

TensorFlow 2.21 writes notes about oneDNN and CUDA to file descriptor 2 while it is imported,
whatever ``TF_CPP_MIN_LOG_LEVEL`` says (tensorflow/tensorflow#100442). They are held back, and
shown only where the import fails. Modules that need Keras at their top import this one first.

Under other backends TensorFlow is not imported at all, unless the program has done so before.
scikeras, and Keras when it saves a model, would import it wherever it is installed.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from cifar_sk.backend import interrupts
from cifar_sk.backend.hardware import backend_name
from cifar_sk.backend.temporary import own_folder
from cifar_sk.errors import InputError, reason

__all__: list[str] = []


@contextmanager
def _stderr_held_back() -> Iterator[int]:
    try:
        stderr = os.dup(2)
    except OSError:  # no stderr at all, as in some services
        yield 2
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield stderr
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Make a package that is not imported yet look as if it were not installed."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # what Python means by "not to be found"
    try:
        yield
    finally:
        del sys.modules[package]


# What comes after the import (the CPU's features) does obey this.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A process takes of a GPU's memory what it needs, and not nearly all of it at its start, which
# would leave nothing for the next one. PyTorch does so anyway.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
if "keras" not in sys.modules:
    try:
        with _stderr_held_back() as stderr, interrupts.at_once(stderr):
            import keras  # noqa: F401
    except (ImportError, ValueError) as error:  # the latter where Keras does not know the name
        raise InputError(
            f"Keras cannot be imported with the backend {backend_name()!r} ({reason(error)}); "
            "install it, or set KERAS_BACKEND to tensorflow, torch or jax."
        ) from error

if sys.modules["keras"].config.backend() != "tensorflow":
    with _hidden("tensorflow"):
        import scikeras.wrappers  # noqa: F401
        from keras.src.utils import module_utils

        module_utils.tensorflow.available  # noqa: B018  (Keras looks now, and remembers)


def _keep_generated_code() -> None:
    """Have TensorFlow write the code that it generates into a folder that is always removed."""
    # It removes a file of each process only where that ends of its own accord.
    with suppress(ImportError):
        from tensorflow.python.autograph.pyct import loader

        def file(**options: Any) -> Any:
            return tempfile.NamedTemporaryFile(dir=own_folder(), **options)

        loader.tempfile = SimpleNamespace(NamedTemporaryFile=file)


if sys.modules["keras"].config.backend() == "tensorflow":
    _keep_generated_code()

# Every fit compiles its own network once, which is what TensorFlow takes for retracing.
logging.getLogger("tensorflow").addFilter(
    lambda record: "triggered tf.function retracing" not in record.getMessage()
)
