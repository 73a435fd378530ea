"""Trials whose process died: failed, and queued again with the same parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

__all__ = [
    "MAX_RETRIES",
    "is_lost",
    "is_ownerless",
    "reclaim",
    "reclaim_expired",
    "requeue",
    "retry",
]

MAX_RETRIES = 3  # of one configuration, so that one that kills its process ends

# What a trial was asked to be; all else that it recorded belongs to the attempt that was lost.
_KEPT_ATTRS = {"is_default"}
_UNNAMED_FOR = timedelta(seconds=10)


def reclaim(study: Study, *, is_stale: Callable[[FrozenTrial], bool]) -> list[int]:
    """Fail the trials of dead processes, and queue their parameters again.

    Parameters
    ----------
    study : optuna.Study
        Any storage.
    is_stale : callable
        ``is_stale(trial)`` says of a running trial whether its process is dead.

    Returns
    -------
    list of int
        Numbers of the trials that were failed. Each one's parameters wait as a new trial, up to
        `MAX_RETRIES` times.
    """
    from optuna.trial import TrialState

    stale = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if is_stale(trial)
    ]
    return [trial.number for trial in stale if _fail_and_retry(study, trial)]


def is_lost(trial: FrozenTrial) -> bool:
    """Say whether a trial was failed without having come to an end of its own."""
    return trial.state.name == "FAIL" and not {"error", "skipped"} & {*trial.user_attrs}


def requeue(study: Study) -> int:
    """Queue the parameters of lost trials that nobody has queued again.

    To fail a trial and to queue its successor are two steps, and a process may die between them.

    Parameters
    ----------
    study : optuna.Study
        Any storage. Of two processes that call this at once each may queue the same trial; the
        second one is then skipped for being the same.

    Returns
    -------
    int
        How many trials were queued.
    """
    trials = study.get_trials(deepcopy=False)
    followed = {n for trial in trials for n in trial.system_attrs.get("retry_history", [])}
    orphans = [
        trial
        for trial in trials
        if is_lost(trial) and trial.number not in followed and _may_be_retried(trial)
    ]
    for trial in orphans:
        retry(study, trial)
    return len(orphans)


def is_ownerless(trial: FrozenTrial) -> bool:
    """Whether a running trial of this machine was begun by a process that died at once.

    A process first writes its name into its trial. One killed before that leaves a trial that
    cannot be told by the name, and that others would wait for.

    Parameters
    ----------
    trial : optuna.trial.FrozenTrial
        Running; begun under this machine's clock.

    Returns
    -------
    bool
    """
    begun = trial.datetime_start
    is_old = begun is not None and datetime.now() - begun > _UNNAMED_FOR
    return is_old and "worker" not in trial.user_attrs


def _fail_and_retry(study: Study, trial: FrozenTrial) -> bool:
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    # Study.tell would not say which of two processes was the one to fail the trial.
    storage = study._storage
    try:
        if not storage.set_trial_state_values(trial._trial_id, state=TrialState.FAIL):
            return False
    except UpdateFinishedTrialError:
        return False
    retry(study, storage.get_trial(trial._trial_id))
    return True


def _may_be_retried(trial: FrozenTrial) -> bool:
    n_lost = 1 + len(trial.system_attrs.get("retry_history", []))
    # One that died before anything was drawn is any other trial's equal.
    return n_lost <= MAX_RETRIES and bool(trial.params or trial.system_attrs)


def retry(study: Study, trial: FrozenTrial) -> None:
    """Queue a lost trial's parameters again.

    As Optuna's ``RetryHeartbeatStaleTrialCallback``, and readable as its retries are, but the
    new trial has nothing of what the lost one recorded.

    Parameters
    ----------
    study : optuna.Study
        Any storage.
    trial : optuna.trial.FrozenTrial
        Failed. After `MAX_RETRIES` it is left at that.
    """
    from optuna.trial import TrialState, create_trial

    if not _may_be_retried(trial):
        return

    attrs = trial.system_attrs
    history = [*attrs.get("retry_history", []), trial.number]
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            # Parameters that were not drawn yet are fixed by the attributes, or free.
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={
                name: trial.user_attrs[name] for name in _KEPT_ATTRS & {*trial.user_attrs}
            },
            system_attrs={"failed_trial": trial.number, **attrs, "retry_history": history},
        )
    )


def reclaim_expired(study: Study) -> None:
    """Fail and queue again the trials without a recent heartbeat, on a server.

    Workers do so before each trial. Other storages have no heartbeats; nothing happens there.

    Parameters
    ----------
    study : optuna.Study
        Any storage.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import RDBStorage, fail_stale_trials

    backend = getattr(study._storage, "_backend", None)
    if not isinstance(backend, RDBStorage) or backend.heartbeat_interval is None:
        return
    _begin_heartbeats(backend, study._study_id)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        fail_stale_trials(study)


def _begin_heartbeats(storage: RDBStorage, study_id: int) -> None:
    """Give running trials without any heartbeat their first.

    Optuna does not count a trial as stale whose process died before its first heartbeat. From
    this one on it has the grace period to show that it lives.
    """
    from sqlalchemy import text

    query = text(
        "SELECT trial_id FROM trials WHERE study_id = :study_id AND state = 'RUNNING'"
        " AND trial_id NOT IN (SELECT trial_id FROM trial_heartbeats)"
    )
    with storage.engine.connect() as connection:
        silent = connection.execute(query, {"study_id": study_id}).scalars().all()
    for trial_id in silent:
        storage.record_heartbeat(trial_id)
