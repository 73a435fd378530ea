"""Folds in worker processes, started afresh and never forked: TensorFlow hangs after a fork."""

from __future__ import annotations

import json
import os
import pickle
import queue
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
from joblib import cpu_count, parallel_config
from joblib.externals.loky import get_reusable_executor, process_executor
from joblib.parallel import ParallelBackendBase

from cifar_sk.backend import interrupts
from cifar_sk.backend.machine import thread_variables, threads_set
from cifar_sk.backend.temporary import begin_worker, own_folder
from cifar_sk.evaluation.engines import ENGINES
from cifar_sk.evaluation.engines.base import FoldWork, results_as_they_end
from cifar_sk.evaluation.fold_task import FoldEvent, FoldTask, Listener, run_fold
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.folds.progress import EpochEnd
from cifar_sk.folds.splits import Split

__all__ = ["Processes"]

_IDLE_SECONDS = 300  # for so long workers wait for another evaluation, as joblib's do
_ALIGNMENT = 64  # bytes, as NumPy's own files have it
_TASK, _ARRAYS, _EVENTS = "task.pickle", "arrays.bin", "events.jsonl"


@ENGINES.register("processes")
class Processes:
    """Runs each fold in a process of its own; those that are given up are killed."""

    joblib_backend = "loky"

    def run(self, work: FoldWork, tell: Listener) -> Generator[FoldResult, None, None]:
        """Run folds, as `Engine.run` says."""
        threads = work.n_threads or threads_set() or cpu_count()
        with tempfile.TemporaryDirectory(dir=own_folder(), ignore_cleanup_errors=True) as name:
            folder = Path(name)
            _store_task(work.task, folder)
            # A run that is continued may have no folds left.
            executor = _executor(max(1, min(work.n_jobs, len(work.splits))), threads)
            futures: list[Future[FoldResult]] = []
            try:
                with interrupts.blocked():
                    for split in work.splits:
                        save_to = work.save_to(split)
                        futures.append(executor.submit(_work, folder, split, save_to, threads))
                yield from results_as_they_end(futures, _EventFile(folder / _EVENTS, tell))
            except BrokenProcessPool as error:
                raise ChildProcessError(
                    "A worker process died, perhaps for want of memory; use fewer --jobs"
                ) from error
            finally:
                if not all(future.done() for future in futures):
                    _give_up(executor)


def _give_up(executor: Any) -> None:
    """Kill the workers, and forget the folds that wait for one."""
    with suppress(queue.Empty):  # or loky's own thread looks for folds that are gone, and fails
        while True:
            executor._work_ids.get_nowait()
    executor.shutdown(kill_workers=True)


def _executor(n_workers: int, threads: int) -> Any:
    """Return worker processes: those of before, if they have as many threads."""
    env = dict.fromkeys(ParallelBackendBase.MAX_NUM_THREADS_VARS, str(threads))
    return get_reusable_executor(
        n_workers,
        timeout=_IDLE_SECONDS,
        env={**env, **thread_variables(threads)},
        initializer=begin_worker,
        initargs=(os.getpid(), own_folder()),
    )


def _work(folder: Path, split: Split, save_to: Path | None, threads: int) -> FoldResult:
    # Where psutil is installed, loky takes what TensorFlow keeps for reuse for a leak and ends
    # the worker in the middle of a run.
    process_executor._USE_PSUTIL = False
    task = _load_task(folder)

    def note(event: FoldEvent) -> None:
        line = json.dumps([event.index, event.epoch and asdict(event.epoch)])
        with (folder / _EVENTS).open("a", encoding="utf-8") as file:
            file.write(line + "\n")  # one short write, which appends as a whole

    with parallel_config("threading"):  # so that jobs of the estimator start no processes
        return run_fold(task, split, n_threads=threads, save_to=save_to, tell=note)


def _store_task(task: FoldTask, folder: Path) -> None:
    """Write a task, its arrays into a file that all workers map and none copies."""
    spans = []
    with (folder / _ARRAYS).open("wb") as file:

        def write(buffer: pickle.PickleBuffer) -> None:
            file.write(bytes(-file.tell() % _ALIGNMENT))
            spans.append((file.tell(), file.write(buffer.raw())))

        arrays = {"X": _contiguous(task.X), "holdout_X": _contiguous(task.holdout_X)}
        packed = cloudpickle.dumps(replace(task, **arrays), protocol=5, buffer_callback=write)
        file.write(b"\0")  # an empty file cannot be mapped
    (folder / _TASK).write_bytes(pickle.dumps((packed, spans)))


def _contiguous(X: Any) -> Any:
    """Return an array in one piece, as only those are pickled apart from the rest."""
    return np.ascontiguousarray(X) if type(X) in {np.ndarray, np.memmap} else X


def _load_task(folder: Path) -> FoldTask:
    packed, spans = pickle.loads((folder / _TASK).read_bytes())  # noqa: S301  (our parent's)
    arrays = np.memmap(folder / _ARRAYS, mode="r")
    buffers = [arrays[start : start + size] for start, size in spans]
    return pickle.loads(packed, buffers=buffers)  # noqa: S301


class _EventFile:
    """A file that workers append events to; a call tells those that came since the last one."""

    def __init__(self, path: Path, tell: Callable[[FoldEvent], None]) -> None:
        path.touch()
        self._path = path
        self._tell = tell
        self._position = 0

    def __call__(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._position)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._position += len(whole) + len(newline)
        for line in whole.splitlines():
            index, epoch = json.loads(line)
            self._tell(FoldEvent(index, epoch and EpochEnd(**epoch)))
