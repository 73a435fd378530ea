import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from cifar_sk.duplicates import NearDuplicates
from cifar_sk.duplicates.handling import drop_duplicates, group_duplicates, superfluous

GROUPS = np.array([0, 1, 0, 2, 1, 0, 3])
TARGET = np.array([0, 0, 1, 1, 1, 1, 0])
FOUND = NearDuplicates(pd.DataFrame(), GROUPS, 2)


def pets():
    return Bunch(
        images=np.arange(7, dtype=np.uint8).reshape(7, 1, 1, 1),
        target=TARGET,
        target_names=["cat", "dog"],
        source="Made for a test.",
        fingerprint="f" * 64,
        test_images=None,
    )


def test_the_first_image_of_the_most_frequent_label_stays():
    # Group 0 has labels 0, 1, 1: sample 2 stays. Group 1 has 0 and 1, which tie: none stays.
    assert superfluous(GROUPS, TARGET).tolist() == [0, 1, 4, 5]
    assert superfluous(np.arange(3), TARGET[:3]).tolist() == []


def test_dropping_says_what_was_dropped():
    handled = drop_duplicates(pets(), np.array(list("abcdefg")), FOUND)
    assert handled.dataset.images.ravel().tolist() == [2, 3, 6]
    assert handled.dataset.target.tolist() == [1, 1, 0]
    assert handled.dataset.fingerprint != "f" * 64
    assert handled.groups.tolist() == ["c", "d", "g"]
    assert handled.identity == {"duplicates": "drop", "left_out": [0, 1, 4, 5]}
    assert handled.note.startswith("4 of 7 images are left out as near-duplicates; of each group")
    assert "none of 1 groups in which two labels are equally frequent" in handled.note


def test_grouping_joins_the_groups_that_were_given():
    handled = group_duplicates(pets(), np.array(list("xxyzwvv")), FOUND)
    same = handled.groups[:, None] == handled.groups
    assert same[0, [1, 2, 4, 5, 6]].all()
    assert not same[3, [0, 1, 2, 4, 5, 6]].any()
    assert "5 of 7 images are in 2 groups of copies, the largest of 3" in handled.note
    assert "joined with the groups that were given" in handled.note
    assert "2 pairs are in two groups" in handled.note
    assert group_duplicates(pets(), None, FOUND).groups.tolist() == GROUPS.tolist()
