"""Near-duplicates within and between the training part and the test split of a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from cifar_sk.duplicates.near import THRESHOLD, NearDuplicates, find_near_duplicates
from cifar_sk.errors import InputError

__all__ = ["SplitDuplicates", "find_in_splits"]

_KINDS = ("train–train", "test–train", "test–test")  # by how many of a pair are test images


@dataclass(frozen=True)
class SplitDuplicates:
    """Near-duplicates of a data set's training part and its test split, if it has one.

    Attributes
    ----------
    found : NearDuplicates
        Its positions count the training images, and then the test images.
    pairs : DataFrame
        The pairs of `found`, with ``first_split``, ``first`` and ``first_label`` and the same of
        ``second``; here positions count within a split. Of a test and a training image, the
        training image is the first.
    counts : DataFrame
        A row per kind of pair, ``between``: "train–train", "test–train" and "test–test"; with the
        numbers of ``pairs``, of pairs of ``exact`` copies, and of those with ``other_labels``.
    groups : ndarray of int64, shape (n_train,)
        The group of every training image.
    n_test, n_matched, n_conflicts : int
        Test images; those with a copy in the training part; those with a copy of another label.
    """

    found: NearDuplicates
    pairs: pd.DataFrame
    counts: pd.DataFrame
    groups: np.ndarray
    n_test: int
    n_matched: int
    n_conflicts: int


def find_in_splits(
    dataset: Bunch,
    *,
    threshold: float = THRESHOLD,
    n_jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> SplitDuplicates:
    """Find near-duplicates within and between the splits of a data set.

    Parameters
    ----------
    dataset : Bunch
        From `cifar_sk.datasets`.
    threshold, n_jobs, progress
        As for `find_near_duplicates`.

    Returns
    -------
    SplitDuplicates

    Raises
    ------
    InputError
        If test images have another size than the training images.
    """
    images, target, n_train = dataset.images, dataset.target, len(dataset.target)
    if dataset.test_images is not None:
        if dataset.test_images.shape[1:] != images.shape[1:]:
            raise InputError(
                f"Test images must have the training images' shape {images.shape[1:]}, got "
                f"{dataset.test_images.shape[1:]}; load both at one size."
            )
        images = np.concatenate([images, dataset.test_images])
        target = np.concatenate([target, dataset.test_target])
    found = find_near_duplicates(images, threshold=threshold, n_jobs=n_jobs, progress=progress)
    labels = np.asarray(dataset.target_names, dtype=object)[target]
    pairs = _with_splits(found.pairs, labels, n_train)
    kinds = np.asarray(_KINDS, dtype=object)[(pairs.filter(like="_split") == "test").sum(axis=1)]
    between = pairs[kinds == "test–train"]
    return SplitDuplicates(
        found,
        pairs,
        pd.DataFrame([_count(kind, pairs[kinds == kind]) for kind in _KINDS]),
        found.groups[:n_train],
        len(target) - n_train,
        between["second"].nunique(),
        between.loc[_has_two_labels(between), "second"].nunique(),
    )


def _with_splits(pairs: pd.DataFrame, labels: np.ndarray, n_train: int) -> pd.DataFrame:
    columns = {}
    for name in ("first", "second"):
        position = pairs[name].to_numpy()
        columns[f"{name}_split"] = np.where(position < n_train, "train", "test")
        columns[name] = np.where(position < n_train, position, position - n_train)
        columns[f"{name}_label"] = labels[position]
    return pd.concat([pd.DataFrame(columns), pairs.drop(columns=["first", "second"])], axis=1)


def _has_two_labels(pairs: pd.DataFrame) -> pd.Series:
    return pairs["first_label"] != pairs["second_label"]


def _count(kind: str, pairs: pd.DataFrame) -> dict[str, str | int]:
    return {
        "between": kind,
        "pairs": len(pairs),
        "exact": int((pairs["kind"] == "exact").sum()),
        "other_labels": int(_has_two_labels(pairs).sum()),
    }
