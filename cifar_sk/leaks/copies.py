"""Rules of exact copies: of scored samples in training, and of a test split in the samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cifar_sk.leaks.changes import changes_of
from cifar_sk.leaks.findings import Leak, leak_rule
from cifar_sk.leaks.subject import Subject, hash_rows

__all__ = ["copies_across_folds", "scored_samples_given", "test_in_training"]

_LEAST_SHARE = 0.005  # of the scored samples; fewer copies move no score
_MOST_COLUMNS = 200  # in more columns rows are not equal by chance
_TIMES_CHANCE = 10
_GROUPED = "give groups, one for all copies of a sample, or drop the copies"


@leak_rule("copies_across_folds", in_runs=True)
def copies_across_folds(subject: Subject) -> Iterator[Leak]:
    """Find scored samples of which an exact copy is trained on."""
    hashes = subject.hashes
    if hashes is None or len(np.unique(hashes)) == len(hashes):
        return
    is_copied = np.zeros(len(hashes), dtype=bool)
    for split in subject.first_repeat:
        honest = np.setdiff1d(split.train, split.test)  # overlapping folds are another finding
        is_copied[split.test] = np.isin(hashes[split.test], hashes[honest])
    is_copied &= ~_is_blank(subject)
    n_copied = int(is_copied.sum())
    _, counts = np.unique(hashes, return_counts=True)
    n_pairs = int((counts * (counts - 1) // 2).sum())
    if n_copied < max(2, _LEAST_SHARE * len(hashes)):
        return
    if n_pairs < _TIMES_CHANCE * _pairs_by_chance(subject):
        return
    yield Leak(
        f"{n_copied:,} of {len(hashes):,} scored samples ({n_copied / len(hashes):.1%}) have an "
        f"exact copy among those that their fold trains on",
        f"resample inside the pipeline if it was resampling, and else {_GROUPED}",
        {"copied": n_copied, "samples": len(hashes)},
    )


def _is_blank(subject: Subject) -> np.ndarray:
    """Mark samples without content, which are equal without being copies."""
    rows = subject.rows
    if rows is None or rows.shape[1] < 2:
        return np.zeros(len(subject.y), dtype=bool)
    return rows.max(axis=1) == rows.min(axis=1)


def _pairs_by_chance(subject: Subject) -> float:
    """Expect pairs of equal samples where the columns of each class were independent."""
    rows = subject.rows
    if rows is None or rows.shape[1] > _MOST_COLUMNS:
        return 0.0
    expected = 0.0
    for code in range(subject.n_classes):
        part = rows[subject.codes == code]
        log_share = 0.0
        for column in part.T:
            counts = np.unique(column, return_counts=True)[1] / len(part)
            log_share += float(np.log((counts**2).sum()))
        expected += len(part) * (len(part) - 1) / 2 * float(np.exp(log_share))
    return expected


@leak_rule("scored_samples_given", in_runs=True)
def scored_samples_given(subject: Subject) -> Iterator[Leak]:
    """Find what ``fit`` is given whole, such as ``eval_set``, with scored samples in it."""
    n_samples = len(subject.y)
    for name, value in subject.fit_params.items():
        is_cut = hasattr(value, "__len__") and len(value) == n_samples  # by the folds
        held = () if is_cut else changes_of(subject, value).held
        n_held = max((len(part.rows) for part in held), default=0)
        if n_held:
            yield Leak(
                f"fit is given {n_held:,} samples by {name!r} that the fold, or the test split, "
                f"scores",
                "give it samples of no fold, or let it split the training fold itself",
                {"param": name, "samples": n_held},
            )


@leak_rule("test_in_training", in_runs=True)
def test_in_training(subject: Subject) -> Iterator[Leak]:
    """Find samples of the official test split that are also among the training samples."""
    if subject.test_rows is None or subject.rows is None or subject.hashes is None:
        return
    test = hash_rows(subject.test_rows.astype(subject.rows.dtype, copy=False))
    is_shared = np.isin(test, subject.hashes)
    n_shared = int((is_shared & (np.ptp(subject.test_rows, axis=1) > 0)).sum())
    if n_shared >= max(1, _LEAST_SHARE * len(test)):
        yield Leak(
            f"{n_shared:,} of {len(test):,} samples of the test split "
            f"({n_shared / len(test):.1%}) also stand in the training data",
            "take them out of one of the two",
            {"shared": n_shared, "test_samples": len(test)},
        )
