import numpy as np
import pytest
from made_runs import made_run

from cifar_sk.datasets.copies import first_copies
from cifar_sk.duplicates import copied_across_folds, copies_sentence
from cifar_sk.folds.splits import make_splits
from cifar_sk.reports.run.tables import RunTables


def test_images_with_a_copy_in_the_training_part_are_counted_as_by_hand():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 2, 2), dtype=np.uint8)[rng.integers(0, 25, 60)]
    splits = make_splits(np.arange(60) % 2, n_folds=3, n_repeats=2)
    texts = [image.tobytes() for image in images]
    expected = {
        int(i)
        for split in splits
        for i in split.test
        if texts[i] in {texts[k] for k in split.train}
    }
    found = copied_across_folds(first_copies(images), [split.test for split in splits])
    assert set(np.flatnonzero(found)) == expected
    assert f"{len(expected)} of 60 images have an exact copy" in copies_sentence(
        images, [split.test for split in splits]
    )


def test_copies_in_one_fold_are_no_leak():
    images = np.repeat(np.arange(6, dtype=np.uint8), 2).reshape(12, 1, 1)
    splits = make_splits(np.repeat([0, 1], 6), n_folds=3, groups=np.repeat(np.arange(6), 2))
    said = copies_sentence(images, [split.test for split in splits])
    assert said == "No image has an exact copy in another fold."


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_first_copies(dtype):
    images = np.array([[1, 2], [3, 4], [1, 2], [3, 4], [1, 2]], dtype=dtype)
    assert first_copies(images).tolist() == [0, 1, 0, 1, 0]


def test_a_run_with_images_says_so():
    run = made_run("run", [0.5] * 3, n_test=20).result
    images = np.arange(60, dtype=np.uint8).reshape(60, 1, 1).repeat(2, axis=1)
    images[run.folds[1].test_index[:4]] = images[run.folds[0].test_index[:4]]
    assert RunTables(run, images).copies.startswith("8 of 60 images have an exact copy")
    assert RunTables(run).copies is None
