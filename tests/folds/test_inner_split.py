"""The inner validation split: scikit-learn's without groups, whole groups with them."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit, train_test_split

from cifar_sk import InputError
from cifar_sk.folds.inner_split import inner_split

NAMES = np.array(["eel", "cat", "dog"])


@pytest.mark.parametrize(("seed", "fraction"), [(0, 0.1), (7, 0.25)])
def test_without_groups_it_is_scikit_learns_to_the_sample(seed, fraction):
    y = NAMES[np.random.default_rng(seed).integers(0, 3, 90)]
    train, held_out = inner_split(y, fraction, random_state=seed)
    splitter = StratifiedShuffleSplit(1, test_size=fraction, random_state=seed)
    expected = [np.sort(part) for part in next(splitter.split(y, y))]
    np.testing.assert_array_equal(train, expected[0])
    np.testing.assert_array_equal(held_out, expected[1])
    whole = train_test_split(np.arange(90), test_size=fraction, random_state=seed, stratify=y)
    np.testing.assert_array_equal(held_out, np.sort(whole[1]))


@given(st.data())
def test_groups_stay_together_and_no_class_is_left_out_of_training(data):
    n = data.draw(st.integers(2, 60))
    labels = st.lists(st.integers(0, 3), min_size=n, max_size=n)
    names = st.lists(st.sampled_from("abcdefghijklmno"), min_size=n, max_size=n)
    y, groups = np.array(data.draw(labels)), np.array(data.draw(names))
    fraction = data.draw(st.floats(0.05, 0.5))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            train, held_out = inner_split(y, fraction, groups=groups)
    except InputError as error:
        assert "too few to hold out whole ones" in str(error)  # noqa: PT017
        return
    assert not set(groups[train]) & set(groups[held_out])
    assert set(y[train]) == set(y)
    np.testing.assert_array_equal(np.sort(np.r_[train, held_out]), np.arange(n))


def test_with_groups_it_is_about_as_stratified_as_scikit_learns_folds():
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    for seed in range(8):
        groups = rng.integers(0, 80, 600)
        y = (rng.integers(0, 3, 80)[groups] + (rng.random(600) < 0.3)) % 3
        _, held_out = inner_split(y, 0.1, groups=groups, random_state=seed)
        splitter = StratifiedGroupKFold(10, shuffle=True, random_state=seed)
        _, fold = next(splitter.split(y, y, groups))
        wanted = 0.1 * np.bincount(y)
        ours.append(np.abs(np.bincount(y[held_out], minlength=3) - wanted).max())
        theirs.append(np.abs(np.bincount(y[fold], minlength=3) - wanted).max())
    assert np.mean(ours) < 2 < 20 * np.mean(theirs)  # of 20 samples of each class
    assert len({inner_split(y, 0.1, groups=groups, random_state=s)[1][0] for s in range(9)}) > 2


def test_large_groups_of_one_class_give_the_share_of_all_and_name_what_is_missing():
    y, groups = np.repeat(np.arange(10), 30), np.repeat(np.arange(30), 10)
    with pytest.warns(UserWarning, match=r"no sample of 7 of 10 classes, .* raise validation_fr"):
        _, held_out = inner_split(y, 0.1, groups=groups)
    assert np.unique(groups[held_out]).size == np.unique(y[held_out]).size == 3
    _, held_out = inner_split(y, 0.34, groups=groups)
    assert np.bincount(y[held_out]).tolist() == [10] * 10


@pytest.mark.parametrize(("y", "n"), [(np.arange(40) % 2, 10), (np.repeat([0, 1], 20), 20)])
def test_two_classes_are_held_out_also_where_all_groups_are_larger_than_the_share(y, n):
    _, held_out = inner_split(y, 0.1, groups=np.repeat(np.arange(4), 10))
    assert len(held_out) == n
    assert set(y[held_out]) == {0, 1}


@pytest.mark.parametrize(
    ("y", "groups", "message"),
    [
        ([0, 0, 1, 1], [0, 0, 1, 1], "2 groups are too few to hold out whole ones of at least"),
        ([0, 1, 0, 1], [0, 0, 0, 0], "1 groups are too few"),
        ([0, 1, 0, 1], [0, 1, 2], "3 groups for 4 samples"),
        ([0, 1, 1, 1], None, "least populated class"),
    ],
)
def test_what_cannot_be_split_is_one_sentence(y, groups, message):
    with pytest.raises(InputError, match=message):
        inner_split(y, 0.5, groups=groups)
