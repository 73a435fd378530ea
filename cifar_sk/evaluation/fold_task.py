"""One fold: a clone fitted on the training samples, and its predictions for the rest.

It knows no Keras. An estimator that keeps ``history_``, ``n_epochs_`` or ``n_parameters_`` has
them recorded, and one that has ``save`` can be saved; nothing else is asked of it but
``fit`` and ``predict_proba``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from cifar_sk.errors import InputError
from cifar_sk.folds.json_values import plain
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.folds.progress import EpochEnd, listening
from cifar_sk.folds.splits import Split
from cifar_sk.pipelines.params import is_left_out

__all__ = [
    "FoldEvent",
    "FoldTask",
    "Listener",
    "check_saveable",
    "fit_and_predict",
    "refusal",
    "seeded_clone",
]

# Seed streams of a run: folds have theirs at (0, index).
_FOLD_STREAM = 0


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
    """What all folds of a run share; sent to worker processes.

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
    """

    estimator: Any
    X: Any
    y: np.ndarray
    classes: np.ndarray
    random_state: int
    holdout_X: Any = None  # noqa: N815  (X is the field's name)


def fit_and_predict(
    task: FoldTask, split: Split, save_to: Path | None, listener: Listener | None
) -> FoldResult:
    """Fit a clone on one training fold, and predict what it has not seen.

    Parameters
    ----------
    task : FoldTask
        The run.
    split : Split
        The fold.
    save_to : Path or None
        Where to save the fitted classifier.
    listener : callable or None
        As in `cross_validate_oof`.

    Returns
    -------
    FoldResult
        With the reason where it failed.
    """
    tell = _Teller(listener, split.index)
    tell(FoldEvent(split.index))
    result = FoldResult(split.index, split.repeat, split.fold, len(split.train), split.test)
    try:
        return _fit_and_predict(task, split, result, save_to, tell)
    except Exception as error:
        if error is tell.raised:
            raise
        text = " ".join(str(error).split()) or "no message"
        return replace(result, error=f"{type(error).__name__}: {text}")


def refusal(result: FoldResult) -> str | None:
    """Return what a fold's estimator had against its input, or None.

    Parameters
    ----------
    result : FoldResult
        A fold that may have failed.

    Returns
    -------
    str or None
        The sentence, where the fold failed because parameters or data cannot be used and not
        because the computation went wrong.
    """
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
    with listening(tell.epoch):
        estimator.fit(task.X[split.train], task.y[split.train])
    fitted = time.perf_counter()
    if tell.raised is not None:  # a search inside the estimator took it for a failed fit
        raise tell.raised
    proba = _aligned_proba(estimator, task.X[split.test], task.classes)
    scored = time.perf_counter()
    holdout_proba = None
    if task.holdout_X is not None:
        holdout_proba = _aligned_proba(estimator, task.holdout_X, task.classes)
    final = _final_step(estimator)
    if save_to is not None:
        final.save(save_to)
    return replace(
        result,
        proba=proba,
        fit_time=fitted - start,
        score_time=scored - fitted,
        history=_history(final),
        n_epochs=getattr(final, "n_epochs_", None),
        n_parameters=getattr(final, "n_parameters_", None),
        n_multiply_adds=getattr(final, "n_multiply_adds_", None),
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
    found = getattr(_final(estimator), "best_params_", None)
    return None if found is None else plain(dict(found))


def _final_step(estimator: Any) -> Any:
    """Return the classifier: the last step, of the best pipeline where a search was fitted."""
    final = _final(estimator)
    return _final(final.best_estimator_) if hasattr(final, "best_estimator_") else final


def _final(estimator: Any) -> Any:
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def check_saveable(estimator: Any) -> None:
    """Refuse pipelines of which the saved classifier alone would not predict the same.

    Parameters
    ----------
    estimator : classifier or pipeline
        Fitted or not.

    Raises
    ------
    InputError
        If the last step has no ``save``, or another step also acts at predict.
    """
    if hasattr(estimator, "estimator") and hasattr(estimator, "save"):  # a search of ours
        estimator = estimator.estimator
    for name, step in getattr(estimator, "steps", [])[:-1]:
        resamples = hasattr(step, "fit_resample")
        if not (resamples or is_left_out(step) or _is_augmentation(step)):
            raise InputError(
                f"Models can be saved where all steps but the last only act in training; "
                f"step {name!r} ({type(step).__name__}) also acts at predict."
            )
    final = _final_step(estimator)
    if not hasattr(final, "save"):
        raise InputError(f"{type(final).__name__} has no save method; leave save_models off.")


def seeded_clone(estimator: Any, random_state: int, index: int) -> Any:
    """Clone an estimator, and seed what has no seed from the run's and the fold's number.

    Parameters
    ----------
    estimator : estimator
        Left as it is.
    random_state : int
        The run's seed.
    index : int
        The fold.

    Returns
    -------
    estimator
        Where a ``random_state`` was None it is an integer now. Augmentation steps in front of
        a classifier that seeds them are left out.
    """
    estimator = clone(estimator)
    inherits = getattr(_final_step(estimator), "_seeds_augmentation", False)
    params = estimator.get_params(deep=True)
    names = sorted(
        name
        for name, value in params.items()
        if name.rpartition("__")[2] == "random_state"
        and value is None
        and not (inherits and _is_augmentation(params.get(name.rpartition("__")[0])))
    )
    sequence = np.random.SeedSequence(random_state, spawn_key=(_FOLD_STREAM, index))
    seeds = sequence.generate_state(len(names)) >> 1  # scikit-learn takes 31 bits
    return estimator.set_params(**dict(zip(names, map(int, seeds), strict=True)))


def _is_augmentation(step: Any) -> bool:
    return getattr(step, "_is_augmentation", False)
