import json

import numpy as np
import pytest
from sklearn.utils import Bunch

from cifar_sk.commands.near_duplicates import handle_duplicates
from cifar_sk.cv import main
from cifar_sk.report import main as report
from cifar_sk.runs.reading import read_run


@pytest.fixture
def pets(tmp_path):
    """90 images, of which 30 are mirrored or exact copies of others."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (90, 12, 12, 3), dtype=np.uint8)
    labels = np.arange(90) % 2
    images[60:80] = images[:20, :, ::-1]
    images[80:90] = images[20:30]
    labels[60] = 1 - labels[0]  # a pair without a majority
    np.savez(tmp_path / "pets.npz", images=images, labels=labels, class_names=["cat", "dog"])
    return tmp_path / "pets.npz"


def cv(pets, run, *words):
    command = ["--model", "dummy", "--dataset", pets, "--folds", 3, "--jobs", 1, "--quiet"]
    with pytest.raises(SystemExit) as stop:
        main([*map(str, [*command, "--run", run, *words])])
    return stop.value.code


def page(run):
    return (run / "report.html").read_text()


def test_groups_of_duplicates_stay_in_one_fold(pets, tmp_path):
    run = tmp_path / "grouped"
    assert cv(pets, run, "--duplicates", "group") == 0
    fold = np.empty(90, dtype=int)
    for k, result in enumerate(read_run(run).result.folds):
        fold[result.test_index] = k
    assert (fold[60:80] == fold[:20]).all()
    assert (fold[80:] == fold[20:30]).all()
    said = json.loads((run / "run.json").read_text())
    assert said["identity"]["own"] == {"duplicates": "group"}
    assert "60 of 90 images are in 30 groups of copies" in said["notes"]["near-duplicates"]
    assert "60 of 90 images are in 30 groups of copies" in page(run)
    assert "No image has an exact copy in another fold." in page(run)


def test_dropped_duplicates_are_remembered(pets, tmp_path, capsys):
    run = tmp_path / "dropped"
    assert cv(pets, run, "--duplicates", "drop") == 0
    finished = read_run(run)
    assert len(finished.result.target) == 59  # and none of the pair with two labels
    assert finished.manifest.own["left_out"] == [0, *range(60, 90)]
    with pytest.raises(SystemExit) as stop:
        report([str(run), "--dataset", str(pets)])  # finds the same images again
    assert stop.value.code == 0
    assert "31 of 90 images are left out as near-duplicates" in page(run)
    capsys.readouterr()
    assert cv(pets, run, "--resume") == 2
    assert "cannot be resumed as another run" in capsys.readouterr().err


def test_kept_duplicates_change_nothing():
    data, groups = Bunch(images=np.zeros((9, 2, 2, 3), np.uint8)), np.arange(9)
    handled = handle_duplicates(data, groups, "keep", quiet=False)
    assert handled.dataset is data
    assert handled.groups is groups
    assert (handled.identity, handled.note) == ({}, None)


def test_another_handling_is_refused(pets, tmp_path, capsys):
    assert cv(pets, tmp_path / "run", "--duplicates", "hide") == 2
    assert "--duplicates" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
