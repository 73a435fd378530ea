"""Near-duplicates: images that show the same picture, cut, mirrored or compressed otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd

from cifar_sk.datasets.copies import first_copies
from cifar_sk.duplicates.alignment import align
from cifar_sk.duplicates.candidates import Candidates, search
from cifar_sk.duplicates.groups import group_pairs
from cifar_sk.duplicates.working_images import SIZE, check_images, grey, working_images
from cifar_sk.errors import InputError

__all__ = ["THRESHOLD", "NearDuplicates", "find_near_duplicates"]

THRESHOLD = 0.65
_SEARCH = 0.6  # share of the time that the search for candidates takes
_COLUMNS = ["first", "second", "similarity", "kind", "flip", "shift_down", "shift_right", "zoom"]


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of images that are copies of each other, and groups of them.

    Attributes
    ----------
    pairs : DataFrame
        A row per pair, the most similar first: ``first`` and ``second`` (positions, first <
        second), ``similarity`` (0 to 1), ``kind`` ("exact": the same byte for byte, or "near"),
        ``flip`` (whether one is mirrored), ``shift_down`` and ``shift_right`` (pixels by which the
        second is moved) and ``zoom`` (by which the second is enlarged). An exact copy
        is paired with the first image that is like it, and with no other.
    groups : ndarray of int64, shape (n_images,)
        The group of every image, numbers from 0 on; most images are alone in theirs.
    n_cut : int
        Pairs in two groups, because one group would have been larger than was allowed.
    """

    pairs: pd.DataFrame
    groups: np.ndarray
    n_cut: int


def find_near_duplicates(
    images: np.ndarray,
    *,
    threshold: float = THRESHOLD,
    max_group_size: int | None = None,
    n_jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> NearDuplicates:
    """Find the images that show the same picture: exact copies and near-duplicates.

    Parameters
    ----------
    images : ndarray of shape (n_images, h, w) or (n_images, h, w, c)
        uint8 from 0 to 255, or float from 0 to 1; c is 1, 3 or 4, of which the fourth is ignored.
        For pairs between two splits, give both, one behind the other.
    threshold : float, default=0.65
        Least similarity of a near-duplicate, above 0 and at most 1.
    max_group_size : int, default=None
        No group has more images, but for exact copies. None stands for a hundredth of the images,
        and at least 20. Groups grow from the most similar pair down, so that a chain of images of
        which only neighbours are alike is cut where they are least so.
    n_jobs : int, default=1
        Threads. What is found does not depend on it.
    progress : callable, default=None
        Called with the share that is done, 0 to 1, several times a second. What it raises ends
        the search.

    Returns
    -------
    NearDuplicates

    Raises
    ------
    InputError
        If images have another shape or dtype, or NaN, or an argument is out of its range.

    Notes
    -----
    What counts as a duplicate follows Barz and Denzler [1]_, who looked for it with a network and
    judged by eye. Here every image is reduced to 32×32 pixels, and

    1. exact copies are found by hashes;
    2. candidates are pairs whose whitened 7×7 box means have a cosine above 0.65, at one of four
       shifts, mirrored or not; whitening (the 48 main components get variance 1) takes from sky
       and sea what makes them all alike. The search is exact, in blocks;
    3. the detail of both images (brightness less the mean of its 5×5 neighbours) is correlated at
       25 shifts of up to two pixels, and with either of them enlarged as if 1, 2 or 3 pixels had
       been cut from each side. The similarity is the highest correlation r, lowered by three
       standard errors of Fisher's z: ``tanh(artanh r − 3 / √m)``, where m counts the pixels over
       which the detail is spread (participation ratio), for two ships on a plain sea are alike in
       few pixels.

    An image of one colour is a duplicate of exact copies only.

    References
    ----------
    .. [1] B. Barz and J. Denzler (2020). Do We Train on Test Data? Purging CIFAR of
       Near-Duplicates. Journal of Imaging 6(6), 41. https://doi.org/10.3390/jimaging6060041

    Examples
    --------
    >>> images = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    >>> images[7] = images[2, :, ::-1]
    >>> find_near_duplicates(images).pairs[["first", "second", "kind", "flip"]].values.tolist()
    [[2, 7, 'near', True]]
    """
    _check_arguments(threshold, max_group_size, n_jobs)
    images = check_images(images)
    tell = progress or (lambda share: None)
    first_of = first_copies(images)
    own = np.arange(len(images))
    copies = np.flatnonzero(first_of != own)
    rows = np.flatnonzero(first_of == own)
    near = _near_pairs(working_images(images, rows), threshold, n_jobs, tell)
    near = near.assign(first=rows[near["first"]], second=rows[near["second"]], kind="near")
    for axis, name in ((1, "shift_down"), (2, "shift_right")):
        near[name] = np.rint(near[name] * (images.shape[axis] / SIZE)).astype(np.int64)
    exact = pd.DataFrame({"first": first_of[copies], "second": copies})
    exact = exact.assign(similarity=1.0, kind="exact", flip=False, zoom=1.0)
    exact = exact.assign(shift_down=0, shift_right=0)
    pairs = pd.concat([exact[_COLUMNS], near[_COLUMNS]], ignore_index=True)
    largest = max_group_size or max(20, len(images) // 100)
    links = zip(pairs["first"], pairs["second"], pairs["kind"] == "exact", strict=True)
    groups, n_cut = group_pairs(len(images), links, largest)
    tell(1.0)
    return NearDuplicates(pairs, groups, n_cut)


def _check_arguments(threshold: float, max_group_size: int | None, n_jobs: int) -> None:
    if not isinstance(threshold, Real) or not 0 < threshold <= 1:
        raise InputError(f"threshold must be above 0 and at most 1, got {threshold!r}.")
    for name, value, least in (("max_group_size", max_group_size, 2), ("n_jobs", n_jobs, 1)):
        is_default = name == "max_group_size" and value is None
        if not is_default and (not isinstance(value, Integral) or value < least):
            raise InputError(f"{name} must be an integer from {least} on, got {value!r}.")


def _near_pairs(
    images: np.ndarray, threshold: float, n_jobs: int, tell: Callable[[float], None]
) -> pd.DataFrame:
    """Return the near-duplicates among working images that are all different."""
    parts = []
    for share, found in search(images, n_jobs):
        parts.append(found)
        tell(_SEARCH * share)
    names = ("first", "second", "flip")
    candidates = Candidates(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))
    tables = []
    for share, table in align(grey(images), candidates, threshold, n_jobs):
        tables.append(table)
        tell(_SEARCH + (1 - _SEARCH) * share)
    # Of equals, the pair as it stands comes before the mirrored one.
    by, upwards = ["similarity", "first", "second", "flip"], [False, True, True, True]
    pairs = pd.concat(tables).sort_values(by, ascending=upwards)
    return pairs.drop_duplicates(["first", "second"])
