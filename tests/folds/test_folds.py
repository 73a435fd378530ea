import numpy as np
import pytest
from sklearn.model_selection import (
    KFold,
    LeavePOut,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from cifar_sk.errors import InputError
from cifar_sk.folds.splits import Split, load_groups, make_splits, split_fingerprint, splits_of

Y = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [37, 23, 11]))


def assert_one_sentence(error):
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")


@pytest.mark.parametrize("n_folds", [2, 5, 11])
def test_every_sample_is_scored_once_per_repeat_and_never_trained_on(n_folds):
    splits = make_splits(Y, n_folds=n_folds, n_repeats=3, random_state=4)
    assert [split.index for split in splits] == list(range(3 * n_folds))
    for repeat in range(3):
        folds = [split for split in splits if split.repeat == repeat]
        assert [split.fold for split in folds] == list(range(n_folds))
        scored = np.concatenate([split.test for split in folds])
        assert np.array_equal(np.sort(scored), np.arange(len(Y)))
    for split in splits:
        assert np.array_equal(np.union1d(split.train, split.test), np.arange(len(Y)))
        assert np.intersect1d(split.train, split.test).size == 0
        assert split.train.dtype == split.test.dtype == np.int64
        assert (np.diff(split.train) > 0).all()
        assert (np.diff(split.test) > 0).all()


def test_every_fold_has_every_class_in_its_share_within_one_sample():
    counts = np.array([np.bincount(Y[split.test]) for split in make_splits(Y, n_folds=4)])
    assert (np.ptp(counts, axis=0) <= 1).all()


def test_labels_may_be_text():
    by_number = make_splits(Y, n_folds=3)
    by_text = make_splits(np.array(["a", "b", "c"])[Y], n_folds=3)
    assert split_fingerprint(by_number) == split_fingerprint(by_text)


def test_seeds():
    once = make_splits(Y, random_state=7)
    thrice = make_splits(Y, n_repeats=3, random_state=7)
    assert split_fingerprint(once) == split_fingerprint(thrice[:5])
    assert split_fingerprint(once) == split_fingerprint(make_splits(Y, random_state=7))
    expected = StratifiedKFold(5, shuffle=True, random_state=7).split(Y, Y)
    for split, (train, test) in zip(once, expected, strict=True):
        assert np.array_equal(split.train, train)
        assert np.array_equal(split.test, test)


def test_seeds_of_a_repeat_are_fits_of_the_same_samples():
    splits = make_splits(Y, n_folds=3, n_repeats=2, n_seeds=2, random_state=7)
    assert [split.index for split in splits] == list(range(12))
    assert [(s.repeat, s.seed, s.fold) for s in splits[::3]] == [
        *((0, 0, 0), (0, 1, 0)),
        *((1, 0, 0), (1, 1, 0)),
    ]
    plain = make_splits(Y, n_folds=3, n_repeats=2, random_state=7)
    for split in splits:
        same = plain[3 * split.repeat + split.fold]
        assert np.array_equal(split.train, same.train)
        assert np.array_equal(split.test, same.test)
    assert split_fingerprint(splits[:3]) == split_fingerprint(plain[:3])
    assert split_fingerprint(splits[:6]) != split_fingerprint(plain)
    assert split_fingerprint(splits[3:6]) != split_fingerprint(plain[:3])


def test_neighbouring_seeds_share_no_repeat():
    tests = {
        split.test.tobytes()
        for seed in range(5)
        for split in make_splits(Y, n_folds=2, n_repeats=5, random_state=seed)
        if split.fold == 0
    }
    assert len(tests) == 25


@pytest.mark.parametrize("seed", range(5))
def test_groups_never_stand_on_both_sides(seed):
    groups = np.random.default_rng(seed).integers(0, 25, len(Y))
    splits = make_splits(Y, n_folds=4, n_repeats=2, groups=groups, random_state=seed)
    assert len(splits) == 8
    for split in splits:
        assert np.intersect1d(groups[split.train], groups[split.test]).size == 0
        assert len(split.test) > 0
    scored = np.concatenate([split.test for split in splits if split.repeat == 1])
    assert np.array_equal(np.sort(scored), np.arange(len(Y)))


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        ([0, 0, 0, 1, 1], {"n_folds": 3}, "Class 1 has 2 samples, fewer than 3 folds"),
        ([0, 0, 0], {"n_folds": 2}, "At least 2 classes are needed, got 1"),
        ([0, 0, 1, 1], {"n_folds": 1}, "n_folds must be at least 2"),
        ([0, 0, 1, 1], {"n_folds": 2, "n_repeats": 0}, "n_repeats at least 1"),
        ([0, 0, 1, 1], {"n_folds": 2, "n_seeds": 0}, "n_seeds at least 1, got 2, 1 and 0"),
        ([0, 0, 1, 1], {"n_folds": 2, "groups": [0, 0, 0]}, "3 groups for 4 samples"),
        ([0, 0, 1, 1], {"n_folds": 2, "groups": [5] * 4}, "1 groups, fewer than 2 folds"),
        ([0, 0, 1, 1], {"n_folds": 2, "groups": [0, 0, 1, 1]}, "no sample of class"),
    ],
)
def test_what_cannot_be_split_is_refused(y, options, message):
    with pytest.raises(InputError, match=message) as error:
        make_splits(y, **options)
    assert_one_sentence(error)


def test_no_grouped_fold_is_empty():
    """scikit-learn leaves a fold empty where groups are few and unequal; that is refused."""
    sizes = [9, 1, 1, 28]
    groups = np.repeat(np.arange(4), sizes)
    y = np.arange(39) % 3
    empty = 0
    for seed in range(20):
        folds = StratifiedGroupKFold(4, shuffle=True, random_state=seed).split(y, y, groups)
        if min(len(test) for _, test in folds):
            continue
        empty += 1
        with pytest.raises(InputError, match=r"Fold \d of repeat 0 has no sample to"):
            make_splits(y, n_folds=4, groups=groups, random_state=seed)
    assert empty > 0


def test_the_fingerprint_changes_with_any_change():
    splits = make_splits(Y, n_folds=3)
    first = splits[0]
    moved = Split(0, 0, 0, np.append(first.train, first.test[0]), first.test[1:])
    less = Split(0, 0, 0, first.train[1:], first.test)
    renamed = Split(0, 1, 0, first.train, first.test)
    variants = [
        splits,
        [moved, *splits[1:]],
        [less, *splits[1:]],
        [renamed, *splits[1:]],
        splits[:2],
        splits[::-1],
        make_splits(Y, n_folds=3, random_state=1),
        make_splits(Y, n_folds=4),
    ]
    assert len({split_fingerprint(variant) for variant in variants}) == len(variants)


def test_the_fingerprint_is_the_same_on_every_machine():
    splits = [
        Split(0, 0, 0, np.array([1, 2]), np.array([0])),
        Split(1, 0, 1, np.array([0]), np.array([1, 2])),
    ]
    expected = "57bfd6af8c4776edf185f84480194cdaeed7ffa1ebbe82a13af08f44628b4af0"
    assert split_fingerprint(splits) == expected
    as_int32 = [
        Split(s.index, s.repeat, s.fold, s.train.astype("int32"), s.test.astype(">i8"))
        for s in splits
    ]
    assert split_fingerprint(as_int32) == expected


@pytest.mark.parametrize(
    ("cv", "n_repeats", "n_folds"),
    [
        (StratifiedKFold(4, shuffle=True, random_state=0), 1, 4),
        (RepeatedStratifiedKFold(n_splits=3, n_repeats=4, random_state=0), 4, 3),
        (StratifiedGroupKFold(3), 1, 3),
    ],
)
def test_splitters_that_score_every_sample_once_per_repeat(cv, n_repeats, n_folds):
    groups = np.arange(len(Y)) // 2 if isinstance(cv, StratifiedGroupKFold) else None
    splits = splits_of(cv, Y, groups)
    assert [(s.repeat, s.fold) for s in splits] == [
        (repeat, fold) for repeat in range(n_repeats) for fold in range(n_folds)
    ]
    for split, (train, test) in zip(splits, cv.split(Y, Y, groups), strict=True):
        assert np.array_equal(split.train, train)
        assert np.array_equal(split.test, test)


class _Pairs:
    def __init__(self, *pairs):
        self._pairs = pairs

    def split(self, X, y=None, groups=None):
        return ((np.array(train), np.array(test)) for train, test in self._pairs)


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(20, test_size=0.2, random_state=0),
        LeavePOut(2),
        TimeSeriesSplit(3),
        _Pairs(([0, 1], [2, 3])),  # two samples are never scored
        _Pairs(([2, 3], [0, 1]), ([0, 1], [2, 3]), ([2, 3], [0, 1])),  # half a second repeat
        _Pairs(([2, 3], [0, 1]), ([0, 1], [2, 3]), ([0], [1]), ([1], [0]), ([0, 1], [2, 3])),
        _Pairs(([2, 3], [0, 0, 1]), ([0, 1], [2, 3])),  # one is scored twice in a fold
        _Pairs(),
    ],
)
def test_other_splitters_are_refused(cv):
    with pytest.raises(InputError, match="exactly once per repeat; use") as error:
        splits_of(cv, np.array([0, 1, 0, 1]))
    assert_one_sentence(error)


def test_many_overlapping_folds_are_refused_before_they_are_all_made():
    with pytest.raises(InputError, match="LeavePOut does not predict"):
        splits_of(LeavePOut(2), np.arange(3_000) % 2)  # 4.5 million folds


def test_overlap_of_training_and_scored_samples_is_refused():
    cv = _Pairs(([0, 1, 2], [2, 3]), ([2, 3], [0, 1]))
    with pytest.raises(InputError, match="trains on samples that it scores") as error:
        splits_of(cv, np.array([0, 1, 0, 1]))
    assert_one_sentence(error)


def test_folds_without_a_class_to_train_on_are_refused():
    with pytest.raises(InputError, match="no sample of class 0 to train on"):
        splits_of(KFold(2), np.array([0, 0, 1, 1]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("group\na\nb\na\n", ["a", "b", "a"]),
        ("patient\n1\n01\n1\n", ["1", "01", "1"]),
        ("sample,group\n0,NA\n1,None\n2,NA\n", ["NA", "None", "NA"]),
    ],
)
def test_groups_from_a_file(tmp_path, text, expected):
    path = tmp_path / "groups.csv"
    path.write_text(text)
    assert load_groups(path, 3).tolist() == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "groups.csv' cannot be read as groups in CSV"),
        (b"a,group\n1,2,3,4\n1\n1,2,3,4,5,6\n", "groups.csv' cannot be read as groups in CSV"),
        (b"group\n\xff\xfe\n", "groups.csv' cannot be read as groups in CSV"),
        (b"a,b\n1,2\n", "has no column 'group'; known: a, b"),
        (b"group\n1\n2\n", "a group for each of the 3 samples, got 2"),
        (b"a,group\n1,1\n2,\n3,3\n", "a group for each of the 3 samples, got 2"),
    ],
)
def test_a_file_of_groups_that_does_not_fit_is_refused(tmp_path, content, message):
    path = tmp_path / "groups.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_groups(path, 3)


def test_a_missing_file_of_groups_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none.csv' cannot be read"):
        load_groups(tmp_path / "none.csv", 3)
