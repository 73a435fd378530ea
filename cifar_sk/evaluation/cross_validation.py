"""The fold loop: any scikit-learn classifier in, out-of-fold predictions out."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.evaluation.engines.base import Engine, FoldWork, choose_engine
from cifar_sk.evaluation.fold_task import FoldEvent, FoldTask, Listener, refusal
from cifar_sk.evaluation.inputs import (
    as_holdout,
    as_labels,
    as_params,
    as_samples,
    check_arguments,
    routed_fit_params,
)
from cifar_sk.folds.evaluation import Evaluation
from cifar_sk.folds.groups import group_numbers
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.folds.splits import Split, as_splits, check_groups_apart
from cifar_sk.folds.steps import (
    check_augmentation_order,
    check_resampling,
    check_saveable,
    groups_params,
)
from cifar_sk.leaks.auditing import warn_of_leaks

__all__ = ["AllFitsFailedError", "FoldStore", "collect_result", "cross_validate_oof"]


class AllFitsFailedError(InputError):
    """Every fold failed, as a wrong parameter makes them; `result` has the reason of each."""

    def __init__(self, result: OOFResult) -> None:
        reasons = list(dict.fromkeys(fold.error for fold in result.failed))
        fits = "The only fit" if len(result.failed) == 1 else f"All the {len(result.failed)} fits"
        others = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
        super().__init__(f"{fits} failed: {reasons[0]}{others}")
        self.result = result


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
    n_seeds: int = 1,
    random_state: int = 0,
    class_names: Sequence[str] | None = None,
    holdout: tuple[Any, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    scoring: None = None,
    engine: Engine | str | None = None,
    n_jobs: int | None = None,
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
    X : array-like, DataFrame, sparse matrix or list of shape (n_samples, ...)
        Samples; folds are taken of them as scikit-learn takes them.
    y : array-like of shape (n_samples,)
        Labels, numbers or strings.
    cv : int, list of Split, or splitter, default=5
        A number of stratified folds (shuffled by `random_state`), folds as `make_splits`
        makes them, or a scikit-learn splitter whose folds predict every sample once per repeat.
    groups : array-like of shape (n_samples,), default=None
        Samples of one group never stand on both sides of a fold. The groups are kept with the
        result, and given to `fit` where the estimator, or the last step of a pipeline, takes
        ``groups`` there, so that splits inside the training fold follow them too.
    n_seeds : int, default=1
        Fits of every fold, each with other training seeds; the first is the same however many
        follow. Folds of `make_splits` bring their own number.
    random_state : int, default=0
        The run's seed. Every ``random_state`` in `estimator` that is None gets one of its own
        in every fold; integers are used as they are. Augmentation steps in front of a
        classifier of ours take theirs from it.
    class_names : sequence of str, default=None
        What to call the sorted labels, each by a name of its own; their own text by default.
    holdout : (X, y), default=None
        An official test split, which every fold's model predicts as well. It has no other part.
    params : dict, default=None
        What ``fit`` is given besides, as for scikit-learn's `cross_validate`:
        ``{"sample_weight": w}``, or ``"step__sample_weight"`` for the step of a pipeline; routed
        where scikit-learn's metadata routing is enabled. What has a row per sample is cut by
        fold. Weights act in training only: metrics count every sample once.
    scoring : None
        Refused: `cifar_sk.metrics.fold_metrics` scores the result by all of
        `cifar_sk.metrics.METRICS`, and a metric of your own is registered there.
    engine : str or Engine, default=None
        Where folds run: "serial" (one after another, in this process), "processes" (started
        afresh), "threads", or an engine of your own, registered or not. By default serial for
        one job, and otherwise processes or what ``joblib.parallel_config`` names.
    n_jobs : int, default=None
        Folds at a time; -1 is all processors. None means 1, unless ``joblib.parallel_config``
        says otherwise. The tables depend on neither `n_jobs` nor `engine`.
    n_threads : int, default=None
        Threads of each fold. By default what this process would use,
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
        raises ends the evaluation.

    Returns
    -------
    OOFResult
        A fold that raised, or predicted what is not finite, is in it with its reason.

    Raises
    ------
    InputError
        If an argument cannot be used, if no fold has succeeded before one refuses a parameter
        or its data, or if every fold fails (`AllFitsFailedError`, which has the result).
    ChildProcessError
        If a worker process dies.

    Warns
    -----
    UserWarning
        If a step resamples before a classifier of ours holds out what early stopping watches.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> result = cross_validate_oof(LogisticRegression(max_iter=1000), X, y)
    >>> result.oof_proba.shape
    (150, 3)
    """
    X, y, holdout = as_samples(X), as_labels(y), as_holdout(holdout)
    classes = np.unique(y)
    check_arguments(estimator, X, y, class_names, classes, holdout, scoring)
    check_augmentation_order(estimator)
    check_resampling(estimator)
    if save_models:
        check_saveable(estimator)
    numbers = None if groups is None else group_numbers(groups, len(y))
    splits = as_splits(cv, y, groups, random_state, n_seeds)
    if numbers is not None:
        check_groups_apart(splits, numbers)
    params = {**groups_params(estimator, numbers), **as_params(params)}
    name, chosen, n_jobs = choose_engine(engine, n_jobs)
    evaluation = Evaluation(
        estimator=estimator,
        X=X,
        y=y,
        splits=splits,
        random_state=random_state,
        class_names=tuple(map(str, classes if class_names is None else class_names)),
        holdout=holdout,
        fit_params=routed_fit_params(estimator, params, len(y)),
        engine=name,
        n_jobs=n_jobs,
        n_threads=n_threads,
        save_models=save_models,
        groups=numbers,
    )
    warn_of_leaks(evaluation)
    with _opened(store) as folder:
        if folder is not None:
            folder.begin(evaluation)
        result = _evaluate(evaluation, chosen, folder, listener)
        if folder is not None:
            folder.end(result)
        if result.failed and not result.scored:
            raise AllFitsFailedError(result)
        return result


@contextmanager
def _opened(store: FoldStore | str | Path | None) -> Iterator[FoldStore | None]:
    if not isinstance(store, str | Path):
        yield store
        return
    from cifar_sk.runs.folder import RunFolder

    with RunFolder.open(store, resume=True) as folder:
        yield folder


def _evaluate(
    evaluation: Evaluation, engine: Engine, store: FoldStore | None, listener: Listener | None
) -> OOFResult:
    """Run the folds that the store does not hold."""
    done = store.completed() if store is not None else {}
    _check_stored(done, evaluation.splits)
    work = _missing_folds(evaluation, done, store)

    def tell(event: FoldEvent) -> None:
        if listener is not None and event.index not in done:
            listener(event)

    with closing(engine.run(work, tell) if work.splits else _no_results()) as results:
        for result in results:
            if result.index not in done:  # an engine may have tried a fold twice
                _refuse_unusable(result, done)
                if store is not None and not result.failed:
                    store.commit(result)
                tell(FoldEvent(result.index, result=result))
                done[result.index] = result
    lost = [split.index for split in work.splits if split.index not in done]
    if lost:
        raise ChildProcessError(f"The engine {evaluation.engine} ended without folds {lost}")
    return collect_result(
        done,
        evaluation.y,
        evaluation.splits,
        class_names=evaluation.class_names,
        holdout_y=evaluation.holdout and evaluation.holdout[1],
        groups=evaluation.groups,
    )


def _no_results() -> Generator[FoldResult, None, None]:
    """Yield nothing: a run that was finished before asks no engine."""
    yield from ()


def _missing_folds(
    evaluation: Evaluation, done: Mapping[int, FoldResult], store: FoldStore | None
) -> FoldWork:
    task = FoldTask(
        evaluation.estimator,
        evaluation.X,
        evaluation.y,
        np.unique(evaluation.y),
        evaluation.random_state,
        evaluation.holdout and evaluation.holdout[0],
        evaluation.fit_params,
    )
    models = store if evaluation.save_models else None
    return FoldWork(
        task,
        [split for split in evaluation.splits if split.index not in done],
        evaluation.n_jobs or 1,
        evaluation.n_threads,
        lambda split: None if models is None else models.staging(split.index),
    )


def _refuse_unusable(result: FoldResult, done: Mapping[int, FoldResult]) -> None:
    """Raise what a fold refuses, for it will hardly do in the others, unless one has succeeded."""
    unusable = refusal(result)
    if unusable is not None and all(fold.failed for fold in done.values()):
        raise InputError(unusable)


def collect_result(
    folds: Mapping[int, FoldResult],
    y: Any,
    splits: Sequence[Split],
    *,
    class_names: Sequence[str] | None = None,
    holdout_y: Any = None,
    groups: Any = None,
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
    class_names, holdout_y, groups
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
        n_seeds=max(split.seed for split in splits) + 1,
        folds=tuple(folds[index] for index in sorted(folds)),
        holdout_target=None if holdout_y is None else np.searchsorted(classes, holdout_y),
        groups=None if groups is None else group_numbers(groups, len(y)),
    )


def _check_stored(done: Mapping[int, FoldResult], splits: Sequence[Split]) -> None:
    """Refuse stored folds that are not folds of this run."""
    tested = {split.index: split.test for split in splits}
    for index, fold in done.items():
        if index not in tested or not np.array_equal(fold.test_index, tested[index]):
            raise InputError(
                f"The store holds a fold {index} of other splits; use another store, or the "
                f"splits that it was made with."
            )
