"""Folds of whatever labels and groups: every sample once, groups whole, strata within one."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import RepeatedStratifiedKFold

from cifar_sk.errors import InputError
from cifar_sk.folds.splits import make_splits, split_fingerprint, splits_of

SEEDS = st.integers(0, 2**31 - 1)


@st.composite
def labels_and_folds(draw):
    """Return labels in any order, each often enough, and a number of folds."""
    n_folds = draw(st.integers(2, 6))
    counts = draw(st.lists(st.integers(n_folds, 20), min_size=2, max_size=5))
    names = draw(st.sampled_from([np.arange(5), np.array(list("edcba")), np.arange(5) * 7 - 9]))
    y = np.repeat(names[: len(counts)], counts)
    return np.random.default_rng(draw(SEEDS)).permutation(y), n_folds


def assert_honest(splits, y, n_folds, n_repeats):
    """Every sample is scored once per repeat, and trained on wherever it is not scored."""
    assert [split.index for split in splits] == list(range(n_folds * n_repeats))
    everything = np.arange(len(y))
    for split in splits:
        assert split.index == split.repeat * n_folds + split.fold
        np.testing.assert_array_equal(np.union1d(split.train, split.test), everything)
        assert len(split.train) + len(split.test) == len(y)
        assert set(np.unique(y[split.train])) == set(np.unique(y))
    for repeat in range(n_repeats):
        scored = np.concatenate([split.test for split in splits if split.repeat == repeat])
        np.testing.assert_array_equal(np.sort(scored), everything)


@given(labels_and_folds(), st.integers(1, 3), SEEDS)
def test_stratified_folds(data, n_repeats, seed):
    y, n_folds = data
    options = {"n_folds": n_folds, "n_repeats": n_repeats, "random_state": seed}
    splits = make_splits(y, **options)
    assert_honest(splits, y, n_folds, n_repeats)
    for label in np.unique(y):
        for repeat in range(n_repeats):
            folds = [split for split in splits if split.repeat == repeat]
            counts = [np.sum(y[split.test] == label) for split in folds]
            assert max(counts) - min(counts) <= 1
    again = make_splits(y.tolist(), **options)
    assert split_fingerprint(splits) == split_fingerprint(again)
    first = make_splits(y, **{**options, "n_repeats": 1})
    assert split_fingerprint(splits[:n_folds]) == split_fingerprint(first)


@given(labels_and_folds(), st.integers(2, 30), SEEDS)
def test_grouped_folds(data, n_groups, seed):
    y, n_folds = data
    groups = np.random.default_rng(seed).integers(0, n_groups, len(y))
    options = {"n_folds": n_folds, "n_repeats": 2, "random_state": seed}
    try:
        splits = make_splits(y, groups=groups, **options)
    except InputError:  # groups that leave no honest folds are refused, never bent
        assume(False)
    assert_honest(splits, y, n_folds, 2)
    for split in splits:
        assert not set(groups[split.train]) & set(groups[split.test])
        assert len(split.test) > 0
    again = make_splits(y, groups=groups.tolist(), **options)
    assert split_fingerprint(splits) == split_fingerprint(again)


@given(labels_and_folds(), st.integers(1, 3), SEEDS)
def test_folds_of_scikit_learn_s_splitters(data, n_repeats, seed):
    y, n_folds = data
    cv = RepeatedStratifiedKFold(n_splits=n_folds, n_repeats=n_repeats, random_state=seed)
    assert_honest(splits_of(cv, y), y, n_folds, n_repeats)


@given(labels_and_folds(), SEEDS, SEEDS)
def test_other_seeds_are_other_folds_with_another_fingerprint(data, seed, other):
    y, n_folds = data
    one, two = (make_splits(y, n_folds=n_folds, random_state=s) for s in (seed, other))
    same = all(np.array_equal(a.test, b.test) for a, b in zip(one, two, strict=True))
    assert (split_fingerprint(one) == split_fingerprint(two)) == same
