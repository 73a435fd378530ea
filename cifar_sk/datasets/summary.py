"""A summary of a data set: its classes, channels and exact duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from cifar_sk.datasets.copies import first_copies

__all__ = ["DatasetDescription", "describe_dataset"]

_CHUNK = 1_000  # images counted at a time


@dataclass(frozen=True)
class DatasetDescription:
    """The classes, channels and exact duplicates of a data set.

    Attributes
    ----------
    name, source, fingerprint : str
        As in the Bunch.
    shape : tuple of int
        (n, h, w, c).
    dtype : str
        Always "uint8".
    classes : DataFrame
        A row per class: ``class_name``, ``images`` and ``share`` (0 to 1).
    channels : DataFrame
        A row per channel: ``channel``, ``mean`` and ``std`` (population) of pixels in [0, 1].
    n_duplicates : int
        Images that are a copy, byte for byte, of an earlier one.
    n_conflicts : int
        Distinct images that occur with more than one label.
    """

    name: str
    source: str
    fingerprint: str
    shape: tuple[int, ...]
    dtype: str
    classes: pd.DataFrame
    channels: pd.DataFrame
    n_duplicates: int
    n_conflicts: int


def describe_dataset(dataset: Bunch) -> DatasetDescription:
    """Count classes and exact duplicates, and measure each channel.

    Parameters
    ----------
    dataset : Bunch
        From `cifar_sk.datasets`. The images are never copied as a whole.

    Returns
    -------
    DatasetDescription

    Examples
    --------
    >>> from cifar_sk.datasets import load_digits32
    >>> description = describe_dataset(load_digits32())
    >>> description.shape, description.n_duplicates
    ((1797, 32, 32, 3), 0)
    """
    n_duplicates, n_conflicts = _count_duplicates(dataset.images, dataset.target)
    return DatasetDescription(
        name=dataset.name,
        source=dataset.source,
        fingerprint=dataset.fingerprint,
        shape=dataset.images.shape,
        dtype=str(dataset.images.dtype),
        classes=_class_counts(dataset.target, dataset.target_names),
        channels=_channel_moments(dataset.images),
        n_duplicates=n_duplicates,
        n_conflicts=n_conflicts,
    )


def _class_counts(target: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    counts = np.bincount(target, minlength=len(names))
    return pd.DataFrame({"class_name": names, "images": counts, "share": counts / len(target)})


def _channel_moments(images: np.ndarray) -> pd.DataFrame:
    """Return exact moments from 256-bin histograms, which need no float copy of the images."""
    n_channels = images.shape[-1]
    histograms = np.zeros((n_channels, 256), dtype=np.int64)
    for start in range(0, len(images), _CHUNK):
        for channel in range(n_channels):
            pixels = images[start : start + _CHUNK, ..., channel].ravel()
            histograms[channel] += np.bincount(pixels, minlength=256)
    levels = np.arange(256) / 255
    weights = histograms / histograms.sum(axis=1, keepdims=True)
    mean = weights @ levels
    std = np.sqrt((weights * (levels - mean[:, np.newaxis]) ** 2).sum(axis=1))
    channel_names = ["red", "green", "blue"] if n_channels == 3 else ["grey"]
    return pd.DataFrame({"channel": channel_names, "mean": mean, "std": std})


def _count_duplicates(images: np.ndarray, target: np.ndarray) -> tuple[int, int]:
    """Return the number of repeated images and of distinct images with several labels."""
    first = first_copies(images)
    distinct = pd.unique(first)
    labels = np.unique(np.stack([first, target]), axis=1)[0]
    return len(images) - len(distinct), int((np.unique(labels, return_counts=True)[1] > 1).sum())
