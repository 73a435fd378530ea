"""Run in processes of their own by test_study_storage.py; light, for each one imports it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import optuna

from cifar_sk.tuning import lost_trials
from cifar_sk.tuning import storage as storage_module
from cifar_sk.tuning.journal_lock import JournalLock
from cifar_sk.tuning.storage import StorageSpec, close_storage


def draw(trial: optuna.Trial) -> dict:
    trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    trial.suggest_categorical("layers", ["[32]", "[32,64]", None])
    trial.suggest_int("batch", 16, 128, step=16)
    return trial.params


def objective(trial: optuna.Trial) -> float:
    return draw(trial)["batch"]


def work(spec: StorageSpec, n_trials: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = spec.open()
    optuna.load_study(study_name="s", storage=storage).optimize(objective, n_trials=n_trials)
    close_storage(storage)


def begin_and_hang(spec: StorageSpec) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(study_name="s", storage=spec.open())
    study.optimize(_hang, n_trials=1)


def _hang(trial: optuna.Trial) -> float:
    draw(trial)
    trial.set_user_attr("worker", str(os.getpid()))
    time.sleep(60)
    raise TimeoutError


def fail_and_die(spec: StorageSpec, name: str) -> None:
    """Fail a lost trial as commands do, and be killed before its parameters are queued."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    lost_trials.retry = storage_module.retry = die
    study = optuna.load_study(study_name=name, storage=spec.open())
    while spec.is_server:
        lost_trials.reclaim_expired(study)
        time.sleep(0.1)
    lost_trials.reclaim(study, is_stale=lambda _: True)


def open_together(spec: StorageSpec, barrier) -> None:
    barrier.wait(60)
    close_storage(spec.open())


def hold(path: Path, held) -> None:
    lock = JournalLock(path)
    lock.acquire()
    held.set()
    time.sleep(60)
