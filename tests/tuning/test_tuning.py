"""The study engine: tiny networks, real Optuna, real training."""

from __future__ import annotations

import itertools
import os
import signal
import time

import numpy as np
import optuna
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from cifar_sk.errors import InputError
from cifar_sk.folds.splits import make_splits
from cifar_sk.pipelines.models import make_model, set_params
from cifar_sk.tuning.engine import Budget, best_trial, finished_trials, open_study, run_trials
from cifar_sk.tuning.objective import TuningTask, counted_trials, directions
from cifar_sk.tuning.search import StudySearchCV, study_identity
from cifar_sk.tuning.spaces import SearchSpace
from cifar_sk.tuning.storage import choose_storage, close_storage, reclaim
from cifar_sk.tuning.workers import process_name, run_workers

DATA = {"name": "digits", "n_samples": 400, "fingerprint": "f" * 64}


def a_task(digits, space, *, model=None, n_folds=2, epochs=2, objectives=("accuracy",), seed=0):
    X, y = digits if model is None else (digits[0][:120], digits[1][:120])
    pipeline = model or set_params(
        make_model("ann"),
        {
            "classifier__hidden_units": [16],
            "classifier__epochs": epochs,
            "classifier__learning_rate": 0.02,
            "classifier__batch_size": 64,
        },
    )
    splits = make_splits(y, n_folds=n_folds)
    return TuningTask(pipeline, SearchSpace(space), X, y, splits, objectives, seed)


def flatten(images):
    return np.asarray(images).reshape(len(images), -1)


def neighbors():
    """Something that is fitted in no time."""
    steps = [("flat", FunctionTransformer(flatten)), ("classifier", KNeighborsClassifier())]
    return Pipeline(steps)


def run(task, budget, storage=None, name="study", **kwargs):
    study = open_study(task, budget, storage, name, study_identity(task, DATA))
    run_trials(study, task, budget, **kwargs)
    return study


def outcomes(study):
    return [
        (trial.number, trial.state.name, trial.params, trial.values)
        for trial in finished_trials(study)
    ]


RATES = {"classifier__learning_rate": {"low": 1e-5, "high": 1e-1, "log": True}}


@pytest.fixture(scope="module")
def pruned_study(digits):
    """Eight random trials over learning rates, some of which learn nothing."""
    task = a_task(digits, RATES, epochs=4)
    return task, run(task, Budget(7, sampler="random"))


def test_the_first_trial_has_the_parameters_that_the_pipeline_has(pruned_study):
    _, study = pruned_study
    assert study.trials[0].params == {"classifier__learning_rate": 0.02}
    assert study.trials[0].user_attrs["is_default"]
    assert not any("is_default" in trial.user_attrs for trial in study.trials[1:])


def test_a_trial_scores_as_cross_validation_does(pruned_study):
    from cifar_sk.evaluation import cross_validate_oof
    from cifar_sk.metrics import fold_metrics

    task, study = pruned_study
    best = best_trial(study)
    pipeline = set_params(task.estimator, task.space.decode(best.params))
    result = cross_validate_oof(pipeline, task.X, task.y, cv=list(task.splits), random_state=0)
    folds = fold_metrics(result).set_index("row")["accuracy"]
    assert best.values[0] == pytest.approx(folds["mean"])
    scores = [score["accuracy"] for score in best.user_attrs["fold_scores"]]
    assert scores == pytest.approx([folds["fold_00"], folds["fold_01"]])


def test_every_epoch_and_fold_reports_and_bad_trials_stop_inside_a_fold(pruned_study):
    _, study = pruned_study
    complete = [t for t in finished_trials(study) if t.state.name == "COMPLETE"]
    pruned = [t for t in finished_trials(study) if t.state.name == "PRUNED"]
    assert complete
    assert pruned
    for trial in complete:
        assert sorted(trial.intermediate_values) == list(range(1, 11))  # 2 × (4 epochs + end)
        assert trial.user_attrs["n_epochs"] == [4, 4]
        assert trial.intermediate_values[10] == pytest.approx(trial.value)
        first_fold = trial.user_attrs["fold_scores"][0]["accuracy"]
        assert trial.intermediate_values[5] == pytest.approx(first_fold)
    for trial in pruned:
        assert sum(trial.user_attrs["n_epochs"]) < 8
        assert "error" not in trial.user_attrs
    best = best_trial(study).value
    assert all(max(trial.intermediate_values.values()) < best for trial in pruned)


def test_one_seed_gives_one_study_also_if_it_was_interrupted(digits, tmp_path):
    """A trial is cut off in its second fold; the study goes on as if it had not been."""
    space = {"classifier__p": {"low": 1.0, "high": 3.0}}
    task = a_task(digits, space, model=neighbors())
    budget = Budget(14)  # ten are drawn by chance before the sampler learns
    unbroken = run(task, budget)

    storage = choose_storage(None, tmp_path).open()
    calls = itertools.count()

    def stop(_):
        if next(calls) == 58:  # five calls a trial
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(task, budget, storage, watch=stop)
    study = run(task, budget, storage)
    assert not any(t.state.name in {"RUNNING", "WAITING"} for t in study.trials)
    assert len(study.trials) == 15  # the lost one too
    assert [o[2:] for o in outcomes(study)] == [o[2:] for o in outcomes(unbroken)]
    close_storage(storage)


def test_no_configuration_is_evaluated_twice_and_an_exhausted_space_ends_the_study(digits):
    space = {"classifier__n_neighbors": [1, 3, 5], "classifier__weights": ["uniform", "distance"]}
    task = a_task(digits, space, model=neighbors())
    for sampler in ("tpe", "random", "grid"):
        study = run(task, Budget(30, sampler=sampler))
        tried = [tuple(trial.params.values()) for trial in finished_trials(study)]
        assert len(tried) == len(set(tried)) == 6, sampler
        skipped = [t for t in study.trials if t not in finished_trials(study)]
        assert all(t.user_attrs["skipped"].startswith("same as trial") for t in skipped)


@pytest.mark.parametrize("sampler", ["random", "tpe", "cmaes"])
def test_samplers_and_that_more_trials_extend_a_study(digits, sampler):
    space = {
        "classifier__p": {"low": 1.0, "high": 3.0, "log": True},
        "classifier__n_neighbors": {"low": 1, "high": 30},
    }
    task = a_task(digits, space, model=neighbors())
    study = run(task, Budget(3, sampler=sampler))
    run_trials(study, task, Budget(5, sampler=sampler))
    run_trials(study, task, Budget(5, sampler=sampler))
    assert len(study.trials) == 5
    assert len({trial.params["classifier__p"] for trial in study.trials}) == 5


def test_time_budget(digits):
    task = a_task(digits, {"classifier__p": {"low": 1.0, "high": 3.0}}, model=neighbors())
    assert run(task, Budget(5, deadline=time.time() - 1)).trials[0].state.name == "WAITING"


def test_two_objectives_and_their_front(digits):
    task = a_task(
        digits,
        {"classifier__hidden_units": [[2], [4], [32]]},
        epochs=3,
        objectives=("accuracy", "n_parameters"),
    )
    study = run(task, Budget(3, sampler="grid"))
    sizes = {t.params["classifier__hidden_units"]: t.values[1] for t in study.trials}
    assert sizes == {f"[{n}]": 64 * n + n + 10 * n + 10 for n in (2, 4, 32)}
    front = {t.params["classifier__hidden_units"] for t in study.best_trials}
    assert "[2]" in front  # nothing is smaller
    assert best_trial(study).values[0] == max(t.values[0] for t in study.trials)


def test_objectives_by_name():
    assert directions(["accuracy", "log_loss", "fit_time"]) == ["maximize", "minimize", "minimize"]
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        directions(["acuracy"])
    with pytest.raises(InputError, match="several different"):
        directions(["accuracy", "accuracy"])


def test_a_trial_that_fails_is_a_failed_trial_with_its_reason(digits):
    # Each fold trains on 60 samples.
    space = {"classifier__n_neighbors": [5, 100]}
    study = run(a_task(digits, space, model=neighbors()), Budget(2, sampler="grid"))
    trials = {t.params["classifier__n_neighbors"]: t for t in finished_trials(study)}
    assert trials[5].state.name == "COMPLETE"
    assert trials[100].state.name == "FAIL"
    assert "n_neighbors" in trials[100].user_attrs["error"]


def test_a_study_of_nothing_but_failures_is_refused(digits):
    space = {"classifier__widths": [[2] * 5, [3] * 5, [4] * 5, [5] * 5]}
    cnn = make_model("cnn")
    with pytest.raises(InputError, match=r"The first 3 trials all failed; the first one: .*8×8"):
        run(a_task(digits, space, model=cnn), Budget(4, sampler="grid"))


def test_a_study_of_other_data_folds_or_space_is_not_continued(digits):
    storage = optuna.storages.InMemoryStorage()
    space = {"classifier__p": [1.0, 2.0]}
    task = a_task(digits, space, model=neighbors())
    run(task, Budget(1), storage)
    other_space = a_task(digits, {"classifier__p": [1.0, 3.0]}, model=neighbors())
    other_folds = a_task(digits, space, model=neighbors(), n_folds=3)
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
    task = a_task(digits, space, model=neighbors())
    with pytest.raises(InputError, match=pattern):
        open_study(task, budget, None, "study", {})


def test_the_trial_of_a_killed_process_is_run_again(digits, tmp_path):
    task = a_task(digits, {"classifier__p": {"low": 1.0, "high": 3.0}}, model=neighbors())
    spec = choose_storage(None, tmp_path)
    storage = spec.open()
    budget = Budget(3)
    study = open_study(task, budget, storage, "study", study_identity(task, DATA))
    lost = study.ask()
    task.space.suggest(lost)  # and then its process was gone
    assert reclaim(study, is_stale=lambda _: True) == [0]
    run_trials(study, task, budget)
    assert len(finished_trials(study)) == 3
    assert study.trials[0].state.name == "FAIL"
    assert not any(t.state.name in {"RUNNING", "WAITING"} for t in study.trials)
    again = [t for t in finished_trials(study) if t.params == lost.params]
    assert len(again) == 1
    close_storage(storage)


def kill_once(path):
    """Return a watcher that kills the worker of a running trial, and writes down which."""

    def watch(study):
        if path.exists():
            return
        running = [t for t in counted_trials(study) if t.state.name == "RUNNING"]
        mine = process_name().rpartition(":")[0]
        for trial in running:
            host, _, pid = trial.user_attrs.get("worker", "").rpartition(":")
            if host == mine and trial.intermediate_values:
                path.write_text(str(trial.number))
                os.kill(int(pid), signal.SIGKILL)
                return

    return watch


@pytest.mark.parametrize("kind", ["journal", "postgresql"])
def test_two_workers_finish_a_study_though_one_is_killed(digits, tmp_path, request, kind):
    url = None if kind == "journal" else request.getfixturevalue("postgresql_url")
    spec = choose_storage(url, tmp_path, n_workers=2)
    X, y = digits
    task = a_task((X[:200], y[:200]), RATES, epochs=3)
    budget = Budget(4, sampler="random")
    storage = spec.open()
    study = open_study(task, budget, storage, "study", study_identity(task, DATA))
    victim = tmp_path / "victim"
    run_workers(study, task, budget, spec, n_workers=2, n_threads=1, watch=kill_once(victim))
    assert len(finished_trials(study)) == 4
    assert not any(t.state.name in {"RUNNING", "WAITING"} for t in study.trials)
    killed = study.trials[int(victim.read_text())]
    assert killed.state.name == "FAIL"
    again = [t for t in finished_trials(study) if t.params == killed.params]
    assert len(again) == 1
    rates = [t.params["classifier__learning_rate"] for t in finished_trials(study)]
    assert len(set(rates)) == 4
    assert len({t.user_attrs["worker"] for t in study.trials}) >= 2
    close_storage(storage)


def test_workers_say_what_they_refuse(digits, tmp_path):
    space = {"classifier__widths": [[2] * 5, [3] * 5, [4] * 5, [5] * 5]}
    task = a_task(digits, space, model=make_model("cnn"))
    spec = choose_storage(None, tmp_path, n_workers=2)
    storage = spec.open()
    study = open_study(task, Budget(4), storage, "study", study_identity(task, DATA))
    with pytest.raises(InputError, match="The first 3 trials all failed"):
        run_workers(study, task, Budget(4), spec, n_workers=1, n_threads=1)
    close_storage(storage)


def test_search_as_estimator(digits, tmp_path):
    X, y = digits
    names = np.array([f"digit {label}" for label in y])
    search = StudySearchCV(
        a_task(digits, RATES).estimator,
        {"classifier__hidden_units": [[2], [16]]},
        n_trials=2,
        cv=2,
        sampler="grid",
        storage=tmp_path,
        random_state=3,
    )
    search.fit(X[:200], names[:200])
    assert search.best_params_ == {"classifier__hidden_units": [16]}
    assert search.best_estimator_.get_params()["classifier__hidden_units"] == [16]
    assert search.classes_.tolist() == sorted(set(names))
    assert search.predict_proba(X[200:]).shape == (200, 10)
    assert search.score(X[200:], names[200:]) > 0.3
    again = StudySearchCV(**search.get_params(deep=False)).fit(X[:200], names[:200])
    assert again.study_.trials == search.study_.trials  # from the file
    assert len(list(tmp_path.iterdir())) == 1
    assert np.array_equal(again.predict_proba(X), search.predict_proba(X))


def test_nested_cross_validation_says_what_won_and_never_shows_the_study_the_scored_fold(
    digits, tmp_path
):
    from cifar_sk.evaluation import FoldEvent, cross_validate_oof
    from cifar_sk.runs.folder import RunFolder

    X, y = digits
    search = StudySearchCV(
        neighbors(),
        {"classifier__n_neighbors": [1, 150]},
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
        sizes.append(study.user_attrs["identity"]["data"]["n_samples"])
        close_storage(storage)
    assert sorted(sizes) == sorted(len(y) - len(fold.test_index) for fold in result.folds)
