"""The embedded data set: scikit-learn's handwritten digits."""

from __future__ import annotations

import numpy as np

from cifar_sk.datasets.arrays import OpenedDataset
from cifar_sk.datasets.registry import DATASETS

__all__ = ["open_digits"]


@DATASETS.register("digits")
def open_digits() -> OpenedDataset:
    """Open scikit-learn's digits, each pixel drawn 4×4 times in grey RGB."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    large = grey.repeat(4, axis=1).repeat(4, axis=2)
    images = np.repeat(large[..., np.newaxis], 3, axis=3)
    return OpenedDataset(
        name="digits",
        source="scikit-learn's embedded handwritten digits (load_digits).",
        description="1,797 handwritten digits of 8×8 grey pixels, drawn at 32×32 in RGB.",
        target_names=[str(name) for name in digits.target_names],
        target=digits.target.astype(np.int64),
        draw=lambda index: images if index is None else images[index],
    )
