"""Folds: making them, checking that they are honest, and naming them by a fingerprint."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv

from cifar_sk.errors import InputError, did_you_mean, read_text, reading
from cifar_sk.folds.groups import group_numbers

__all__ = [
    "Split",
    "as_splits",
    "check_groups_apart",
    "load_groups",
    "make_splits",
    "split_fingerprint",
    "splits_of",
]

_Pairs = list[tuple[np.ndarray, np.ndarray]]  # training and test samples, fold by fold

# Stream 0 of a run's seed belongs to the fits.
_SHUFFLE_STREAM = 1


@dataclass(frozen=True)
class Split:
    """One fold: what is trained on, and what is scored.

    Attributes
    ----------
    index : int
        Position in the run, ``(repeat * n_seeds + seed) * n_folds + fold``.
    repeat, fold : int
        Both count from 0.
    train, test : ndarray of int64
        Samples, ascending; together all of them, and none in both.
    seed : int
        Which fit of these samples, from 0; each has training seeds of its own, by `index`.
    """

    index: int
    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray
    seed: int = 0


def make_splits(
    y: np.ndarray,
    *,
    n_folds: int = 5,
    n_repeats: int = 1,
    n_seeds: int = 1,
    groups: np.ndarray | None = None,
    random_state: int = 0,
) -> list[Split]:
    """Make stratified folds, shuffled; grouped where groups are given.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels; every fold has them in about equal shares.
    n_folds : int, default=5
        Folds of one repeat.
    n_repeats : int, default=1
        Repeats, each with a shuffle of its own. The first is the same however many follow.
    n_seeds : int, default=1
        Fits of every fold, each with other training seeds; the folds stay the same.
    groups : array-like of shape (n_samples,), default=None
        Samples of one group never stand on both sides of a fold.
    random_state : int, default=0
        Seed of the shuffles. The first repeat is shuffled by it as it is, the others by seeds
        derived from it, so that runs of neighbouring seeds have no shuffle in common.

    Returns
    -------
    list of Split

    Raises
    ------
    InputError
        If a class has fewer samples, or the groups are fewer, than folds, or if the groups
        leave a fold without samples or without a class to train on.

    Examples
    --------
    >>> splits = make_splits([0, 0, 1, 1], n_folds=2)
    >>> [split.test.tolist() for split in splits]
    [[1, 2], [0, 3]]
    """
    y = np.asarray(y)
    if n_folds < 2 or min(n_repeats, n_seeds) < 1:
        raise InputError(
            f"n_folds must be at least 2, n_repeats at least 1 and n_seeds at least 1, got "
            f"{n_folds}, {n_repeats} and {n_seeds}."
        )
    _check_counts(y, groups, n_folds)
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    repeats = []
    for repeat in range(n_repeats):
        seed = _shuffle_seed(random_state, repeat)
        splitter = kind(n_folds, shuffle=True, random_state=seed)
        repeats.append(list(splitter.split(np.empty(len(y)), y, groups)))
    return _numbered(y, repeats, n_seeds)


def _shuffle_seed(random_state: int, repeat: int) -> int:
    if repeat == 0:
        return random_state
    sequence = np.random.SeedSequence(random_state, spawn_key=(_SHUFFLE_STREAM, repeat))
    return int(sequence.generate_state(1)[0])


def _numbered(y: np.ndarray, repeats: Sequence[_Pairs], n_seeds: int = 1) -> list[Split]:
    splits: list[Split] = []
    for repeat, pairs in enumerate(repeats):
        parts = [(np.sort(train), np.sort(test)) for train, test in pairs]
        for seed in range(n_seeds):
            splits += [
                Split(len(splits) + fold, repeat, fold, train, test, seed)
                for fold, (train, test) in enumerate(parts)
            ]
    _check_folds(y, splits)
    return splits


def as_splits(
    cv: Any, y: np.ndarray, groups: Any, random_state: int, n_seeds: int = 1
) -> list[Split]:
    """List the folds that a ``cv`` argument means: a number, folds, or a splitter."""
    if isinstance(cv, list) and all(isinstance(split, Split) for split in cv):
        _check_same_samples(cv, len(y))
        if n_seeds != 1:
            raise InputError(
                f"n_seeds is {n_seeds}, but cv holds folds that were made already; leave n_seeds "
                "away, and make them by make_splits(n_seeds=...)."
            )
        return cv
    if isinstance(cv, Integral):
        options: dict[str, Any] = {"groups": groups, "random_state": random_state}
        return make_splits(y, n_folds=int(cv), n_seeds=n_seeds, **options)
    return splits_of(check_cv(cv, y, classifier=True), y, groups, n_seeds)


def _check_same_samples(splits: Sequence[Split], n_samples: int) -> None:
    if not splits:
        raise InputError("cv is an empty list; give a number of folds, or folds of make_splits.")
    highest = max(int(np.r_[split.train, split.test].max(initial=0)) for split in splits)
    if highest >= n_samples:
        raise InputError(
            f"cv holds folds of other data: sample {highest} of {n_samples}; make them of this y."
        )


def splits_of(
    cv: Any, y: np.ndarray, groups: np.ndarray | None = None, n_seeds: int = 1
) -> list[Split]:
    """List the folds of any scikit-learn splitter that predicts each sample once per repeat."""
    y = np.asarray(y)
    if n_seeds < 1:
        raise InputError(f"n_seeds must be at least 1, got {n_seeds}.")
    name = type(cv).__name__
    repeats: list[_Pairs] = [[]]
    seen = np.zeros(len(y), dtype=int)
    for train, test in cv.split(np.empty(len(y)), y, groups):
        if np.intersect1d(train, test).size:
            raise InputError(f"{name} has a fold that trains on samples that it scores.")
        seen += np.bincount(test, minlength=len(y))
        if seen.max() > 1:  # at once, because LeavePOut has more folds than memory holds
            raise _not_once_per_repeat(name)
        repeats[-1].append((train, test))
        if seen.min() == 1:
            repeats.append([])
            seen[:] = 0
    n_folds = len(repeats[0])
    if repeats.pop() or not repeats or any(len(repeat) != n_folds for repeat in repeats):
        raise _not_once_per_repeat(name)
    return _numbered(y, repeats, n_seeds)


def _not_once_per_repeat(name: str) -> InputError:
    return InputError(
        f"{name} does not predict every sample exactly once per repeat; "
        f"use StratifiedKFold, StratifiedGroupKFold or RepeatedStratifiedKFold."
    )


def _check_counts(y: np.ndarray, groups: np.ndarray | None, n_folds: int) -> None:
    labels, counts = np.unique(y, return_counts=True)
    if len(labels) < 2:
        raise InputError(f"At least 2 classes are needed, got {len(labels)}: {labels.tolist()}.")
    if counts.min() < n_folds:
        raise InputError(
            f"Class {labels[counts.argmin()]!s} has {counts.min()} samples, fewer than "
            f"{n_folds} folds; use fewer folds or more samples."
        )
    if groups is None:
        return
    n_groups = group_numbers(groups, len(y)).max() + 1
    if n_groups < n_folds:
        raise InputError(
            f"There are {n_groups} groups, fewer than {n_folds} folds; use fewer folds."
        )


def _check_folds(y: np.ndarray, splits: Sequence[Split]) -> None:
    labels = np.unique(y)
    for split in splits:
        if not len(split.test):
            raise InputError(
                f"Fold {split.fold} of repeat {split.repeat} has no sample to score, because "
                f"the groups are too few or too unequal; use fewer folds or finer groups."
            )
        missing = np.setdiff1d(labels, y[split.train])
        if missing.size:
            raise InputError(
                f"Fold {split.fold} of repeat {split.repeat} has no sample of class "
                f"{missing[0]!s} to train on; use fewer folds, finer groups or stratified folds."
            )


def check_groups_apart(splits: Sequence[Split], numbers: np.ndarray) -> None:
    """Refuse folds that train on samples of a group that they score."""
    n_groups = numbers.max() + 1
    for split in splits:
        sample = np.full(n_groups, -1)
        sample[numbers[split.train]] = split.train
        both = split.test[sample[numbers[split.test]] >= 0]
        if both.size:
            raise InputError(
                f"Fold {split.fold} of repeat {split.repeat} scores sample {both[0]} and trains "
                f"on sample {sample[numbers[both[0]]]} of the same group; give a number of folds "
                "as cv, or StratifiedGroupKFold."
            )


def split_fingerprint(splits: Sequence[Split]) -> str:
    """Name the folds of a run by a SHA-256 over every fold's training and test samples."""
    digest = hashlib.sha256()
    for split in splits:
        # The first seed goes without saying, as in runs that older versions began.
        seed = f"seed {split.seed} " if split.seed else ""
        sizes = f"{split.repeat} {split.fold} {seed}{len(split.train)} {len(split.test)};"
        digest.update(sizes.encode())
        digest.update(split.train.astype("<i8").tobytes())
        digest.update(split.test.astype("<i8").tobytes())
    return digest.hexdigest()


def load_groups(path: str | Path, n_samples: int) -> np.ndarray:
    """Read the group of every sample from a CSV file with a header, a row per sample.

    The groups are its only column, or the one that is called ``group``.
    """
    import pandas as pd

    kind = "groups in CSV"
    with reading(f"'{path}'", kind, "write a header and a row per sample"):
        text = io.StringIO(read_text(path, kind, most=200))
        # As text: "NA" and "01" are names of groups like any other.
        table = pd.read_csv(text, dtype=str, keep_default_na=False, na_values=[""])
    column = table.columns[0] if table.shape[1] == 1 else "group"
    if column not in table:
        raise InputError(f"{path} has no column 'group'{did_you_mean('group', table.columns)}.")
    if len(table) != n_samples or table[column].isna().any():
        raise InputError(
            f"{path} must name a group for each of the {n_samples} samples, "
            f"got {int(table[column].notna().sum())}."
        )
    return table[column].to_numpy(dtype=object)
