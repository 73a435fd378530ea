"""Studies of grouped samples: no group is on both sides of a split, down to the fits."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from cifar_sk import InputError, SearchSpace, StudySearchCV, cross_validate_oof, make_splits, tune
from cifar_sk.commands.study import split_off
from cifar_sk.commands.study_setup import Setup

Y = np.arange(72) % 2
GROUPS = np.random.default_rng(0).permutation(np.arange(72) % 12)
X = np.arange(72).reshape(-1, 1)  # each sample is its own number
SEEN = []  # of each fit: samples, their groups as they were given, and what is predicted next


class Recording(ClassifierMixin, BaseEstimator):
    """Predicts the classes' shares, and keeps which samples it sees."""

    def __init__(self, smoothing=1):
        self.smoothing = smoothing

    def fit(self, X, y, groups=None):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = (counts + self.smoothing) / (counts + self.smoothing).sum()
        self.seen_ = (X.ravel(), groups)
        return self

    def predict_proba(self, X):
        SEEN.append((*self.seen_, X.ravel()))
        return np.tile(self.shares_, (len(X), 1))


def search(**options):
    pipeline = Pipeline([("classifier", Recording())])
    return StudySearchCV(pipeline, {"classifier__smoothing": [1, 2]}, n_trials=2, **options)


def test_a_nested_study_keeps_groups_together_in_all_its_folds():
    SEEN.clear()
    cross_validate_oof(search(cv=2), X, Y, cv=3, groups=GROUPS)
    assert len(SEEN) == 3 * (2 * 2 + 1)  # of each outer fold: trials' folds, and the best
    for trained, given, predicted in SEEN:
        assert not set(GROUPS[trained]) & set(GROUPS[predicted])
        # The fit is given the same groups by other numbers, to split them no further.
        assert len(set(zip(GROUPS[trained], given, strict=True))) == len(np.unique(given))


def test_without_groups_a_study_is_what_it_was():
    SEEN.clear()
    plain = search(cv=2).fit(X, Y)
    plain.predict_proba(X)
    assert {given for _, given, _ in SEEN} == {None}
    assert "groups" not in plain.study_.user_attrs["identity"]
    grouped = search(cv=2).fit(X, Y, groups=GROUPS)
    assert len(grouped.study_.user_attrs["identity"]["groups"]) == 40


def test_routing_hands_groups_to_a_search():
    with config_context(enable_metadata_routing=True):
        SEEN.clear()
        cross_validate_oof(search(cv=2), X, Y, cv=3, groups=GROUPS)
    for trained, given, predicted in SEEN:
        assert not set(GROUPS[trained]) & set(GROUPS[predicted])
        assert given is None  # its classifier does not ask for them


def test_folds_that_take_groups_apart_are_refused():
    with pytest.raises(InputError, match="of the same group"):
        search(cv=make_splits(Y, n_folds=2)).fit(X, Y, groups=GROUPS)


def test_whole_groups_are_kept_from_the_study():
    kept, held_out, groups = split_off(Bunch(images=X, target=Y), 0.25, 0, GROUPS)
    np.testing.assert_array_equal(groups, GROUPS[kept.images.ravel()])
    assert not set(groups) & set(GROUPS[held_out.images.ravel()])
    assert len(held_out.target) == 18


def test_outer_folds_of_the_command_line_follow_groups():
    setup = Setup.make("dummy", None, SearchSpace({"classifier__constant": [0, 1]}), None, [])
    job = setup.nested(Bunch(images=X, target=Y), 3, 0, 1, GROUPS, {"n_trials": 1})
    assert job.groups is GROUPS
    for split in job.splits:
        assert not set(GROUPS[split.train]) & set(GROUPS[split.test])


def test_the_command_line_takes_groups(tmp_path):
    path = tmp_path / "groups.csv"
    pd.DataFrame({"group": [f"object {k}" for k in np.arange(240) // 4]}).to_csv(path, index=False)
    space = tmp_path / "space.toml"
    space.write_text('classifier__strategy = ["prior", "uniform"]\n')
    words = ["--model", "dummy", "--dataset", "digits", "--limit", "240", "--folds", "2"]
    words += ["--trials", "1", "--quiet", "--threads", "1", "--space", str(space)]
    words += ["--holdout", "0.25", "--holdout-seeds", "2", "--groups", str(path), "--study", "s"]
    with pytest.raises(SystemExit) as ended:
        tune.main([*words, "--results", str(tmp_path)])
    assert ended.value.code == 0
    identity = json.loads((tmp_path / "studies/s/study.json").read_text())["identity"]
    assert len(identity["groups"]) == 40
    assert identity["data"]["holdout"]["n_samples"] % 4 == 0
