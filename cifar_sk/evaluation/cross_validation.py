"""The fold loop: any scikit-learn classifier in, out-of-fold predictions out."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sklearn.model_selection import check_cv
from threadpoolctl import threadpool_limits

from cifar_sk.errors import InputError
from cifar_sk.evaluation.engines.processes import run_parallel
from cifar_sk.evaluation.fold_task import (
    FoldEvent,
    FoldTask,
    Listener,
    check_saveable,
    fit_and_predict,
    refusal,
)
from cifar_sk.folds.evaluation import Evaluation
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.folds.splits import Split, make_splits, splits_of

__all__ = ["FoldStore", "as_splits", "collect_result", "cross_validate_oof"]


class FoldStore(Protocol):
    """Where finished folds are kept, such as a run folder."""

    def begin(self, evaluation: Evaluation) -> None:
        """Take note of what is evaluated, before anything else is asked."""

    def completed(self) -> dict[int, FoldResult]:
        """Return the folds that are there already, by index."""

    def staging(self, index: int) -> Path:
        """Return an empty folder that becomes part of the fold when it is committed."""

    def commit(self, result: FoldResult) -> None:
        """Keep a fold for good, at once or not at all."""

    def end(self, result: OOFResult) -> None:
        """Take note of how the evaluation ended."""


def cross_validate_oof(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    groups: Any = None,
    random_state: int = 0,
    class_names: Sequence[str] | None = None,
    holdout: tuple[Any, Any] | None = None,
    n_jobs: int = 1,
    n_threads: int | None = None,
    store: FoldStore | str | Path | None = None,
    save_models: bool = False,
    listener: Listener | None = None,
) -> OOFResult:
    """Fit a clone on every training fold and predict the fold that it has not seen.

    Parameters
    ----------
    estimator : classifier or pipeline
        With ``predict_proba``. Never fitted itself.
    X : array-like of shape (n_samples, ...)
        Samples; anything that an index array can index.
    y : array-like of shape (n_samples,)
        Labels, numbers or strings.
    cv : int, list of Split, or splitter, default=5
        A number of stratified folds (shuffled by `random_state`), folds as `make_splits`
        makes them, or a scikit-learn splitter whose folds predict every sample once per repeat.
    groups : array-like of shape (n_samples,), default=None
        Samples of one group never stand on both sides of a fold.
    random_state : int, default=0
        The run's seed. Every ``random_state`` in `estimator` that is None gets one of its own
        in every fold; integers are used as they are. Augmentation steps in front of a
        classifier of ours take theirs from it.
    class_names : sequence of str, default=None
        What to call the sorted labels; their own text by default.
    holdout : (X, y), default=None
        An official test split, which every fold's model predicts as well. It has no other part.
    n_jobs : int, default=1
        Folds at a time; above 1 each runs in a process of its own, started afresh.
    n_threads : int, default=None
        Threads of each worker process. By default what this process would use,
        ``TF_NUM_INTRAOP_THREADS`` (on PyTorch ``OMP_NUM_THREADS``, on JAX ``NPROC``) or the
        processor count, however many jobs: sums of floats depend on the number of threads, and
        the tables must not depend on `n_jobs`.
    store : FoldStore or path, default=None
        Keeps finished folds; those that it holds already are not computed again. A path is a run
        folder, which is made, or continued where it holds the same run.
    save_models : bool, default=False
        Whether `store` keeps the fitted classifiers.
    listener : callable, default=None
        Called with a `FoldEvent` when a fold begins, an epoch ends and a fold ends. What it
        raises ends the evaluation (with ``n_jobs=1``).

    Returns
    -------
    OOFResult
        A fold that raised, or predicted what is not finite, is in it with its reason.

    Raises
    ------
    InputError
        If an argument cannot be used, or if no fold has succeeded before one refuses a
        parameter or its data.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> result = cross_validate_oof(LogisticRegression(max_iter=1000), X, y)
    >>> result.oof_proba.shape
    (150, 3)
    """
    if isinstance(store, str | Path):
        from cifar_sk.runs.folder import RunFolder

        with RunFolder.open(store, resume=Path(store, "run.json").exists()) as folder:
            return cross_validate_oof(
                estimator,
                X,
                y,
                cv=cv,
                groups=groups,
                random_state=random_state,
                class_names=class_names,
                holdout=holdout,
                n_jobs=n_jobs,
                n_threads=n_threads,
                store=folder,
                save_models=save_models,
                listener=listener,
            )
    y = np.asarray(y)
    classes = np.unique(y)
    _check_arguments(estimator, X, y, class_names, classes, holdout)
    if save_models:
        check_saveable(estimator)
    evaluation = Evaluation(
        estimator=estimator,
        X=X,
        y=y,
        splits=as_splits(cv, y, groups, random_state),
        random_state=random_state,
        class_names=tuple(map(str, classes if class_names is None else class_names)),
        holdout=holdout,
        engine="processes" if n_jobs > 1 else "serial",
        n_jobs=n_jobs,
        n_threads=n_threads,
        save_models=save_models,
    )
    if store is not None:
        store.begin(evaluation)
    result = _evaluate(evaluation, store, listener)
    if store is not None:
        store.end(result)
    return result


def _evaluate(
    evaluation: Evaluation, store: FoldStore | None, listener: Listener | None
) -> OOFResult:
    """Run the folds that the store does not hold."""
    X, y, splits = evaluation.X, evaluation.y, evaluation.splits
    holdout_X, holdout_y = evaluation.holdout or (None, None)
    classes = np.unique(y)
    task = FoldTask(evaluation.estimator, X, y, classes, evaluation.random_state, holdout_X)
    done = store.completed() if store is not None else {}
    _check_stored(done, splits)
    todo = [split for split in splits if split.index not in done]
    n_jobs, n_threads = evaluation.n_jobs or 1, evaluation.n_threads
    models = store if evaluation.save_models else None
    for result in _run(task, todo, n_jobs, n_threads, models, listener):
        unusable = refusal(result)
        if unusable is not None and not any(not fold.failed for fold in done.values()):
            raise InputError(unusable)  # it will hardly do in the other folds
        if store is not None and not result.failed:
            store.commit(result)
        done[result.index] = result
        if listener is not None:
            listener(FoldEvent(result.index, result=result))
    return collect_result(done, y, splits, class_names=evaluation.class_names, holdout_y=holdout_y)


def collect_result(
    folds: Mapping[int, FoldResult],
    y: Any,
    splits: Sequence[Split],
    *,
    class_names: Sequence[str] | None = None,
    holdout_y: Any = None,
) -> OOFResult:
    """Put folds together, also those of a run that was interrupted.

    Parameters
    ----------
    folds : mapping of int to FoldResult
        What there is, by index.
    y : array-like of shape (n_samples,)
        Labels.
    splits : sequence of Split
        All folds of the run.
    class_names, holdout_y
        As in `cross_validate_oof`, but for `holdout_y`, which is the test split's labels.

    Returns
    -------
    OOFResult
    """
    classes = np.unique(y)
    names = classes if class_names is None else class_names
    return OOFResult(
        target=np.searchsorted(classes, y),
        classes=classes,
        class_names=tuple(str(name) for name in names),
        n_folds=max(split.fold for split in splits) + 1,
        n_repeats=max(split.repeat for split in splits) + 1,
        folds=tuple(folds[index] for index in sorted(folds)),
        holdout_target=None if holdout_y is None else np.searchsorted(classes, holdout_y),
    )


def as_splits(cv: Any, y: np.ndarray, groups: Any, random_state: int) -> list[Split]:
    """List the folds that a ``cv`` argument means.

    Parameters
    ----------
    cv, groups, random_state
        As for `cross_validate_oof`.
    y : ndarray of shape (n_samples,)
        Labels.

    Returns
    -------
    list of Split
    """
    if isinstance(cv, list) and all(isinstance(split, Split) for split in cv):
        return cv
    if isinstance(cv, Integral):
        return make_splits(y, n_folds=int(cv), groups=groups, random_state=random_state)
    return splits_of(check_cv(cv, y, classifier=True), y, groups)


def _check_stored(done: Mapping[int, FoldResult], splits: Sequence[Split]) -> None:
    """Refuse stored folds that are not folds of this run."""
    tested = {split.index: split.test for split in splits}
    for index, fold in done.items():
        if index not in tested or not np.array_equal(fold.test_index, tested[index]):
            raise InputError(
                f"The store holds a fold {index} of other splits; use another store, or the "
                f"splits that it was made with."
            )


def _check_arguments(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    class_names: Sequence[str] | None,
    classes: np.ndarray,
    holdout: tuple[Any, Any] | None,
) -> None:
    if not hasattr(estimator, "predict_proba"):
        raise InputError(
            f"{type(estimator).__name__} has no predict_proba, which the metrics need; "
            f"wrap it in CalibratedClassifierCV."
        )
    if len(X) != len(y):
        raise InputError(f"X has {len(X)} samples, but y has {len(y)}.")
    if class_names is not None and len(class_names) != len(classes):
        raise InputError(f"There are {len(class_names)} class names for {len(classes)} classes.")
    if holdout is not None and len(holdout[0]) != len(holdout[1]):
        raise InputError(
            f"The test split has {len(holdout[0])} samples, but {len(holdout[1])} labels."
        )
    if holdout is not None and not np.isin(holdout[1], classes).all():
        raise InputError("The test split has classes that the training data does not have.")


def _run(
    task: FoldTask,
    todo: Sequence[Split],
    n_jobs: int,
    n_threads: int | None,
    models: FoldStore | None,
    listener: Listener | None,
) -> Iterator[FoldResult]:
    def save_to(split: Split) -> Path | None:
        return None if models is None else models.staging(split.index)

    if n_jobs > 1 and len(todo) > 1:
        yield from run_parallel(task, todo, n_jobs, n_threads, save_to, listener)
        return
    for split in todo:
        with threadpool_limits(n_threads):
            yield fit_and_predict(task, split, save_to(split), listener)
        gc.collect()  # a fitted network is a cycle, which may hold a lot
