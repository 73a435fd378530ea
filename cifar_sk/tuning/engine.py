"""Running a study: as many trials as asked for, in this process or in several."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError

from cifar_sk.errors import InputError
from cifar_sk.runs.files import differences
from cifar_sk.tuning.objective import (
    FailedTrial,
    Objective,
    SkippedTrial,
    TuningTask,
    counted_trials,
    directions,
    most_epochs,
)
from cifar_sk.tuning.pruning import FoldPruner
from cifar_sk.tuning.samplers import check_sampler, make_sampler
from cifar_sk.tuning.storage import reclaim_expired, requeue, retry

__all__ = [
    "PRUNERS",
    "Budget",
    "Watch",
    "best_trial",
    "check_failures",
    "check_study",
    "finished_trials",
    "in_memory",
    "open_study",
    "quiet_optuna",
    "run_trials",
]

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
    """How a study samples, prunes and ends.

    Attributes
    ----------
    n_trials : int
        Trials of the study, those that it had before included.
    deadline : float or None
        Time, as `time.time` tells it, after which no trial begins.
    sampler, pruner : str
        Names.
    """

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
    """Make a study, or open it to continue.

    Parameters
    ----------
    task : TuningTask
        What is tuned.
    budget : Budget
        Its sampler and pruner are checked.
    storage : optuna storage or None
        None keeps it in memory.
    name : str
        The study's name in the storage.
    identity : dict
        What must be equal for the study to be continued; JSON values.

    Returns
    -------
    optuna.Study
        A new one begins with the estimator's own parameters.

    Raises
    ------
    InputError
        If something does not fit, or the storage has another study of this name.
    """
    check_study(task, budget)
    identity = json.loads(json.dumps(identity))
    with quiet_optuna():
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            directions=directions(task.objectives),
            pruner=PRUNERS[budget.pruner](),
            load_if_exists=True,
        )
    stored = study.user_attrs.get("identity")
    if stored is None:
        _begin(study, task, identity)
    elif changed := differences(stored, identity):
        raise InputError(
            f"Study {name} cannot be continued as another one: {'; '.join(changed)}; "
            f"give it another name."
        )
    requeue(study)
    return study


def check_study(task: TuningTask, budget: Budget) -> None:
    """Refuse objectives, a sampler, a pruner or a space that cannot be used together.

    Raises
    ------
    InputError
        With the first that does not fit.
    """
    check_sampler(budget.sampler, task.space, len(directions(task.objectives)))
    if budget.pruner not in PRUNERS:
        raise InputError(f"There is no pruner {budget.pruner!r}; there are {', '.join(PRUNERS)}.")
    task.space.check(task.estimator)


def _begin(study: optuna.Study, task: TuningTask, identity: dict[str, Any]) -> None:
    study.set_user_attr("epochs_per_fold", most_epochs(task.estimator, task.space))
    study.set_user_attr("objectives", list(task.objectives))
    with warnings.catch_warnings():
        # Names for dashboards; "experimental" since 3.2.
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(list(task.objectives))
    defaults = task.space.defaults(task.estimator)
    if len(defaults) == len(task.space.names):
        study.enqueue_trial(defaults, user_attrs={"is_default": True})
    study.set_user_attr("identity", identity)


def run_trials(
    study: optuna.Study,
    task: TuningTask,
    budget: Budget,
    *,
    worker: int = 0,
    worker_name: str = "0",
    watch: Watch | None = None,
) -> None:
    """Run trials in this process until the study has as many as it should have.

    Parameters
    ----------
    study : optuna.Study
        As `open_study` returns it.
    task : TuningTask
        What is tuned.
    budget : Budget
        When to stop.
    worker : int, default=0
        Number of this process among those of the study.
    worker_name : str, default="0"
        Recorded with the trials.
    watch : callable, default=None
        Called with the study whenever a fold begins or ends, an epoch ends, or a trial ends.
        What it raises ends the study.

    Raises
    ------
    InputError
        If the first trials all fail.
    """

    def tell() -> None:
        if watch is not None:
            watch(study)

    objective = Objective(
        task, n_trials=budget.n_trials, worker=worker_name, listener=lambda _: tell()
    )
    n_skipped = 0
    with quiet_optuna():
        while not budget.is_over and n_skipped < _SKIPS_BEFORE_END:
            check_failures(study)
            todo = _what_is_left(study, task, budget)
            if todo == "nothing":
                return
            if todo == "wait":  # others' trials come back if their process dies
                time.sleep(_POLL_SECONDS)
                reclaim_expired(study)
            else:
                name = budget.sampler if n_skipped < _SKIPS_BEFORE_RANDOM else "random"
                study.sampler = make_sampler(
                    name,
                    task.space,
                    random_state=task.random_state,
                    place=_n_drawn(study),
                    worker=worker,
                )
                _run_one(study, objective)
                n_skipped = n_skipped + 1 if objective.has_skipped else 0
            tell()


def _n_drawn(study: optuna.Study) -> int:
    """Count the trials, but for those lost with their process, which are tried again."""
    drawn = counted_trials(study)
    return len(drawn) + sum("skipped" in t.user_attrs for t in study.get_trials(deepcopy=False))


def _run_one(study: optuna.Study, objective: Objective) -> None:
    try:
        study.optimize(objective, n_trials=1, catch=(SkippedTrial, FailedTrial))
    except KeyboardInterrupt:
        if objective.is_lost(study):
            retry(study, objective.last_trial(study))
        raise
    except (UpdateFinishedTrialError, ValueError):
        # This process was stopped for so long that others took it for dead, and its trial over.
        if not objective.is_lost(study):
            raise


def _what_is_left(study: optuna.Study, task: TuningTask, budget: Budget) -> str:
    trials = counted_trials(study)
    if any(trial.state.name == "WAITING" for trial in study.get_trials(deepcopy=False)):
        return "a trial"
    tried = {json.dumps(trial.params, sort_keys=True) for trial in trials}
    size = task.space.size
    if len(trials) < budget.n_trials and (size is None or len(tried) < size):
        return "a trial"
    if requeue(study):
        return "a trial"
    return "wait" if any(trial.state.name == "RUNNING" for trial in trials) else "nothing"


def finished_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """List the trials that came to an end of their own: complete, pruned or failed.

    Parameters
    ----------
    study : optuna.Study
        The study.

    Returns
    -------
    list of FrozenTrial
        By number.
    """
    return [trial for trial in counted_trials(study) if trial.state.is_finished()]


def best_trial(study: optuna.Study) -> optuna.trial.FrozenTrial:
    """Return the best trial by the first objective.

    Parameters
    ----------
    study : optuna.Study
        The study.

    Returns
    -------
    FrozenTrial
        Among equals the first.

    Raises
    ------
    InputError
        If no trial was completed.
    """
    complete = [trial for trial in finished_trials(study) if trial.state.name == "COMPLETE"]
    if not complete:
        errors = [t.user_attrs["error"] for t in finished_trials(study) if "error" in t.user_attrs]
        remedy = f"the first one: {errors[0]}" if errors else "allow it more trials or time."
        raise InputError(f"No trial of the study was completed; {remedy}")
    sign = 1 if study.directions[0].name == "MAXIMIZE" else -1
    return max(complete, key=lambda trial: (sign * trial.values[0], -trial.number))


def in_memory(study: optuna.Study) -> optuna.Study:
    """Copy a study so that it needs no storage any more.

    Parameters
    ----------
    study : optuna.Study
        In any storage.

    Returns
    -------
    optuna.Study
    """
    with quiet_optuna():
        copy = optuna.create_study(study_name=study.study_name, directions=study.directions)
    for name, value in study.user_attrs.items():
        copy.set_user_attr(name, value)
    copy.add_trials(study.get_trials(deepcopy=False))
    return copy


def check_failures(study: optuna.Study) -> None:
    """Refuse to go on where the first trials have all failed.

    Parameters
    ----------
    study : optuna.Study
        The study.

    Raises
    ------
    InputError
        With the reason of the first failure.
    """
    ended = finished_trials(study)
    errors = [trial.user_attrs["error"] for trial in ended if "error" in trial.user_attrs]
    if len(errors) >= _FAILURES_BEFORE_END and len(errors) == len(ended):
        raise InputError(f"The first {len(errors)} trials all failed; the first one: {errors[0]}")


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Hold back Optuna's messages, which a progress display and error sentences replace."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
