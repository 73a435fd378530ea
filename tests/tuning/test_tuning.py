"""The study engine: tiny networks, real Optuna, real training."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import ExtraTreeClassifier

from cifar_sk.errors import InputError
from cifar_sk.folds.splits import make_splits
from cifar_sk.pipelines.models import make_model, set_params
from cifar_sk.tuning.engine import Budget, open_study, run_trials
from cifar_sk.tuning.lost_trials import reclaim
from cifar_sk.tuning.objective import TuningTask, directions
from cifar_sk.tuning.search import StudySearchCV, study_identity
from cifar_sk.tuning.spaces import SearchSpace
from cifar_sk.tuning.storage import choose_storage, close_storage
from cifar_sk.tuning.study_view import StudyView
from cifar_sk.tuning.workers import process_name, run_workers

DATA = {"name": "digits", "n_samples": 120, "fingerprint": "f" * 64}


class SlowNeighbors(KNeighborsClassifier):
    """Something that can be killed while it is fitted."""

    def fit(self, X, y):
        time.sleep(0.2)
        return super().fit(X, y)


class Pixels(TransformerMixin, BaseEstimator):
    """Some pixels of each image, in a row."""

    def __init__(self, places=None):
        self.places = places

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        rows = np.asarray(X).reshape(len(X), -1)
        return rows if self.places is None else rows[:, self.places]

    def __sklearn_is_fitted__(self):
        return True


def on_pixels(classifier):
    return Pipeline([("pixels", Pixels()), ("classifier", classifier)])


def neighbors():
    """Something that is fitted in no time."""
    return on_pixels(KNeighborsClassifier())


def network(epochs):
    given = {"hidden_units": [16], "epochs": epochs, "learning_rate": 0.02, "batch_size": 64}
    return set_params(make_model("ann"), {f"classifier__{k}": v for k, v in given.items()})


def a_task(digits, space, model=None, *, n=120, n_folds=2, objectives=("accuracy",)):
    X, y = digits[0][:n], digits[1][:n]
    splits = make_splits(y, n_folds=n_folds)
    return TuningTask(model or neighbors(), SearchSpace(space), X, y, splits, objectives)


def run(task, budget, storage=None, name="study", **kwargs):
    study = open_study(task, budget, storage, name, study_identity(task, DATA))
    run_trials(study, task, budget, **kwargs)
    return study


def outcomes(study):
    return [(t.number, t.state, t.params, t.values) for t in StudyView(study).ended]


def is_settled(study):
    view = StudyView(study)
    return not view.in_state("running") and not view.in_state("waiting")


@pytest.fixture(scope="module")
def pruned_study(digits):
    """A network with its own learning rate, and with two that learn nothing."""
    rates = {"classifier__learning_rate": [1e-7, 1e-6, 0.02]}
    return run(a_task(digits, rates, network(epochs=4), n=400), Budget(3, sampler="grid"))


def test_the_first_trial_has_the_parameters_that_the_pipeline_has(pruned_study):
    trials = StudyView(pruned_study).trials
    assert trials[0].params == {"classifier__learning_rate": 0.02}
    assert [trial.is_default for trial in trials] == [True, False, False]


def test_a_trial_scores_as_cross_validation_does(digits):
    """Trees that are drawn at random, with the seed that each fold gives them."""
    from cifar_sk.evaluation import cross_validate_oof
    from cifar_sk.metrics import fold_metrics

    task = a_task(
        digits, {"classifier__max_depth": [1, 8]}, on_pixels(ExtraTreeClassifier(max_depth=8))
    )
    best = StudyView(run(task, Budget(2, sampler="grid"))).best
    pipeline = set_params(task.estimator, task.space.decode(best.params))
    result = cross_validate_oof(pipeline, task.X, task.y, cv=list(task.splits), random_state=0)
    folds = fold_metrics(result).set_index("row")["accuracy"]
    assert best.values[0] == pytest.approx(folds["mean"])
    scores = [score["accuracy"] for score in best.fold_scores]
    assert scores == pytest.approx([folds["fold_00"], folds["fold_01"]])


def test_every_epoch_and_fold_reports_and_bad_trials_stop_inside_a_fold(pruned_study):
    view = StudyView(pruned_study)
    (complete,), pruned = view.complete, view.in_state("pruned")
    assert sorted(complete.reports) == list(range(1, 11))  # 2 × (4 epochs + end)
    assert complete.n_epochs == [4, 4]
    assert complete.reports[10] == pytest.approx(complete.values[0])
    assert complete.reports[5] == pytest.approx(complete.fold_scores[0]["accuracy"])
    assert complete.n_parameters == 64 * 16 + 16 + 16 * 10 + 10
    assert complete.fit_time > 0
    assert view.best == complete
    assert len(pruned) == 2
    for trial in pruned:
        assert sum(trial.n_epochs) < 8
        assert not trial.error
        assert max(trial.reports.values()) < complete.values[0]


def test_one_seed_gives_one_study_also_if_it_was_interrupted(digits, tmp_path):
    """A trial is cut off in its second fold; the study goes on as if it had not been."""
    task = a_task(digits, {"classifier__p": {"low": 1.0, "high": 3.0}})
    budget = Budget(13)  # ten are drawn by chance before the sampler learns
    unbroken = run(task, budget)

    storage = choose_storage(None, tmp_path).open()

    def stop(study):
        if any(
            trial.number >= 10 and trial.reports for trial in StudyView(study).in_state("running")
        ):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(task, budget, storage, watch=stop)
    study = run(task, budget, storage)
    assert is_settled(study)
    assert len(study.trials) == 14  # the lost one too
    assert [o[2:] for o in outcomes(study)] == [o[2:] for o in outcomes(unbroken)]
    close_storage(storage)


def test_no_configuration_is_evaluated_twice_and_an_exhausted_space_ends_the_study(digits):
    space = {"classifier__n_neighbors": [1, 3, 5], "classifier__weights": ["uniform", "distance"]}
    task = a_task(digits, space)
    for sampler in ("tpe", "random", "grid"):
        view = StudyView(run(task, Budget(30, sampler=sampler)))
        tried = [tuple(trial.params.values()) for trial in view.ended]
        assert len(tried) == len(set(tried)) == 6, sampler
        skipped = view.in_state("skipped")
        assert len(skipped) == len(view.trials) - 6
        assert all(trial.skipped.startswith("same as trial") for trial in skipped)


@pytest.mark.parametrize("sampler", ["random", "tpe", "cmaes"])
def test_samplers_and_that_more_trials_extend_a_study(digits, sampler):
    space = {
        "classifier__p": {"low": 1.0, "high": 3.0, "log": True},
        "classifier__n_neighbors": {"low": 1, "high": 30},
    }
    task = a_task(digits, space)
    study = run(task, Budget(3, sampler=sampler))
    run_trials(study, task, Budget(5, sampler=sampler))
    run_trials(study, task, Budget(5, sampler=sampler))
    assert len(study.trials) == 5
    assert len({trial.params["classifier__p"] for trial in study.trials}) == 5


def test_time_budget(digits):
    task = a_task(digits, {"classifier__p": {"low": 1.0, "high": 3.0}})
    assert run(task, Budget(5, deadline=time.time() - 1)).trials[0].state.name == "WAITING"


def test_two_objectives_and_their_front(digits):
    space = {"classifier__hidden_units": [[2], [16]]}
    objectives = ("accuracy", "n_parameters")
    task = a_task(digits, space, network(epochs=1), n=240, objectives=objectives)
    view = StudyView(run(task, Budget(2, sampler="grid")))
    sizes = {t.params["classifier__hidden_units"]: t.values[1] for t in view.trials}
    assert sizes == {f"[{n}]": 64 * n + n + 10 * n + 10 for n in (2, 16)}
    smallest = min(view.trials, key=lambda trial: trial.values[1])
    assert smallest.number in view.front
    assert view.best.values[0] == max(trial.values[0] for trial in view.trials)


def test_objectives_by_name():
    assert directions(["accuracy", "log_loss", "fit_time"]) == ["maximize", "minimize", "minimize"]
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        directions(["acuracy"])
    with pytest.raises(InputError, match="several different"):
        directions(["accuracy", "accuracy"])


def test_a_trial_that_fails_is_a_failed_trial_with_its_reason(digits):
    # Each fold trains on 60 samples.
    space = {"classifier__n_neighbors": [5, 100]}
    view = StudyView(run(a_task(digits, space), Budget(2, sampler="grid")))
    trials = {t.params["classifier__n_neighbors"]: t for t in view.ended}
    assert trials[5].state == "complete"
    assert trials[100].state == "failed"
    assert "n_neighbors" in trials[100].error


def test_a_study_of_nothing_but_failures_is_refused(digits):
    space = {"classifier__widths": [[2] * 5, [3] * 5, [4] * 5, [5] * 5]}
    task = a_task(digits, space, make_model("cnn"))
    with pytest.raises(InputError, match=r"The first 3 trials all failed; the first one: .*8×8"):
        run(task, Budget(4, sampler="grid"))


def test_a_study_of_other_data_folds_or_space_is_not_continued(digits):
    storage = optuna.storages.InMemoryStorage()
    space = {"classifier__p": [1.0, 2.0]}
    task = a_task(digits, space)
    run(task, Budget(1), storage)
    other_space = a_task(digits, {"classifier__p": [1.0, 3.0]})
    other_folds = a_task(digits, space, n_folds=3)
    for other, pattern in [
        (other_space, r"space\.classifier__p was \[1\.0, 2\.0\] and is \[1\.0, 3\.0\]"),
        (other_folds, r"split\.fingerprint was .* split\.n_folds was 2 and is 3"),
    ]:
        with pytest.raises(InputError, match=pattern):
            open_study(other, Budget(2), storage, "study", study_identity(other, DATA))
    changed = study_identity(task, {**DATA, "fingerprint": "0" * 64})
    with pytest.raises(InputError, match=r"data\.fingerprint was"):
        open_study(task, Budget(2), storage, "study", changed)


@pytest.mark.parametrize(
    ("budget", "pattern"),
    [
        (Budget(sampler="tpee"), "no sampler 'tpee'"),
        (Budget(pruner="fould"), "no pruner 'fould'"),
        (Budget(sampler="grid"), "classifier__p"),
        (Budget(sampler="cmaes"), "two or more parameters with a range"),
    ],
)
def test_bad_budgets(digits, budget, pattern):
    space = {
        "classifier__weights": ["uniform", "distance"],
        "classifier__p": {"low": 1.0, "high": 3.0},
    }
    task = a_task(digits, space)
    with pytest.raises(InputError, match=pattern):
        open_study(task, budget, None, "study", {})


def test_the_trial_of_a_killed_process_is_run_again(digits, tmp_path):
    task = a_task(digits, {"classifier__p": {"low": 1.0, "high": 3.0}})
    spec = choose_storage(None, tmp_path)
    storage = spec.open()
    budget = Budget(3)
    study = open_study(task, budget, storage, "study", study_identity(task, DATA))
    lost = study.ask()
    task.space.suggest(lost)  # and then its process was gone
    assert reclaim(study, is_stale=lambda _: True) == [0]
    run_trials(study, task, budget)
    view = StudyView(study)
    assert len(view.ended) == 3
    assert view.trials[0].state == "lost"
    assert is_settled(study)
    assert sum(trial.params == lost.params for trial in view.ended) == 1
    close_storage(storage)


def kill_once(path):
    """Return a watcher that kills the worker of a running trial, and writes down which."""

    def watch(study):
        if path.exists():
            return
        mine = process_name().rpartition(":")[0]
        for trial in StudyView(study).in_state("running"):
            host, _, pid = (trial.worker or "").rpartition(":")
            if host == mine and trial.reports:
                path.write_text(str(trial.number))
                os.kill(int(pid), signal.SIGKILL)
                return

    return watch


@pytest.mark.parametrize("kind", ["journal", "postgresql"])
def test_two_workers_finish_a_study_though_one_is_killed(digits, tmp_path, request, kind):
    url = None if kind == "journal" else request.getfixturevalue("postgresql_url")
    spec = choose_storage(url, tmp_path, n_workers=2)
    space = {"classifier__p": {"low": 1.0, "high": 3.0}}
    task = a_task(digits, space, on_pixels(SlowNeighbors()), n_folds=3)
    budget = Budget(4, sampler="random")
    storage = spec.open()
    study = open_study(task, budget, storage, "study", study_identity(task, DATA))
    victim = tmp_path / "victim"
    run_workers(study, task, budget, spec, n_workers=2, n_threads=1, watch=kill_once(victim))
    view = StudyView(study)
    assert len(view.ended) == 4
    assert is_settled(study)
    killed = view.trials[int(victim.read_text())]
    assert killed.state == "lost"
    assert sum(trial.params == killed.params for trial in view.ended) == 1
    assert len({trial.params["classifier__p"] for trial in view.ended}) == 4
    assert len({trial.worker for trial in view.trials}) >= 2
    close_storage(storage)


def test_workers_say_what_they_refuse(digits, tmp_path):
    task = a_task(digits, {"classifier__n_neighbors": [100, 101, 102, 103]})
    spec = choose_storage(None, tmp_path, n_workers=2)
    storage = spec.open()
    study = open_study(task, Budget(4), storage, "study", study_identity(task, DATA))
    with pytest.raises(InputError, match="The first 3 trials all failed"):
        run_workers(study, task, Budget(4), spec, n_workers=1, n_threads=1)
    close_storage(storage)


def test_search_as_estimator(digits, tmp_path):
    X, y = digits
    names = np.array([f"digit {label}" for label in y])
    middle = list(range(16, 48))
    search = StudySearchCV(
        neighbors(),
        {"pixels__places": [[0, 7], middle]},  # two corners, which are blank
        n_trials=2,
        cv=2,
        sampler="grid",
        storage=tmp_path,
        random_state=3,
    )
    search.fit(X[:200], names[:200])
    assert search.best_params_ == {"pixels__places": middle}
    assert search.best_estimator_.get_params()["pixels__places"] == middle
    assert search.best_score_ == StudyView(search.study_).best.values[0]
    assert search.classes_.tolist() == sorted(set(names))
    assert search.predict_proba(X[200:]).shape == (200, 10)
    assert search.score(X[200:], names[200:]) > 0.3
    again = StudySearchCV(**search.get_params(deep=False)).fit(X[:200], names[:200])
    assert again.study_.trials == search.study_.trials  # from the file
    assert len(list(tmp_path.iterdir())) == 1
    assert np.array_equal(again.predict_proba(X), search.predict_proba(X))


def test_search_takes_frames_lists_and_sparse_matrices(digits):
    from scipy.sparse import csr_matrix

    X, y = digits[0][:60].reshape(60, -1), digits[1][:60] % 2

    def proba(samples):
        model = Pipeline([("classifier", KNeighborsClassifier(algorithm="brute"))])
        search = StudySearchCV(model, {"classifier__n_neighbors": [1, 2]}, n_trials=2, cv=2)
        search.fit(samples, y.tolist())
        assert search.n_features_in_ == 64
        return search.predict_proba(samples)

    expected = proba(X.astype(float))
    for samples in (pd.DataFrame(X), X.tolist(), csr_matrix(X.astype(float))):
        np.testing.assert_allclose(proba(samples), expected)


def test_nested_cross_validation_says_what_won_and_never_shows_the_study_the_scored_fold(
    digits, tmp_path
):
    from cifar_sk.evaluation import FoldEvent, cross_validate_oof
    from cifar_sk.runs.folder import RunFolder

    X, y = digits[0][:200], digits[1][:200]
    search = StudySearchCV(
        neighbors(),
        {"classifier__n_neighbors": [1, 45]},
        n_trials=2,
        cv=2,
        storage=tmp_path / "studies",
    )
    events: list[FoldEvent] = []
    with RunFolder.open(tmp_path / "run", {"a": 1}) as folder:
        result = cross_validate_oof(search, X, y, cv=2, store=folder, listener=events.append)
        stored = folder.completed()
    assert [fold.best_params for fold in result.folds] == [{"classifier__n_neighbors": 1}] * 2
    assert [stored[index].best_params for index in (0, 1)] == [{"classifier__n_neighbors": 1}] * 2
    trials = [(e.index, e.epoch.epoch, e.epoch.unit) for e in events if e.epoch is not None]
    assert trials == [(0, 1, "trial"), (0, 2, "trial"), (1, 1, "trial"), (1, 2, "trial")]
    # Each outer fold has a study of its own, over its training samples only.
    sizes = []
    for file in sorted((tmp_path / "studies").glob("*/study.db")):
        storage = choose_storage(f"sqlite:///{file}", tmp_path).open()
        study = optuna.load_study(study_name="fit", storage=storage)
        sizes.append(StudyView(study).identity["data"]["n_samples"])
        close_storage(storage)
    assert sorted(sizes) == sorted(len(y) - len(fold.test_index) for fold in result.folds)
