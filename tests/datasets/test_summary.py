import numpy as np
import pytest
from sklearn.utils import Bunch

from cifar_sk.datasets import describe_dataset


def bunch(images, target):
    return Bunch(
        images=np.asarray(images, dtype=np.uint8),
        target=np.asarray(target),
        target_names=["cat", "dog"],
        name="pets",
        source="Made for a test.",
        fingerprint="0" * 64,
    )


def test_counts_and_shares():
    images = np.arange(4 * 2 * 2 * 3).reshape(4, 2, 2, 3)
    found = describe_dataset(bunch(images, [0, 1, 1, 1]))
    assert found.classes["class_name"].tolist() == ["cat", "dog"]
    assert found.classes["images"].tolist() == [1, 3]
    assert found.classes["share"].tolist() == [0.25, 0.75]
    assert (found.shape, found.dtype, found.name) == ((4, 2, 2, 3), "uint8", "pets")


@pytest.mark.parametrize("n_channels", [1, 3])
def test_channel_moments_are_numpys(n_channels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2_345, 5, 4, n_channels), dtype=np.uint8)
    found = describe_dataset(bunch(images, np.arange(2_345) % 2)).channels
    scaled = images.astype(np.float64) / 255
    np.testing.assert_allclose(found["mean"], scaled.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(found["std"], scaled.std(axis=(0, 1, 2)), rtol=1e-12)


def test_duplicates_and_conflicting_labels():
    a, b, c = (np.full((3, 3, 3), value) for value in (1, 2, 3))
    found = describe_dataset(bunch([a, b, a, a, c, b], [0, 0, 0, 0, 1, 1]))
    assert found.n_duplicates == 3  # two more of a, one more of b
    assert found.n_conflicts == 1  # b is a cat and a dog
