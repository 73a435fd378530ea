"""Imports Keras without the start-up notes of its backend.

TensorFlow 2.21 writes notes about oneDNN and CUDA to file descriptor 2 while it is imported,
whatever ``TF_CPP_MIN_LOG_LEVEL`` says (tensorflow/tensorflow#100442). They are held back, and
shown only where the import fails. Modules that need Keras at their top import this one first.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

__all__: list[str] = []


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    try:
        stderr = os.dup(2)
    except OSError:  # no stderr at all, as in some services
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


# What comes after the import (the CPU's features) does obey this.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "keras" not in sys.modules:
    with _stderr_held_back():
        import keras  # noqa: F401

# Every fit compiles its own network once, which is what TensorFlow takes for retracing.
logging.getLogger("tensorflow").addFilter(
    lambda record: "triggered tf.function retracing" not in record.getMessage()
)
