"""Runs that are added to: more repeats and seeds, and what stays of the run that was there."""

import json
import shutil

import numpy as np
import pytest
from made_runs import as_of_an_older_version
from sklearn.dummy import DummyClassifier

from cifar_sk import InputError, cross_validate_oof, make_splits, read_run
from cifar_sk.runs.folder import read_manifest
from cifar_sk.runs.reading import run_damage

Y = np.arange(40) % 2
X = np.random.default_rng(0).random((40, 2))


def evaluate(path=None, n_repeats=1, n_seeds=1, estimator=None, **options):
    splits = make_splits(Y, n_folds=2, n_repeats=n_repeats, n_seeds=n_seeds)
    classifier = estimator or DummyClassifier(strategy="stratified")
    return cross_validate_oof(classifier, X, Y, cv=splits, store=path, **options)


def same(one, two):
    return len(one.folds) == len(two.folds) and all(
        a.seed == b.seed and a.repeat == b.repeat and np.array_equal(a.proba, b.proba)
        for a, b in zip(one.folds, two.folds, strict=True)
    )


@pytest.mark.parametrize("more", [(2, 1), (1, 2), (2, 2)])
def test_a_run_that_is_added_to_is_the_run_that_had_them_from_the_start(tmp_path, more):
    path = tmp_path / "run"
    first = evaluate(path)
    kept = {file: file.read_bytes() for file in path.glob("folds/*/*")}
    grown = evaluate(path, *more)
    assert {file: file.read_bytes() for file in kept} == kept
    assert same(grown, evaluate(None, *more))
    assert [fold.fit_time for fold in grown.folds[:2]] == [fold.fit_time for fold in first.folds]
    run = read_run(path)
    assert same(run.result, grown)
    assert run.manifest.status == "complete"
    assert run_damage(path, run.manifest) == []
    (stage,) = run.manifest.stages
    assert (stage.n_repeats, stage.n_seeds) == (1, 1)
    sums = json.loads((path / "folds/01/files.json").read_text())
    assert sums["run"] == stage.digest != run.manifest.digest


def test_a_run_grows_again_and_again_and_is_resumed(tmp_path):
    path = tmp_path / "run"
    for n_repeats in (1, 2, 4):
        evaluate(path, n_repeats)
    shutil.rmtree(path / "folds/01")  # of the first stage
    shutil.rmtree(path / "folds/06")  # of the last
    with pytest.raises(InputError, match="6 of 8 folds"):
        read_run(path)
    evaluate(path, 4)
    assert same(read_run(path).result, evaluate(None, 4))
    stages = read_manifest(path).stages
    assert [stage.n_repeats for stage in stages] == [1, 2]
    assert all(stage.extended.endswith("+00:00") for stage in stages)


def test_an_interrupted_run_may_grow(tmp_path):
    path = tmp_path / "run"
    evaluate(path, 2)
    shutil.rmtree(path / "folds/01")
    evaluate(path, 3)
    assert same(read_run(path).result, evaluate(None, 3))


@pytest.mark.parametrize(("had", "wanted"), [((2, 1), (1, 1)), ((1, 2), (1, 1)), ((2, 1), (2, 2))])
def test_what_would_leave_folds_out_is_a_sentence(tmp_path, had, wanted):
    evaluate(tmp_path / "run", *had)
    before = (tmp_path / "run/run.json").read_bytes()
    with pytest.raises(InputError, match="and neither can be taken away") as error:
        evaluate(tmp_path / "run", *wanted)
    assert f"has {had[0]} × 2 folds" in str(error.value)
    assert (tmp_path / "run/run.json").read_bytes() == before


def test_only_the_same_run_grows(tmp_path):
    evaluate(tmp_path / "run")
    for changes, message in (
        ({"estimator": DummyClassifier(strategy="uniform")}, r"strategy was 'stratified'"),
        ({"random_state": 1}, "seed was 0 and is 1"),
    ):
        with pytest.raises(InputError, match=message):
            evaluate(tmp_path / "run", 2, **changes)
    other = make_splits(Y, n_folds=2, n_repeats=2, random_state=5)
    with pytest.raises(InputError, match="fingerprint was"):
        cross_validate_oof(
            DummyClassifier(strategy="stratified"), X, Y, cv=other, store=tmp_path / "run"
        )


def test_growing_that_ends_before_a_fold_leaves_the_run_as_it_was(tmp_path):
    evaluate(tmp_path / "run")
    before = (tmp_path / "run/run.json").read_bytes()
    with pytest.raises(ZeroDivisionError):
        evaluate(tmp_path / "run", 2, listener=lambda event: 1 / 0)
    assert (tmp_path / "run/run.json").read_bytes() == before


def test_a_fold_of_another_run_is_none_of_an_earlier_stage(tmp_path):
    evaluate(tmp_path / "run")
    evaluate(tmp_path / "run", 2)
    evaluate(tmp_path / "other", estimator=DummyClassifier(strategy="uniform"))
    shutil.rmtree(tmp_path / "run/folds/00")
    shutil.copytree(tmp_path / "other/folds/00", tmp_path / "run/folds/00")
    with pytest.raises(InputError, match="is a fold of another run"):
        read_run(tmp_path / "run")


def test_a_run_of_an_older_version_grows(tmp_path):
    path = tmp_path / "run"
    evaluate(path)
    as_of_an_older_version(path)
    evaluate(path, 2)
    assert same(read_run(path).result, evaluate(None, 2))
    assert run_damage(path, read_manifest(path)) == []


def test_damage_in_a_fold_of_an_earlier_stage_is_found_and_mended(tmp_path):
    path = tmp_path / "run"
    evaluate(path)
    evaluate(path, 2)
    (path / "folds/00/history.csv").write_text("epoch,loss\n")
    assert len(run_damage(path, read_manifest(path))) == 1
    with pytest.warns(UserWarning, match="the fold is fitted again"):
        evaluate(path, 2)
    assert same(read_run(path).result, evaluate(None, 2))
