"""Finished runs are read as they were written, and anything else is refused."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from made_runs import as_of_an_older_version
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold

from cifar_sk import InputError, RunFolder, cross_validate_oof, write_report
from cifar_sk.runs.folder import read_manifest
from cifar_sk.runs.manifest import Manifest
from cifar_sk.runs.manifest_file import ManifestFile
from cifar_sk.runs.reading import read_run


@pytest.fixture
def run(tmp_path):
    X, y = np.random.default_rng(0).random((60, 4)), np.repeat([3, 5, 9], 20)
    names = ["NA", "b,c", "d"]
    with RunFolder.open(tmp_path / "run", {"mine": [1, 2]}, info={"who": "me"}) as folder:
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


def test_the_manifest_says_what_was_run(run):
    manifest = read_run(run[0]).manifest
    assert (manifest.data.name, manifest.data.n_samples) == ("array", 60)
    assert manifest.data.class_names == ("NA", "b,c", "d")
    assert manifest.data.image_shape == (4,)
    assert (manifest.split.n_folds, manifest.split.n_repeats) == (3, 2)
    assert manifest.pipeline["params"]["strategy"] == "stratified"
    assert (manifest.own, manifest.notes) == ({"mine": [1, 2]}, {"who": "me"})
    assert (manifest.status, manifest.seed) == ("complete", 0)
    assert manifest == Manifest.of_file(ManifestFile.model_validate(manifest.to_json()))


def test_a_store_may_be_a_path_and_goes_on_or_refuses(tmp_path):
    X, y = np.random.default_rng(0).random((40, 2)), np.arange(40) % 2
    classifier = LogisticRegression()
    first = cross_validate_oof(classifier, X, y, cv=2, store=tmp_path / "run")
    again = cross_validate_oof(classifier, X, y, cv=2, store=str(tmp_path / "run"))
    np.testing.assert_array_equal(first.oof_proba, again.oof_proba)
    assert [fold.fit_time for fold in again.folds] == [fold.fit_time for fold in first.folds]
    before = (tmp_path / "run/run.json").read_bytes()
    for changes, message in (
        ({"X": X + 1}, "data.fingerprint was"),
        ({"random_state": 1}, "seed was 0 and is 1"),
        ({"estimator": LogisticRegression(C=2)}, "pipeline.params.C was 1.0 and is 2"),
    ):
        arguments = {"estimator": classifier, "X": X, "y": y, "cv": 2, **changes}
        with pytest.raises(InputError, match=message):
            cross_validate_oof(**arguments, store=tmp_path / "run")
        assert (tmp_path / "run/run.json").read_bytes() == before


def test_a_finished_run_asks_no_engine(tmp_path):
    X, y = np.zeros((8, 1)), np.arange(8) % 2
    first = cross_validate_oof(DummyClassifier(), X, y, cv=2, store=tmp_path / "run")
    again = cross_validate_oof(DummyClassifier(), X, y, cv=2, n_jobs=2, store=tmp_path / "run")
    np.testing.assert_array_equal(first.oof_proba, again.oof_proba)


def test_another_evaluation_in_a_run_without_folds_finds_nothing_of_the_first(tmp_path):
    X, y = np.random.default_rng(0).random((40, 2)), np.arange(40) % 2
    evaluate = partial(cross_validate_oof, DummyClassifier(), X, y, cv=2, store=tmp_path)

    def stop(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(holdout=(X, y), listener=stop)
    (tmp_path / "folds/.00.tmp").mkdir()
    (tmp_path / "folds/.00.tmp/classifier.json").write_text("of a run that was killed")
    evaluate(random_state=1)
    assert read_run(tmp_path).result.holdout_target is None
    assert not list(tmp_path.rglob("classifier.json"))


def test_an_interrupt_after_the_end_leaves_a_complete_run(tmp_path):
    def evaluate_and_stop():
        with RunFolder.open(tmp_path) as folder:
            cross_validate_oof(
                DummyClassifier(), np.zeros((8, 1)), np.arange(8) % 2, cv=2, store=folder
            )
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_and_stop()
    assert read_manifest(tmp_path).status == "complete"


def test_what_no_run_says_is_said(tmp_path):
    RunFolder.open(tmp_path / "run").__exit__(None)
    with pytest.raises(InputError, match=r"has not begun; continue it with --resume"):
        read_manifest(tmp_path / "run")
    with pytest.raises(InputError, match="identity must hold JSON values only"):
        RunFolder.open(tmp_path / "other", {"a": np.float32(1)})
    assert not (tmp_path / "other").exists()


def test_runs_of_older_versions_are_read(run):
    path, written = run
    as_of_an_older_version(path)
    (path / "target.npy").unlink()
    finished = read_run(path)
    np.testing.assert_array_equal(finished.result.target, written.target)
    for reference in Path("results/reference").glob("*/run.json"):
        found = read_manifest(reference.parent)
        assert found.data.name.startswith("cifar10-")
        assert found.split.n_folds == 5
        assert len(found.data.class_names) == 10


def test_damaged_labels_are_refused(run):
    path, _ = run
    as_of_an_older_version(path)
    content = (path / "target.npy").read_bytes()
    for damaged in (b"", content[:-8], content[:40]):
        (path / "target.npy").write_bytes(damaged)
        with pytest.raises(InputError, match=r"cannot be read|do not belong together"):
            read_run(path)


def test_a_damaged_table_of_an_older_version_is_refused(run):
    path, _ = run
    as_of_an_older_version(path)
    (path / "target.npy").unlink()
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
