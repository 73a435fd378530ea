import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from cifar_sk.explore import main
from cifar_sk.folds.splits import load_groups


@pytest.fixture
def pets(tmp_path):
    """A training part of 60 images and a test split of 20, with copies within and between."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (80, 16, 16, 3), dtype=np.uint8)
    labels = np.arange(80) % 2
    images[10] = images[3]  # another label
    images[20] = images[4, :, ::-1]
    images[60] = images[5]  # in the test split, of another label than image 5
    images[61] = images[7]
    images[79] = images[70]
    path = tmp_path / "pets.npz"
    np.savez(
        path,
        x_train=images[:60],
        y_train=labels[:60],
        x_test=images[60:],
        y_test=labels[60:],
        class_names=["cat", "=dog"],
    )
    return path


def run(command, words):
    with pytest.raises(SystemExit) as stop:
        command([*map(str, words)])
    return stop.value.code


def test_near_duplicates_are_counted_and_written(pets, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(main, ["--dataset", pets, "--near-duplicates", "--output", out, "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "2 of 20 test images (10.0%) have a copy in the training part, 1 of them" in said.out
    assert "4 of 60 training images are in 2 groups of copies, the largest of 2" in said.out
    counts = [line.split() for line in said.out.splitlines() if "–t" in line]
    assert counts == [
        ["train–train", "2", "1", "1"],
        ["test–train", "2", "2", "1"],
        ["test–test", "1", "1", "1"],
    ]
    pairs = pd.read_csv(out / "near_duplicates.csv")
    ends = pairs[["first_split", "first", "second_split", "second", "kind", "flip"]]
    assert sorted(ends.itertuples(index=False, name=None)) == [
        ("test", 10, "test", 19, "exact", False),
        ("train", 3, "train", 10, "exact", False),
        ("train", 4, "train", 20, "near", True),
        ("train", 5, "test", 0, "exact", False),
        ("train", 7, "test", 1, "exact", False),
    ]
    assert set(pairs["second_label"]) == {"cat", "'=dog"}  # no formula for a spreadsheet
    with Image.open(out / "near_duplicates.png") as picture:
        assert picture.width > 400


def test_groups_are_a_file_for_cv(pets, tmp_path):
    out = tmp_path / "out"
    assert run(main, ["--dataset", pets, "--near-duplicates", "--output", out, "--quiet"]) == 0
    groups = load_groups(out / "groups.csv", 60)
    assert groups[3] == groups[10]
    assert groups[4] == groups[20]
    assert len(np.unique(groups)) == 58


def test_data_without_a_test_split_or_copies(tmp_path, capsys):
    path = tmp_path / "digits.npz"
    images = np.random.default_rng(1).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez(path, images=images, labels=load_digits().target[:30])
    out = tmp_path / "out"
    assert run(main, ["--dataset", path, "--near-duplicates", "--output", out]) == 0
    said = capsys.readouterr()
    assert "0 of 30 training images are in 0 groups" in said.out
    assert "test images" not in said.out
    assert "near-duplicates: 100% (" in said.err
    assert not (out / "near_duplicates.png").exists()
    assert len(pd.read_csv(out / "groups.csv")) == 30


def test_options_of_the_search_need_it(capsys):
    assert run(main, ["--dataset", "digits", "--threshold", "0.5"]) == 2
    assert "--threshold and --jobs belong to --near-duplicates" in capsys.readouterr().err
    words = ["--dataset", "digits", "--limit", "20", "--near-duplicates", "--threshold", "7"]
    assert run(main, words) == 2
    assert "threshold must be above 0 and at most 1, got 7.0" in capsys.readouterr().err
