"""Trials whose process died: failed, and queued again with the same parameters."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import datetime, timedelta

from optuna import Study
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import RDBStorage, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState, create_trial

from cifar_sk.tuning.study_view import StudyView, TrialView

__all__ = ["MAX_RETRIES", "is_ownerless", "reclaim", "reclaim_expired", "requeue", "retry"]

MAX_RETRIES = 3  # of one configuration, so that one that kills its process ends

_UNNAMED_FOR = timedelta(seconds=10)


def reclaim(study: Study, *, is_stale: Callable[[TrialView], bool]) -> list[int]:
    """Fail the running trials of dead processes and queue them again; return their numbers."""
    stale = [trial for trial in StudyView(study).in_state("running") if is_stale(trial)]
    return [trial.number for trial in stale if _fail_and_retry(study, trial.frozen)]


def requeue(study: Study) -> int:
    """Queue the parameters of lost trials that nobody has queued again, and count them."""
    # To fail a trial and to queue its successor are two steps, and a process may die between
    # them. If two processes queue the same trial, the second is skipped for being the same.
    view = StudyView(study)
    followed = {number for trial in view.trials for number in _history(trial.frozen)}
    orphans = [
        trial.frozen
        for trial in view.in_state("lost")
        if trial.number not in followed and _may_be_retried(trial.frozen)
    ]
    for trial in orphans:
        retry(study, trial)
    return len(orphans)


def is_ownerless(trial: TrialView) -> bool:
    """Say whether a running trial was begun by a process that died before it wrote its name."""
    # Such a trial cannot be told by its name, and others would wait for it.
    begun = trial.frozen.datetime_start
    is_old = begun is not None and datetime.now() - begun > _UNNAMED_FOR
    return is_old and trial.worker is None


def _fail_and_retry(study: Study, trial: FrozenTrial) -> bool:
    # Study.tell would not say which of two processes was the one to fail the trial.
    storage = study._storage
    try:
        if not storage.set_trial_state_values(trial._trial_id, state=TrialState.FAIL):
            return False
    except UpdateFinishedTrialError:
        return False
    retry(study, storage.get_trial(trial._trial_id))
    return True


def _history(trial: FrozenTrial) -> list[int]:
    return trial.system_attrs.get("retry_history", [])


def _may_be_retried(trial: FrozenTrial) -> bool:
    # One that died before anything was drawn is any other trial's equal.
    return len(_history(trial)) < MAX_RETRIES and bool(trial.params or trial.system_attrs)


def retry(study: Study, trial: FrozenTrial) -> None:
    """Queue a failed trial's parameters again, at most `MAX_RETRIES` times."""
    # As Optuna's RetryHeartbeatStaleTrialCallback, and readable as its retries are, but the
    # new trial has nothing of what the lost one recorded.
    if not _may_be_retried(trial):
        return
    attrs = trial.system_attrs
    history = [*_history(trial), trial.number]
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            # Parameters that were not drawn yet are fixed by the attributes, or free.
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={"is_default": True} if TrialView.of(trial).is_default else {},
            system_attrs={"failed_trial": trial.number, **attrs, "retry_history": history},
        )
    )


def reclaim_expired(study: Study) -> None:
    """Fail and queue again the trials of a server's study that have no recent heartbeat."""
    backend = getattr(study._storage, "_backend", None)
    if not isinstance(backend, RDBStorage) or backend.heartbeat_interval is None:
        return
    _begin_heartbeats(backend, study._study_id)
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        fail_stale_trials(study)


def _begin_heartbeats(storage: RDBStorage, study_id: int) -> None:
    """Give running trials without any heartbeat their first."""
    # Optuna never counts a trial as stale whose process died before its first heartbeat. From
    # this one on it has the grace period to show that it lives.
    from sqlalchemy import text

    query = text(
        "SELECT trial_id FROM trials WHERE study_id = :study_id AND state = 'RUNNING'"
        " AND trial_id NOT IN (SELECT trial_id FROM trial_heartbeats)"
    )
    with storage.engine.connect() as connection:
        silent = connection.execute(query, {"study_id": study_id}).scalars().all()
    for trial_id in silent:
        storage.record_heartbeat(trial_id)
