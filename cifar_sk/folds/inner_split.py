"""The inner validation split: what of a training fold is watched and not trained on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from cifar_sk.errors import InputError
from cifar_sk.folds.groups import group_numbers

__all__ = ["inner_split"]


def inner_split(
    y: Any, fraction: float, *, groups: Any = None, random_state: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out a stratified part of the samples; whole groups where groups are given.

    Without groups this is scikit-learn's ``StratifiedShuffleSplit``. With groups, they are taken
    in random order, each where it brings the numbers of held-out samples, of every class and of
    all, nearer to `fraction` of them; at least two classes, and never all groups of a class.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    fraction : float in (0, 1)
        Share to hold out.
    groups : array-like of shape (n_samples,), default=None
        Samples of one group are held out together, or not at all.
    random_state : int, default=0
        Seed.

    Returns
    -------
    train, held_out : ndarray of int64
        Samples, ascending; together all of them, and none in both.

    Raises
    ------
    InputError
        If there are too few samples, or too few groups for two classes to be held out.

    Warns
    -----
    UserWarning
        If a class that more than one group has is not held out.

    Examples
    --------
    >>> y, groups = [0, 0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1]
    >>> inner_split(y, 0.5, groups=groups)[1].tolist()
    [0, 1, 2, 3]
    """
    y = np.asarray(y)
    if groups is None:
        splitter = StratifiedShuffleSplit(1, test_size=fraction, random_state=random_state)
        try:
            train, held_out = next(splitter.split(y, y))
        except ValueError as error:
            raise InputError(str(error)) from error
        return np.sort(train), np.sort(held_out)
    is_held_out = _hold_out_groups(y, group_numbers(groups, len(y)), fraction, random_state)
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _hold_out_groups(
    y: np.ndarray, group: np.ndarray, fraction: float, random_state: int
) -> np.ndarray:
    """Tell which samples are held out."""
    classes, target = np.unique(y, return_inverse=True)
    counts = np.zeros((group.max() + 1, len(classes)))
    np.add.at(counts, (group, target), 1)
    chosen = _choose_groups(counts, fraction, np.random.default_rng(random_state))
    missing = counts[chosen].sum(axis=0) == 0
    if np.sum(~missing) < min(2, len(classes)):
        raise InputError(
            f"{len(counts)} groups are too few to hold out whole ones of at least two classes and "
            f"train on every class; use finer groups"
        )
    missing &= np.count_nonzero(counts, axis=0) > 1
    if missing.any():
        warnings.warn(
            f"The inner validation split has no sample of {np.sum(missing)} of {len(classes)} "
            f"classes, because their groups are few or large; raise validation_fraction (it is "
            f"{fraction:g}), or use finer groups.",
            stacklevel=2,
        )
    return chosen[group]


def _choose_groups(counts: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Choose groups, whose samples by class are the rows of `counts`."""
    total = counts.sum(axis=0)
    chosen, held_out = np.zeros(len(counts), dtype=bool), np.zeros(len(total))
    of_all = 0.0  # what the split's size counts, beside its numbers of the classes

    def added_distance(change: np.ndarray) -> float:
        """Tell by how much a change takes the split away from the wanted numbers, squared."""
        off, n = held_out - fraction * total, change.sum()
        return float(change * (2 * off + change) @ (1 / total) + of_all * n * (2 * off.sum() + n))

    def leaves_all(group: int) -> bool:
        return bool(np.all((held_out + counts[group] < total) | (counts[group] == 0)))

    order = rng.permutation(len(counts))
    for sweep in range(3):
        if np.abs(held_out - fraction * total).max() < 1:
            break
        if sweep == 2:  # groups too large for their class; another class comes before one twice
            of_all = len(total) / 2 / total.sum()
        for group in order:
            change = -counts[group] if chosen[group] else counts[group]
            if added_distance(change) < 0 and (chosen[group] or leaves_all(group)):
                chosen[group], held_out = not chosen[group], held_out + change
    while np.count_nonzero(held_out) < min(2, len(total)):  # a loss of one class guides nobody
        new = [g for g in order if counts[g][held_out == 0].any() and leaves_all(g)]
        if not new:
            break
        group = min(new, key=lambda group: added_distance(counts[group]))
        chosen[group], held_out = True, held_out + counts[group]
    return chosen
