"""What a cross-validation does with near-duplicates: keep, group or drop them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from cifar_sk.datasets.arrays import leave_out
from cifar_sk.duplicates.groups import join_groups
from cifar_sk.duplicates.near import NearDuplicates

__all__ = ["Handled", "drop_duplicates", "group_duplicates", "superfluous"]


@dataclass(frozen=True)
class Handled:
    """Data and groups of a run after something was done about near-duplicates.

    Attributes
    ----------
    dataset : Bunch
        What is left of the data set.
    groups : ndarray of shape (n_samples,), or None
        The groups that folds must keep together.
    identity : dict
        JSON values that must be equal where the run is continued.
    note : str or None
        A sentence for the run's report.
    """

    dataset: Bunch
    groups: np.ndarray | None
    identity: dict[str, Any] = field(default_factory=dict)
    note: str | None = None


def group_duplicates(dataset: Bunch, groups: np.ndarray | None, found: NearDuplicates) -> Handled:
    """Keep near-duplicates in one fold, together with the groups that there are."""
    joined = found.groups if groups is None else join_groups(groups, found.groups)
    sizes = np.bincount(found.groups)
    note = (
        f"Near-duplicates are kept in one fold: {sizes[sizes > 1].sum():,} of "
        f"{len(found.groups):,} images are in {(sizes > 1).sum():,} groups of copies, the largest "
        f"of {sizes.max():,}"
    )
    if groups is not None:
        note += ", which are joined with the groups that were given"
    if found.n_cut:
        note += f"; {found.n_cut:,} pairs are in two groups, because one would be too large"
    return Handled(dataset, joined, {"duplicates": "group"}, f"{note}.")


def drop_duplicates(dataset: Bunch, groups: np.ndarray | None, found: NearDuplicates) -> Handled:
    """Leave all but one image of every group of near-duplicates out; see `superfluous`."""
    left_out = superfluous(found.groups, dataset.target)
    kept = np.delete(np.arange(len(dataset.target)), left_out)
    n_groups = len(np.unique(found.groups)) - len(np.unique(found.groups[kept]))
    note = (
        f"{len(left_out):,} of {len(dataset.target):,} images are left out as near-duplicates; of "
        "each group the first image with the group's most frequent label stays"
    )
    if n_groups:
        note += f", and none of {n_groups:,} groups in which two labels are equally frequent"
    identity = {"duplicates": "drop", "left_out": left_out.tolist()}
    of_kept = None if groups is None else groups[kept]
    return Handled(leave_out(dataset, left_out), of_kept, identity, f"{note}.")


def superfluous(groups: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Choose which images of every group are left out.

    Parameters
    ----------
    groups : ndarray of int, shape (n_samples,)
        The group of every image, numbers from 0 on.
    target : ndarray of int, shape (n_samples,)
        Labels.

    Returns
    -------
    ndarray of int64
        Positions, ascending: all but the first image with the group's most frequent label. Where
        labels tie, no label can be trusted, and the whole group is left out.

    Examples
    --------
    >>> superfluous(np.array([0, 1, 0, 0, 1, 2]), np.array([5, 3, 4, 4, 3, 1]))
    array([0, 3, 4])
    """
    is_kept = np.bincount(groups)[groups] == 1
    order = np.argsort(groups, kind="stable")
    order = order[~is_kept[order]]
    ends = np.flatnonzero(np.diff(groups[order])) + 1
    for members in np.split(order, ends) if len(order) else []:
        labels, counts = np.unique(target[members], return_counts=True)
        most = labels[counts == counts.max()]
        if len(most) == 1:
            is_kept[members[target[members] == most[0]][0]] = True
    return np.flatnonzero(~is_kept)
