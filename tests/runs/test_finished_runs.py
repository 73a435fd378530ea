"""Finished runs are read as they were written, and anything else is refused."""

import json

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from cifar_sk import InputError, RunFolder, cross_validate_oof, write_report
from cifar_sk.runs.reading import read_run


@pytest.fixture
def run(tmp_path):
    X, y = np.random.default_rng(0).random((60, 4)), np.repeat([3, 5, 9], 20)
    identity = {"split": {"n_folds": 3, "n_repeats": 2}}
    names = ["NA", "b,c", "d"]
    info = {"class_names": names}
    with RunFolder.open(tmp_path / "run", identity, info=info) as folder:
        from sklearn.model_selection import RepeatedStratifiedKFold

        result = cross_validate_oof(
            DummyClassifier(strategy="stratified"),
            X,
            y,
            cv=RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0),
            class_names=names,
            store=folder,
        )
        write_report(result, folder.path)
    return tmp_path / "run", result


def test_read_is_what_was_written(run):
    path, written = run
    finished = read_run(path)
    np.testing.assert_array_equal(finished.result.target, written.target)
    np.testing.assert_array_equal(finished.result.oof_proba, written.oof_proba)
    assert finished.result.class_names == ("NA", "b,c", "d")
    assert finished.name == "run"
    assert (finished.result.n_folds, finished.result.n_repeats) == (3, 2)


def test_an_unfinished_run_is_refused(run):
    path, _ = run
    for file in (path / "folds" / "05").iterdir():
        file.unlink()
    (path / "folds" / "05").rmdir()
    with pytest.raises(InputError, match=r"5 of 6 folds; finish the run with --resume"):
        read_run(path)


def test_a_damaged_table_is_refused(run):
    path, _ = run
    table = path / "oof_predictions.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *lines[3:]]))
    with pytest.raises(InputError, match="does not hold every sample"):
        read_run(path)
    table.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_run(path)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"run\.json cannot be read"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(InputError, match="no run manifest"):
        read_run(tmp_path)


def test_a_run_without_models_says_so(run):
    with pytest.raises(InputError, match="--save-models"):
        read_run(run[0]).model_folder(0)
