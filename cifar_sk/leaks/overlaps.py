"""Rules of the folds alone: samples and groups that stand on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cifar_sk.leaks.findings import Leak, leak_rule
from cifar_sk.leaks.subject import Subject

__all__ = ["fold_overlap", "group_overlap"]


@leak_rule("fold_overlap", in_runs=True)
def fold_overlap(subject: Subject) -> Iterator[Leak]:
    """Find folds that train on samples which they score."""
    shared = [len(np.intersect1d(split.train, split.test)) for split in subject.splits]
    if any(shared):
        n_folds = sum(n > 0 for n in shared)
        yield Leak(
            f"{n_folds} of {len(shared)} folds train on samples that they score ({max(shared):,} "
            f"in the worst)",
            "make the folds with make_splits or a splitter of scikit-learn",
            {"folds": n_folds, "samples": max(shared)},
        )


@leak_rule("group_overlap", in_runs=True)
def group_overlap(subject: Subject) -> Iterator[Leak]:
    """Find groups of which a fold trains on some samples and scores others."""
    if subject.groups is None:
        return
    groups = np.unique(subject.groups, return_inverse=True)[1]
    torn = [len(np.intersect1d(groups[s.train], groups[s.test])) for s in subject.splits]
    if any(torn):
        yield Leak(
            f"groups are given, but up to {max(torn):,} of {groups.max() + 1:,} groups are "
            f"trained on and scored in the same fold",
            "use cv=StratifiedGroupKFold(), GroupKFold(), or a number of folds",
            {"groups": int(max(torn)), "of": int(groups.max() + 1)},
        )
