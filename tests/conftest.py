"""Small data that trains in a second, shared by the tests."""

from __future__ import annotations

import os

# One thread each: the tests are many small fits, and results depend on the number of threads.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """400 digits as uint8 images of 8×8×1, with labels 0 to 9."""
    bunch = load_digits()
    images = (bunch.images[:400] * 15).astype(np.uint8)[..., np.newaxis]
    return images, bunch.target[:400]
