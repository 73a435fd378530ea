"""Small data that trains in a second, shared by the tests."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

# One thread each: the tests are many small fits, and results depend on the number of threads.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from postgresql import new_database, running_server
from sklearn.datasets import load_digits

# The same examples every time, and few of them: a machine that is busy must not fail a test.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("suite")

# A job in the background ignores Ctrl-C, and so would the programs that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported, which it else visits in every fit."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """400 digits as uint8 images of 8×8×1, with labels 0 to 9."""
    bunch = load_digits()
    images = (bunch.images[:400] * 15).astype(np.uint8)[..., np.newaxis]
    return images, bunch.target[:400]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a PostgreSQL server that runs for as long as the tests of this process."""
    with running_server() as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """URL of an empty PostgreSQL database."""
    return new_database(postgresql_server)
