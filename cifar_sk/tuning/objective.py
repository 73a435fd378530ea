"""One trial: a pipeline with the trial's parameters through all folds, reporting every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import optuna
from sklearn.base import clone

from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.evaluation import FoldEvent, cross_validate_oof
from cifar_sk.evaluation.fold_task import Listener, refusal
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.folds.splits import Split
from cifar_sk.metrics.scores import METRICS, score_predictions
from cifar_sk.pipelines.models import check_network, set_params
from cifar_sk.tuning.pruning import step_of
from cifar_sk.tuning.spaces import SearchSpace
from cifar_sk.tuning.study_view import StudyView, record

__all__ = ["NoValueError", "Objective", "TuningTask", "directions", "most_epochs"]

# Objectives beside the metrics: what a model costs. Both are minimised.
_COSTS = ("n_parameters", "fit_time")


@dataclass(frozen=True)
class TuningTask:
    """The pipeline, the space and the data of a study; sent to worker processes."""

    # All trials have the same folds and the same seed, so that what differs are the parameters.
    estimator: Any  # a pipeline, cloned for every trial
    space: SearchSpace
    X: Any
    y: np.ndarray
    splits: Sequence[Split]
    objectives: tuple[str, ...] = ("accuracy",)
    random_state: int = 0
    groups: np.ndarray | None = None  # never on both sides of a split, also of those inside fits


def directions(objectives: Sequence[str]) -> list[Literal["maximize", "minimize"]]:
    """Return which way each objective points, as Optuna calls it."""
    known = [*METRICS, *_COSTS]
    for name in objectives:
        if name not in known:
            raise InputError(
                f"There is no objective {name!r}{did_you_mean(name, known)}; "
                f"there are {', '.join(known)}."
            )
    if not objectives or len(set(objectives)) < len(objectives):
        raise InputError("A study needs one objective or several different ones.")
    return ["maximize" if _is_maximized(name) else "minimize" for name in objectives]


def _is_maximized(objective: str) -> bool:
    return objective in METRICS and METRICS[objective].greater_is_better


def most_epochs(estimator: Any, space: SearchSpace) -> int:
    """Return the most epochs that a fold of any trial can have; 1 for what has no epochs."""
    if "classifier__epochs" in space.names:
        return int(space.highest("classifier__epochs"))
    return int(estimator.get_params().get("classifier__epochs", 1))


class NoValueError(Exception):
    """Ends a trial that could not be evaluated, or need not be run; the study goes on."""


@dataclass
class Objective:
    """Called by Optuna with a trial; `has_skipped` says whether the last one was skipped."""

    task: TuningTask
    n_trials: int
    worker: str
    listener: Listener | None = None
    has_skipped: bool = False
    _number: int | None = None

    def __call__(self, trial: optuna.Trial) -> tuple[float, ...]:
        """Evaluate a trial: a value for each objective, or what says why there is none."""
        self.has_skipped = False
        self._number = trial.number
        record(trial, worker=self.worker)
        params = self.task.space.suggest(trial)
        self._skip_if_needless(trial, params)
        run = _Run(self.task, trial, self.listener)
        try:
            return run.evaluate(self._pipeline(params))
        except InputError as error:
            record(trial, error=str(error))
            raise NoValueError(str(error)) from error
        finally:
            record(trial, fold_scores=run.scores, n_epochs=run.n_epochs)
            record(trial, n_parameters=run.n_parameters, fit_time=run.fit_time)

    def lost_trial(self, study: optuna.Study) -> optuna.trial.FrozenTrial | None:
        """Return the last trial if it was failed without having come to an end of its own."""
        lost = StudyView(study).in_state("lost")
        return next((trial.frozen for trial in lost if trial.number == self._number), None)

    def _pipeline(self, params: Mapping[str, Any]) -> Any:
        task = self.task
        pipeline = set_params(clone(task.estimator), task.space.decode(params))
        shape = task.X.shape if hasattr(task.X, "shape") else np.shape(task.X)
        check_network(pipeline, shape[1:], len(np.unique(task.y)))
        return pipeline

    def _skip_if_needless(self, trial: optuna.Trial, params: Mapping[str, Any]) -> None:
        before = [t for t in StudyView(trial.study).counted if t.number < trial.number]
        same = [other.number for other in before if other.params == params]
        if same:
            reason = f"same as trial {same[0]}"
        elif len(before) >= self.n_trials:  # another worker was faster
            reason = "one trial too many"
        else:
            return
        record(trial, skipped=reason)
        self.has_skipped = True
        raise NoValueError(reason)


@dataclass
class _Run:
    """A trial on its way through the folds; the fold loop's listener."""

    task: TuningTask
    trial: optuna.Trial
    listener: Listener | None
    scores: list[dict[str, float]] = field(default_factory=list)
    n_epochs: list[int] = field(default_factory=list)
    fit_time: float = 0.0
    n_parameters: int | None = None

    def evaluate(self, pipeline: Any) -> tuple[float, ...]:
        task = self.task
        cross_validate_oof(
            pipeline,
            task.X,
            task.y,
            cv=list(task.splits),
            groups=task.groups,
            random_state=task.random_state,
            engine="serial",  # pruning compares folds in their order
            listener=self,
        )
        values = {"n_parameters": float(self.n_parameters or 0), "fit_time": self.fit_time}
        values |= {name: self.mean(name) for name in self.scores[0]}
        return tuple(values[name] for name in task.objectives)

    def mean(self, name: str) -> float:
        return float(np.mean([score[name] for score in self.scores]))

    def __call__(self, event: FoldEvent) -> None:
        if self.listener is not None:
            self.listener(event)
        if event.result is not None:
            self.end_fold(event.result)
        elif event.epoch is not None:
            self.n_epochs[-1] = event.epoch.epoch
            self.report_epoch(event.epoch.epoch, event.epoch.logs)
        else:
            self.n_epochs.append(0)

    def end_fold(self, fold: FoldResult) -> None:
        if fold.failed:
            if refused := refusal(fold):
                raise InputError(refused)
            record(self.trial, error=f"fold {fold.index}: {fold.error}")
            raise NoValueError(fold.error)
        target = np.searchsorted(np.unique(self.task.y), self.task.y[fold.test_index])
        scores = score_predictions(target, np.asarray(fold.proba))
        self.scores.append({name: scores[name] for name in self.task.objectives if name in scores})
        self.fit_time += fold.fit_time
        self.n_parameters = fold.n_parameters
        if self.prunes:
            self.report(self.mean(self.task.objectives[0]), len(self.scores) - 1, None)

    @property
    def prunes(self) -> bool:
        return len(self.task.objectives) == 1 and self.task.objectives[0] in METRICS

    def report_epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Report the inner validation score, for the scored fold is for the end of the fold."""
        name = self.task.objectives[0]
        value = logs.get("val_accuracy" if _is_maximized(name) else "val_loss")
        if not self.prunes or value is None:
            return
        done = [score[name] for score in self.scores]
        self.report(float(np.mean([*done, value])), len(done), epoch)

    def report(self, value: float, fold: int, epoch: int | None) -> None:
        epochs_per_fold = most_epochs(self.task.estimator, self.task.space)
        self.trial.report(value, step_of(fold, epoch, epochs_per_fold))
        has_ended = len(self.scores) == len(self.task.splits)
        if not has_ended and self.trial.should_prune():
            raise optuna.TrialPruned
