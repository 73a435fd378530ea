"""Groups of samples: kept with a run, and given to the fit that asks for them."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from made_runs import as_of_an_older_version
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from cifar_sk import InputError, cross_validate_oof, make_splits, read_run
from cifar_sk.folds.groups import group_numbers
from cifar_sk.reports.run.run_info import run_info
from cifar_sk.runs.folder import read_manifest
from cifar_sk.runs.reading import run_damage

Y = np.arange(60) % 2
X = np.random.default_rng(0).random((60, 2))
NAMES = np.array([f"object {k}" for k in np.random.default_rng(1).integers(0, 12, 60)])
NUMBERS = pd.factorize(NAMES)[0]


def evaluate(path=None, estimator=None, **options):
    options = {"cv": 3, "groups": NAMES, **options}
    return cross_validate_oof(estimator or DummyClassifier(), X, Y, store=path, **options)


@pytest.fixture
def run(tmp_path):
    evaluate(tmp_path / "run")
    return tmp_path / "run"


def test_groups_are_numbered_as_they_occur():
    assert group_numbers(["b", "a", "b", "c"], 4).tolist() == [0, 1, 0, 2]
    assert group_numbers([1, "1", 1], 3).tolist() == [0, 1, 0]
    assert np.array_equal(group_numbers(NUMBERS, 60), NUMBERS)
    assert group_numbers(pd.DataFrame({"group": [7, 7]}), 2).dtype == np.int64


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2], "There are 2 groups for 4 samples"),
        ([1, None, 2, 2], "Sample 1 has no group"),
        (np.array([1, 1, np.nan, 2]), "Sample 2 has no group"),
        ([[1], {}, 2, 3], "must hold numbers or texts"),
        (np.ones((4, 2)), r"got the shape \(4, 2\)"),
    ],
)
def test_what_is_no_group_for_each_sample_is_refused(groups, message):
    with pytest.raises(InputError, match=message):
        cross_validate_oof(DummyClassifier(), X[:4], Y[:4], cv=2, groups=groups)


@pytest.mark.parametrize("cv", [3, GroupKFold(3), make_splits(Y, n_folds=3, groups=NAMES)])
def test_a_run_keeps_its_groups(tmp_path, cv):
    result = evaluate(tmp_path / "run", cv=cv)
    np.testing.assert_array_equal(result.groups, NUMBERS)
    run = read_run(tmp_path / "run")
    np.testing.assert_array_equal(run.result.groups, NUMBERS)
    assert run.result.groups.dtype == np.int64
    assert (run.manifest.n_groups, run_info(run.manifest, run.result)["groups"]) == (12, 12)
    np.load(tmp_path / "run/groups.npy", allow_pickle=False)


def test_folds_that_take_a_group_apart_are_refused():
    with pytest.raises(InputError, match=r"Fold 0 of repeat 0 scores sample \d+ and trains on"):
        evaluate(cv=make_splits(Y, n_folds=3))


def test_a_run_without_groups_says_nothing_of_them(tmp_path):
    result = evaluate(tmp_path / "run", groups=None)
    assert result.groups is None
    assert read_run(tmp_path / "run").result.groups is None
    assert not (tmp_path / "run/groups.npy").exists()
    assert "groups" not in (tmp_path / "run/run.json").read_text()


def test_damaged_groups_are_noticed_and_written_again(run):
    content = (run / "groups.npy").read_bytes()
    (run / "groups.npy").write_bytes(content[:-1] + b"x")
    with pytest.raises(InputError, match=r"groups\.npy is damaged"):
        read_run(run)
    assert len(run_damage(run, read_manifest(run))) == 1
    evaluate(run)
    assert (run / "groups.npy").read_bytes() == content


def test_a_run_goes_on_with_its_own_groups_only(run):
    splits = make_splits(Y, n_folds=3, groups=NAMES)
    for groups in (None, np.arange(60)):
        with pytest.raises(InputError, match="with other groups than it has; give the same"):
            evaluate(run, cv=splits, groups=groups)
    evaluate(run, groups=[name.upper() for name in NAMES])  # other names of the same groups


def test_a_run_of_an_older_version_is_given_its_groups_by_resume(run):
    (run / "groups.npy").unlink()
    as_of_an_older_version(run)
    manifest = json.loads((run / "run.json").read_text())
    manifest.pop("n_groups")
    (run / "run.json").write_text(json.dumps(manifest))
    assert read_run(run).result.groups is None
    shutil.rmtree(run / "folds/02")
    evaluate(run)
    np.testing.assert_array_equal(read_run(run).result.groups, NUMBERS)


GIVEN = []  # by each fit of the classifier


class Recording(ClassifierMixin, BaseEstimator):
    """Predicts the classes' shares, and remembers which groups it was given."""

    def fit(self, X, y, groups=None):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts / counts.sum()
        GIVEN.append(None if groups is None else groups.tolist())
        return self

    def predict_proba(self, X):
        return np.tile(self.shares_, (len(X), 1))


PLAIN = Recording()
IN_STEPS = Pipeline([("scale", StandardScaler()), ("classifier", Recording())])


@pytest.mark.parametrize("estimator", [PLAIN, IN_STEPS, Pipeline([("inner", IN_STEPS)])])
@pytest.mark.parametrize("routing", [False, True])
def test_a_fit_that_takes_groups_is_given_those_of_its_samples(estimator, routing):
    with config_context(enable_metadata_routing=routing):
        if routing:
            estimator = _asking(estimator)
        GIVEN.clear()
        folds = evaluate(estimator=estimator).folds
        evaluate(estimator=estimator, groups=None)
    trained = [np.setdiff1d(np.arange(60), fold.test_index) for fold in folds]
    assert [*(NUMBERS[train].tolist() for train in trained), *[None] * 3] == GIVEN


def _asking(estimator):
    if isinstance(estimator, Pipeline):
        return Pipeline([(name, _asking(step)) for name, step in estimator.steps])
    if isinstance(estimator, Recording):
        return Recording().set_fit_request(groups=True)
    return estimator


def test_routing_gives_groups_to_nobody_who_does_not_ask():
    GIVEN.clear()
    with config_context(enable_metadata_routing=True):
        evaluate(estimator=IN_STEPS)
    assert GIVEN == [None] * 3


def test_groups_given_by_name_come_first():
    own = np.arange(60)
    GIVEN.clear()
    result = evaluate(estimator=IN_STEPS, params={"classifier__groups": own})
    assert GIVEN[0] == np.setdiff1d(own, result.folds[0].test_index).tolist()


def test_groups_that_act_in_training_are_part_of_what_is_continued(tmp_path):
    evaluate(tmp_path / "run", estimator=PLAIN)
    assert list(read_manifest(tmp_path / "run").fit_params) == ["groups"]
