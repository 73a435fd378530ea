"""Runs a study in several processes; one that dies is replaced, and its trial tried again."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import optuna
from threadpoolctl import threadpool_limits

from cifar_sk.backend import interrupts
from cifar_sk.backend.machine import set_threads
from cifar_sk.backend.temporary import own_folder, run_worker
from cifar_sk.errors import InputError
from cifar_sk.tuning.engine import PRUNERS, Budget, Watch, run_trials
from cifar_sk.tuning.lost_trials import is_ownerless, reclaim
from cifar_sk.tuning.objective import TuningTask
from cifar_sk.tuning.storage import StorageSpec, close_storage
from cifar_sk.tuning.study_view import TrialView, quiet_optuna

__all__ = ["process_name", "run_workers"]

_POLL_SECONDS = 0.3
_REPLACEMENTS = 3
_REFUSED = 2


def process_name(pid: int | None = None) -> str:
    """Name a process of this machine, as trials record it."""
    return f"{socket.gethostname()}:{os.getpid() if pid is None else pid}"


def run_workers(
    study: optuna.Study,
    task: TuningTask,
    budget: Budget,
    spec: StorageSpec,
    *,
    n_workers: int,
    n_threads: int,
    watch: Watch | None = None,
) -> None:
    """Run trials in processes of their own until the study has as many as it should have."""
    # What `watch` raises ends the study. A ChildProcessError says that processes keep dying.
    with tempfile.TemporaryDirectory(dir=own_folder()) as folder, quiet_optuna():
        np.save(Path(folder) / "X.npy", np.asarray(task.X))
        sent = replace(task, X=None)
        job = _Job(Path(folder), study.study_name, sent, budget, spec, n_threads)
        with _processes() as processes:
            processes += [job.start(number) for number in range(n_workers)]
            n_started = n_workers
            while processes:
                for process in [process for process in processes if not process.is_alive()]:
                    processes.remove(process)
                    job.check(process)
                    if reclaim(study, is_stale=_of(process)) or process.exitcode:
                        n_started += 1
                        if n_started > n_workers + _REPLACEMENTS:
                            raise ChildProcessError(
                                "Worker processes keep dying, perhaps for want of memory; "
                                "use fewer --workers"
                            )
                        processes.append(job.start(n_started - 1))
                if not spec.is_server:  # one that died before it left its name
                    reclaim(study, is_stale=is_ownerless)
                if watch is not None:
                    watch(study)
                time.sleep(_POLL_SECONDS)


def _of(process: BaseProcess) -> Callable[[TrialView], bool]:
    name = process_name(process.pid)
    return lambda trial: trial.worker == name


@contextmanager
def _processes() -> Iterator[list[BaseProcess]]:
    """Keep a list of processes, of which none outlives the block."""
    processes: list[BaseProcess] = []
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()  # trials are tried again; nothing else is written by workers
        for process in processes:
            process.join()


@dataclass(frozen=True)
class _Job:
    """All that is sent to a worker; the images go through a file, which all of them map."""

    folder: Path
    name: str
    task: TuningTask
    budget: Budget
    spec: StorageSpec
    n_threads: int

    def start(self, number: int) -> BaseProcess:
        # Started afresh and never forked: TensorFlow hangs after a fork.
        context = multiprocessing.get_context("spawn")
        packed = pickle.dumps((_work, (self, number)))
        arguments = (os.getpid(), own_folder(), packed)
        process = context.Process(target=run_worker, args=arguments, daemon=True)
        with interrupts.blocked():
            process.start()
        return process

    def check(self, process: BaseProcess) -> None:
        if process.exitcode == _REFUSED:
            raise InputError(self.refusal(process.pid).read_text(encoding="utf-8"))

    def refusal(self, pid: int | None) -> Path:
        return self.folder / f"{pid}.txt"


def _work(job: _Job, number: int) -> None:
    set_threads(job.n_threads)  # read when the backend first computes, which is after this
    task = replace(job.task, X=np.load(job.folder / "X.npy", mmap_mode="r"))
    with quiet_optuna(), threadpool_limits(job.n_threads):
        storage = job.spec.open()
        study = optuna.load_study(
            study_name=job.name, storage=storage, pruner=PRUNERS[job.budget.pruner]()
        )
        try:
            run_trials(study, task, job.budget, worker=number, worker_name=process_name())
        except InputError as error:
            job.refusal(os.getpid()).write_text(str(error), encoding="utf-8")
            raise SystemExit(_REFUSED) from error
        finally:
            close_storage(storage)
