"""Groups of images that are copies of each other, from pairs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cifar_sk.errors import InputError

__all__ = ["group_pairs", "join_groups"]


def group_pairs(
    n_samples: int, pairs: Iterable[tuple[int, int, bool]], largest: int
) -> tuple[np.ndarray, int]:
    """Join pairs to groups, the first of them first, and count those that were cut.

    Parameters
    ----------
    n_samples : int
        How many samples there are.
    pairs : iterable of (int, int, bool)
        Two samples, and whether they must be in one group whatever its size.
    largest : int
        Pairs that would join two groups to one with more samples are cut.

    Returns
    -------
    groups : ndarray of int64, shape (n_samples,)
        Numbers from 0 on, in the order of the groups' first samples.
    n_cut : int
        Pairs whose samples are in two groups in the end.
    """
    above, size, cut = list(range(n_samples)), [1] * n_samples, []

    def root(sample: int) -> int:
        while above[sample] != sample:
            above[sample] = above[above[sample]]
            sample = above[sample]
        return sample

    for first, second, always in pairs:
        a, b = sorted((root(first), root(second)))
        if a == b:
            continue
        if not always and size[a] + size[b] > largest:
            cut.append((first, second))
            continue
        above[b] = a
        size[a] += size[b]
    roots = np.array([root(sample) for sample in range(n_samples)])
    groups = np.unique(roots, return_inverse=True)[1]  # a root is its group's first sample
    return groups.astype(np.int64), sum(groups[a] != groups[b] for a, b in cut)


def join_groups(*groups: np.ndarray) -> np.ndarray:
    """Return the finest groups that keep together what any of the given ones does.

    Parameters
    ----------
    *groups : ndarray of shape (n_samples,)
        The group of every sample: numbers or texts.

    Returns
    -------
    ndarray of int64, shape (n_samples,)
        Numbers from 0 on.

    Raises
    ------
    InputError
        If they are of different numbers of samples.

    Examples
    --------
    >>> join_groups(np.array(["a", "a", "b", "c"]), np.array([0, 1, 1, 2]))
    array([0, 0, 0, 1])
    """
    lengths = [len(group) for group in groups]
    if len(set(lengths)) != 1:
        raise InputError(f"groups must be of the same samples, got {lengths} of them.")
    n = lengths[0]
    samples, nodes, n_nodes = [], [], n
    for group in groups:
        names, number = np.unique(group, return_inverse=True)
        samples.append(np.arange(n))
        nodes.append(number + n_nodes)
        n_nodes += len(names)
    links = np.concatenate(samples), np.concatenate(nodes)
    graph = coo_array((np.ones(len(links[0])), links), shape=(n_nodes, n_nodes))
    parts = connected_components(graph, directed=False)[1][:n]
    return np.unique(parts, return_inverse=True)[1].astype(np.int64)
