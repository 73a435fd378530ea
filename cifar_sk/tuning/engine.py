"""Running a study: as many trials as asked for, in this process or in several."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError

from cifar_sk.errors import InputError
from cifar_sk.runs.files import differences
from cifar_sk.tuning.lost_trials import reclaim_expired, requeue, retry
from cifar_sk.tuning.objective import NoValueError, Objective, TuningTask, directions, most_epochs
from cifar_sk.tuning.pruning import FoldPruner
from cifar_sk.tuning.samplers import check_sampler, make_sampler
from cifar_sk.tuning.study_view import StudyView, begin_study, quiet_optuna

__all__ = ["PRUNERS", "Budget", "Watch", "check_study", "open_study", "run_trials"]

Watch = Callable[[optuna.Study], None]

PRUNERS: dict[str, Callable[[], optuna.pruners.BasePruner]] = {
    "fold": FoldPruner,
    "none": optuna.pruners.NopPruner,
}

_POLL_SECONDS = 0.5
# A sampler that finds nothing new is helped by chance, and then believed.
_SKIPS_BEFORE_RANDOM = 10
_SKIPS_BEFORE_END = 100
_FAILURES_BEFORE_END = 3


@dataclass(frozen=True)
class Budget:
    """The limits of a study (its deadline as of `time.time`), its sampler and its pruner."""

    n_trials: int = 20
    deadline: float | None = None
    sampler: str = "tpe"
    pruner: str = "fold"

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.deadline is not None and time.time() >= self.deadline


def open_study(
    task: TuningTask,
    budget: Budget,
    storage: optuna.storages.BaseStorage | None,
    name: str,
    identity: dict[str, Any],
) -> optuna.Study:
    """Make a study, or open it to continue; an InputError if it is of another identity."""
    check_study(task, budget)
    with quiet_optuna():
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            directions=directions(task.objectives),
            pruner=PRUNERS[budget.pruner](),
            load_if_exists=True,
        )
    view = StudyView(study)
    if not view.identity:
        defaults = task.space.defaults(task.estimator)
        is_inside = len(defaults) == len(task.space)
        epochs = most_epochs(task.estimator, task.space)
        begin_study(study, identity, task.objectives, epochs, defaults if is_inside else None)
    elif changed := differences(view.identity, json.loads(json.dumps(identity))):
        raise InputError(
            f"Study {name} cannot be continued as another one: {'; '.join(changed)}; "
            f"give it another name."
        )
    requeue(study)
    return study


def check_study(task: TuningTask, budget: Budget) -> None:
    """Refuse objectives, a sampler, a pruner or a space that cannot be used together."""
    check_sampler(budget.sampler, task.space, len(directions(task.objectives)))
    if budget.pruner not in PRUNERS:
        raise InputError(f"There is no pruner {budget.pruner!r}; there are {', '.join(PRUNERS)}.")
    task.space.check(task.estimator)


def run_trials(
    study: optuna.Study,
    task: TuningTask,
    budget: Budget,
    *,
    worker: int = 0,
    worker_name: str = "0",
    watch: Watch | None = None,
) -> None:
    """Run trials here until the study has as many as it should; what `watch` raises ends it."""

    def tell(*_: object) -> None:
        if watch is not None:
            watch(study)

    objective = Objective(task, budget.n_trials, worker_name, tell)
    n_skipped = 0
    with quiet_optuna():
        while not budget.is_over and n_skipped < _SKIPS_BEFORE_END:
            view = StudyView(study)
            _check_failures(view)
            todo = _what_is_left(view, task, budget)
            if todo == "nothing":
                return
            if todo == "wait":  # others' trials come back if their process dies
                time.sleep(_POLL_SECONDS)
                reclaim_expired(study)
            else:
                name = budget.sampler if n_skipped < _SKIPS_BEFORE_RANDOM else "random"
                # Trials lost with their process are tried again, so they are not drawn twice.
                place = len(view.counted) + len(view.in_state("skipped"))
                study.sampler = make_sampler(
                    name, task.space, random_state=task.random_state, place=place, worker=worker
                )
                _run_one(study, objective)
                n_skipped = n_skipped + 1 if objective.has_skipped else 0
            tell()


def _run_one(study: optuna.Study, objective: Objective) -> None:
    try:
        study.optimize(objective, n_trials=1, catch=(NoValueError,))
    except KeyboardInterrupt:
        if lost := objective.lost_trial(study):
            retry(study, lost)
        raise
    except (UpdateFinishedTrialError, ValueError):
        # This process was stopped for so long that others took it for dead, and its trial over.
        if not objective.lost_trial(study):
            raise


def _what_is_left(view: StudyView, task: TuningTask, budget: Budget) -> str:
    if view.in_state("waiting"):
        return "a trial"
    tried = {json.dumps(trial.params, sort_keys=True) for trial in view.counted}
    size = task.space.size
    if len(view.counted) < budget.n_trials and (size is None or len(tried) < size):
        return "a trial"
    if requeue(view.study):
        return "a trial"
    return "wait" if view.in_state("running") else "nothing"


def _check_failures(view: StudyView) -> None:
    """Refuse to go on where the first trials have all failed."""
    errors = view.errors
    if len(errors) >= _FAILURES_BEFORE_END and len(errors) == len(view.ended):
        raise InputError(f"The first {len(errors)} trials all failed; the first one: {errors[0]}")
