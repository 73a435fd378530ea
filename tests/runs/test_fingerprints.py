"""Samples are told apart one by one, whatever they are and wherever they stand."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from cifar_sk.runs.fingerprints import image_hashes

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), np.uint8)
TEXTS = ["one", "two", "three", "four", "five", "six"]


def test_a_hash_is_that_of_the_bytes():
    expected = [
        int.from_bytes(hashlib.blake2b(image.tobytes(), digest_size=8).digest(), "little")
        for image in IMAGES
    ]
    assert image_hashes(IMAGES).dtype == np.uint64
    assert image_hashes(IMAGES).tolist() == expected
    assert image_hashes(IMAGES.reshape(6, -1)).tolist() == expected
    assert image_hashes(np.asfortranarray(IMAGES)).tolist() == expected


@pytest.mark.parametrize(
    "samples",
    [
        IMAGES,
        IMAGES / 255,
        scipy.sparse.csr_array(np.eye(6)),
        pd.DataFrame({"n": range(6), "s": TEXTS}),
        pd.DataFrame({"lists": [[n] for n in range(6)]}),
        pd.Series(TEXTS),
        np.array(TEXTS),
        np.array([[n, None] for n in range(6)], dtype=object),
        [[n] * n for n in range(6)],
    ],
    ids=lambda samples: type(samples).__name__,
)
def test_order_and_company_do_not_count(samples):
    part = [4, 0, 4, 2]
    if hasattr(samples, "iloc"):
        chosen = samples.iloc[part]
    elif isinstance(samples, list):
        chosen = [samples[i] for i in part]
    else:
        chosen = samples[part]
    hashes = image_hashes(samples)
    assert len(set(hashes.tolist())) == 6
    assert image_hashes(chosen).tolist() == hashes[part].tolist()
    assert image_hashes(samples[:0]).shape == (0,)


def test_texts_are_equal_however_wide_their_array_is():
    wide = np.array(TEXTS, dtype="U99")
    assert image_hashes(wide).tolist() == image_hashes(np.array(TEXTS)).tolist()
