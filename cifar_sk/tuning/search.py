"""A study as a scikit-learn search: ``fit`` tunes, then fits the best pipeline."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import optuna
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

from cifar_sk.evaluation.inputs import as_labels, as_samples
from cifar_sk.folds.groups import group_numbers
from cifar_sk.folds.progress import EpochEnd, current_listener, listening
from cifar_sk.folds.splits import as_splits, check_groups_apart
from cifar_sk.folds.steps import groups_params, seeded_clone
from cifar_sk.pipelines.models import set_params
from cifar_sk.runs.files import lock_folder, make_folder
from cifar_sk.runs.fingerprints import samples_fingerprint, value_fingerprint
from cifar_sk.runs.manifest import SplitRecord, pipeline_description
from cifar_sk.tuning.engine import Budget, Watch, open_study, run_trials
from cifar_sk.tuning.lost_trials import reclaim
from cifar_sk.tuning.objective import TuningTask
from cifar_sk.tuning.spaces import SearchSpace
from cifar_sk.tuning.storage import choose_storage, close_storage
from cifar_sk.tuning.study_view import StudyView, in_memory

__all__ = ["StudySearchCV", "study_identity"]


def study_identity(task: TuningTask, data: Mapping[str, Any]) -> dict[str, Any]:
    """Say in JSON values what must be equal for a study to be continued."""
    return {
        "data": dict(data),
        "split": SplitRecord.of(task.splits).identity(),
        "pipeline": pipeline_description(task.estimator),
        "space": task.space.to_dict(),
        "objectives": list(task.objectives),
        "seed": task.random_state,
        **({} if task.groups is None else {"groups": value_fingerprint(task.groups)}),
    }


class StudySearchCV(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Search a space by an Optuna study that gives up early on bad trials.

    Like scikit-learn's searches, and unlike them every epoch of every fold reports to a pruner,
    and a study that is kept in a folder goes on where it stopped. Inside `cross_validate_oof`,
    or any cross-validation of scikit-learn's, it is *nested* cross-validation: each outer
    training fold is tuned by itself, and what is scored was never seen by the study.

    Parameters
    ----------
    estimator : classifier or pipeline
        What is tuned; its own parameters are the first trial, if they lie in the space.
    space : dict or SearchSpace
        Ranges and choices by ``step__param``.
    n_trials : int, default=20
        Trials.
    timeout : float or None, default=None
        Seconds after which no trial begins.
    cv : int, list of Split or splitter, default=3
        Folds of the study, as for `cross_validate_oof`.
    scoring : str, default="accuracy"
        Name of a metric of `cifar_sk.metrics.METRICS`.
    sampler : {"tpe", "random", "grid", "cmaes"}, default="tpe"
        Which parameters come next.
    pruner : {"fold", "none"}, default="fold"
        Whether trials are given up.
    storage : path or None, default=None
        Folder in which each ``fit`` keeps its study, in a folder named by data, folds, space
        and seed; with None studies are gone with the process.
    random_state : int or None, default=None
        Seed of the folds, the sampler and the fits.

    Attributes
    ----------
    best_estimator_ : estimator
        Fitted on all that ``fit`` was given.
    best_params_ : dict
        The winning values by ``step__param``.
    best_score_ : float
        Its mean over the study's folds; the best of many, hence optimistic.
    study_ : optuna.Study
        All trials; ``study_.trials_dataframe()`` has a row for each.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_features_in_ : int
        As scikit-learn counts.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import Pipeline
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = Pipeline([("classifier", LogisticRegression(max_iter=1000))])
    >>> search = StudySearchCV(pipeline, {"classifier__C": [0.01, 1, 100]}, random_state=0)
    >>> search.fit(X, y).best_params_
    {'classifier__C': 100}
    """

    def __init__(
        self,
        estimator: Any,
        space: Mapping[str, Any] | SearchSpace,
        *,
        n_trials: int = 20,
        timeout: float | None = None,
        cv: Any = 3,
        scoring: str = "accuracy",
        sampler: str = "tpe",
        pruner: str = "fold",
        storage: str | Path | None = None,
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.n_trials = n_trials
        self.timeout = timeout
        self.cv = cv
        self.scoring = scoring
        self.sampler = sampler
        self.pruner = pruner
        self.storage = storage
        self.random_state = random_state

    # Where scikit-learn routes metadata, groups are asked for unless `set_fit_request` says no.
    __metadata_request__fit: ClassVar[dict[str, Any]] = {"groups": True}

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Run the study, then fit the best pipeline on all of `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples.
        y : array-like of shape (n_samples,)
            Labels.
        groups : array-like of shape (n_samples,), default=None
            Samples of one group never stand on both sides of a fold of the study, nor of the
            splits inside the fits.

        Returns
        -------
        StudySearchCV
            Itself.

        Raises
        ------
        InputError
            If something cannot be used, or no trial was completed.
        """
        X, y = as_samples(X), as_labels(y)
        task = self._task(X, y, None if groups is None else group_numbers(groups, len(y)))
        self.classes_ = np.unique(y)
        self.study_ = self._run(task)
        winner = StudyView(self.study_).best
        self.best_score_ = winner.values[0]
        self.best_params_ = task.space.decode(winner.params)
        pipeline = set_params(clone(self.estimator), self.best_params_)
        with listening(None):  # the trials were what there was to tell
            best = seeded_clone(pipeline, task.random_state, 0)
            self.best_estimator_ = best.fit(X, y, **groups_params(best, task.groups))
        self.n_features_in_ = int((X if hasattr(X, "shape") else np.asarray(X)).shape[1])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels, shape (n_samples,), by the best pipeline."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities, shape (n_samples, n_classes), by the best pipeline."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict_proba(X)

    def save(self, folder: str | Path) -> None:
        """Save the best pipeline's classifier in a folder that exists and is empty."""
        check_is_fitted(self, "best_estimator_")
        self.best_estimator_.steps[-1][1].save(folder)

    def _task(self, X: Any, y: np.ndarray, groups: np.ndarray | None) -> TuningTask:
        space = self.space if isinstance(self.space, SearchSpace) else SearchSpace(self.space)
        seed = 0 if self.random_state is None else self.random_state
        splits = as_splits(self.cv, y, groups, seed)
        if groups is not None:
            check_groups_apart(splits, groups)
        return TuningTask(self.estimator, space, X, y, splits, (self.scoring,), seed, groups)

    def _run(self, task: TuningTask) -> optuna.Study:
        deadline = None if self.timeout is None else time.time() + self.timeout
        budget = Budget(self.n_trials, deadline, self.sampler, self.pruner)
        classes, target = np.unique(task.y, return_inverse=True)
        fingerprint, _ = samples_fingerprint(task.X, target, list(map(str, classes)))
        data = {"name": "fit", "n_samples": len(task.y), "fingerprint": fingerprint}
        identity = study_identity(task, data)
        with _storage(self.storage, identity) as storage:
            study = open_study(task, budget, storage, "fit", identity)
            reclaim(study, is_stale=lambda _: True)  # the folder is locked, so they are dead
            run_trials(study, task, budget, watch=_relay(self.n_trials))
            # What stays is readable when the file is closed.
            return study if storage is None else in_memory(study)


def _relay(n_trials: int) -> Watch:
    """Make a watch that tells a listener outside of trials, as a fit tells of epochs."""
    listener, n_told = current_listener(), 0

    def watch(study: optuna.Study) -> None:
        nonlocal n_told
        view = StudyView(study)
        if listener is not None and len(view.ended) > n_told:
            n_told = len(view.ended)
            logs = {"best": view.best.values[0]} if view.complete else {}
            listener(EpochEnd(n_told, n_trials, logs, unit="trial"))

    return watch


@contextmanager
def _storage(
    home: str | Path | None, identity: dict[str, Any]
) -> Iterator[optuna.storages.BaseStorage | None]:
    """Open the storage of a ``fit``, in a folder named by all that makes it what it is."""
    if home is None:
        yield None
        return
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    folder = Path(home) / key
    make_folder(folder)
    with lock_folder(folder):
        storage = choose_storage(None, folder).open()
        try:
            yield storage
        finally:
            close_storage(storage)
