"""One fold: a clone fitted on the training samples, and its predictions for the rest.

It knows no Keras. An estimator that keeps ``history_``, ``n_epochs_``, ``n_parameters_`` or
``n_multiply_adds_`` has them recorded, and one that has ``save`` can be saved; nothing else is
asked of it but ``fit`` and ``predict_proba``.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import config_context, get_config
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import _check_method_params
from threadpoolctl import threadpool_limits

from cifar_sk.errors import InputError
from cifar_sk.folds.json_values import plain
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.folds.progress import EpochEnd, listening
from cifar_sk.folds.splits import Split
from cifar_sk.folds.steps import final_classifier, last_step, seeded_clone
from cifar_sk.registry import pack_registered, unpack_registered

__all__ = ["FoldEvent", "FoldTask", "Listener", "refusal", "run_fold"]


@dataclass(frozen=True)
class FoldEvent:
    """Something that happened in the fold loop.

    Attributes
    ----------
    index : int
        Which fold.
    epoch : EpochEnd or None
        The epoch that ended.
    result : FoldResult or None
        The fold that ended; without either, the fold begins.
    """

    index: int
    epoch: EpochEnd | None = None
    result: FoldResult | None = None


Listener = Callable[[FoldEvent], None]


@dataclass(frozen=True)
class FoldTask:
    """What all folds of a run share; in another process it is unpickled ready for `run_fold`.

    Attributes
    ----------
    estimator : classifier or pipeline
        Cloned for every fold.
    X, y : array-like of shape (n_samples, ...) and ndarray of shape (n_samples,)
        All samples.
    classes : ndarray of shape (n_classes,)
        The sorted labels of `y`.
    random_state : int
        The run's seed.
    holdout_X : array-like or None
        Samples of the official test split.
    fit_params : mapping
        What ``fit`` is given besides; what has a row per sample is cut by fold.
    config : dict
        Scikit-learn's configuration, which other threads and processes do not share.
    """

    estimator: Any
    X: Any
    y: np.ndarray
    classes: np.ndarray
    random_state: int
    holdout_X: Any = None  # noqa: N815  (X is the field's name)
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=get_config)

    def __getstate__(self) -> dict[str, Any]:
        # Networks and the like that a program has registered go along to its workers.
        return {**self.__dict__, "registered": pack_registered()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        unpack_registered(state.pop("registered"))
        self.__dict__.update(state)


def run_fold(
    task: FoldTask,
    split: Split,
    *,
    n_threads: int | None = None,
    save_to: Path | None = None,
    tell: Listener | None = None,
) -> FoldResult:
    """Fit a clone on one training fold, and predict what it has not seen.

    Parameters
    ----------
    task : FoldTask
        The run.
    split : Split
        The fold.
    n_threads : int, default=None
        Threads of linear algebra in this process meanwhile; None leaves them as they are.
    save_to : Path, default=None
        Where to save the fitted classifier.
    tell : callable, default=None
        Called with a `FoldEvent` when the fold begins and when an epoch ends. What it raises
        ends the fit, and is raised here.

    Returns
    -------
    FoldResult
        With the reason where it failed.
    """
    teller = _Teller(tell, split.index)
    n_train, seed = len(split.train), split.seed
    result = FoldResult(split.index, split.repeat, split.fold, n_train, split.test, seed=seed)
    try:
        teller(FoldEvent(split.index))
        with threadpool_limits(n_threads), config_context(**task.config):
            return _fit_and_predict(task, split, result, save_to, teller)
    except Exception as error:
        if error is teller.raised:
            raise
        text = " ".join(str(error).split()) or "no message"
        return replace(result, error=f"{type(error).__name__}: {text}")
    finally:
        gc.collect()  # a fitted network is a cycle, which may hold a lot


def refusal(result: FoldResult) -> str | None:
    """Return the sentence of a fold that failed for its parameters or data, or None."""
    kind, _, text = (result.error or "").partition(": ")
    return text if kind in {InputError.__name__, InvalidParameterError.__name__} else None


class _Teller:
    """Calls the listener, and remembers what that raised, which is no failure of the fold."""

    def __init__(self, listener: Listener | None, index: int) -> None:
        self._listener = listener
        self._index = index
        self.raised: BaseException | None = None

    def __call__(self, event: FoldEvent) -> None:
        if self._listener is None:
            return
        try:
            self._listener(event)
        except BaseException as error:
            self.raised = error
            raise

    def epoch(self, end: EpochEnd) -> None:
        self(FoldEvent(self._index, epoch=end))


def _fit_and_predict(
    task: FoldTask, split: Split, result: FoldResult, save_to: Path | None, tell: _Teller
) -> FoldResult:
    estimator = seeded_clone(task.estimator, task.random_state, split.index)
    start = time.perf_counter()
    train = _safe_indexing(task.X, split.train)
    params = _check_method_params(task.X, task.fit_params, split.train)
    with listening(tell.epoch, fold=split.index):
        estimator.fit(train, task.y[split.train], **params)
    del train, params  # a prediction needs the memory
    fitted = time.perf_counter()
    if tell.raised is not None:  # a search inside the estimator took it for a failed fit
        raise tell.raised
    proba = _aligned_proba(estimator, _safe_indexing(task.X, split.test), task.classes)
    scored = time.perf_counter()
    holdout_proba = None
    if task.holdout_X is not None:
        holdout_proba = _aligned_proba(estimator, task.holdout_X, task.classes)
    classifier = final_classifier(estimator)
    if save_to is not None:
        classifier.save(save_to)
    return replace(
        result,
        proba=proba,
        fit_time=fitted - start,
        score_time=scored - fitted,
        history=_history(classifier),
        n_epochs=getattr(classifier, "n_epochs_", None),
        n_parameters=getattr(classifier, "n_parameters_", None),
        n_multiply_adds=getattr(classifier, "n_multiply_adds_", None),
        best_params=_best_params(estimator),
        holdout_proba=holdout_proba,
    )


def _aligned_proba(estimator: Any, X: Any, classes: np.ndarray) -> np.ndarray:
    """Predict, with a column for each class of the data set, those not trained on at 0."""
    given = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    proba = np.zeros((len(given), len(classes)))
    if given.shape[1] != len(estimator.classes_):
        raise ValueError(
            f"predict_proba has {given.shape[1]} columns for {len(estimator.classes_)} classes"
        )
    proba[:, np.searchsorted(classes, estimator.classes_)] = given
    if not np.isfinite(proba).all():
        raise FloatingPointError("the predicted probabilities are not all finite")
    if proba.min() < 0 or np.abs(proba.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("what is predicted are no probabilities; a network must end in a softmax")
    return proba


def _history(classifier: Any) -> dict[str, list[float]]:
    history = getattr(classifier, "history_", None)
    if not isinstance(history, Mapping):  # other libraries' have other forms
        return {}
    length = max((len(values) for values in history.values()), default=0)
    return {  # what was not recorded in every epoch is padded
        name: [float(value) for value in values] + [float("nan")] * (length - len(values))
        for name, values in history.items()
    }


def _best_params(estimator: Any) -> dict[str, Any] | None:
    """Return what a search chose in this fold, in JSON values; None for other estimators."""
    found = getattr(last_step(estimator), "best_params_", None)
    return None if found is None else plain(dict(found))
