"""Folds in worker processes, started afresh and never forked: TensorFlow hangs after a fork."""

from __future__ import annotations

import functools
import json
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky import process_executor

from cifar_sk.backend.machine import set_threads, threads_set
from cifar_sk.evaluation.fold_task import FoldEvent, FoldTask, Listener, fit_and_predict
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.folds.progress import EpochEnd
from cifar_sk.folds.splits import Split

__all__ = ["end_with_parent", "run_parallel"]

_POLL_SECONDS = 0.2


def run_parallel(
    task: FoldTask,
    todo: Sequence[Split],
    n_jobs: int,
    n_threads: int | None,
    save_to: Callable[[Split], Path | None],
    listener: Listener | None,
) -> Iterator[FoldResult]:
    """Run folds in up to `n_jobs` processes, and yield each as it ends.

    Parameters
    ----------
    task : FoldTask
        What all folds share; its arrays are memory-mapped, not copied, into the workers.
    todo : sequence of Split
        The folds.
    n_jobs : int
        Processes.
    n_threads : int or None
        Threads of each; None for as many as this process would use.
    save_to : callable
        Where to save a fold's classifier.
    listener : callable or None
        Called in this process.

    Yields
    ------
    FoldResult
    """
    threads = n_threads or threads_set() or cpu_count()
    # Workers with another number of threads are not used again, for joblib compares this.
    with (
        parallel_config("loky", n_jobs=min(n_jobs, len(todo)), inner_max_num_threads=threads),
        _relay(listener) as events,
    ):
        jobs = (
            delayed(_work)(task, split, save_to(split), threads, events, os.getpid())
            for split in todo
        )
        results = Parallel(return_as="generator_unordered", pre_dispatch="all")(jobs)
        try:
            # Not "yield from", which would close it before the filter is set.
            for result in results:  # noqa: UP028
                yield result
        finally:
            with warnings.catch_warnings():
                # Whoever stops early, because a fold refuses the input, means it.
                warnings.filterwarnings("ignore", ".*tasks which were still being processed")
                results.close()


def _work(
    task: FoldTask,
    split: Split,
    save_to: Path | None,
    threads: int,
    events: str | None,
    parent: int,
) -> FoldResult:
    _prepare_worker(parent)
    set_threads(threads)  # read when the backend first computes, which is after this
    listener = None if events is None else lambda event: _append(events, event)
    return fit_and_predict(task, split, save_to, listener)


@functools.cache
def _prepare_worker(parent: int) -> None:
    """Make this process end with the one that started it, and not for its memory."""
    end_with_parent(parent)
    # Where psutil is installed, joblib takes what TensorFlow keeps for reuse for a leak and
    # ends the worker in the middle of a run.
    process_executor._USE_PSUTIL = False


def end_with_parent(parent: int) -> None:
    """End this process with the one that started it, however that ends.

    Workers outlive a parent that was killed, and would train on for nobody.

    Parameters
    ----------
    parent : int
        Its process number.
    """
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)


def _append(events: str, event: FoldEvent) -> None:
    line = json.dumps([event.index, None if event.epoch is None else asdict(event.epoch)])
    with Path(events).open("a", encoding="utf-8") as file:
        file.write(line + "\n")  # one short write, which appends as a whole


@contextmanager
def _relay(listener: Listener | None) -> Iterator[str | None]:
    """Name a file that workers append events to, and pass these on to the listener."""
    if listener is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.jsonl")
        path.touch()
        stop = threading.Event()
        thread = threading.Thread(target=_pass_on, args=(path, listener, stop), daemon=True)
        thread.start()
        try:
            yield str(path)
        finally:
            stop.set()
            thread.join()


def _pass_on(path: Path, listener: Listener, stop: threading.Event) -> None:
    with path.open(encoding="utf-8") as file:
        partial = ""
        while True:
            ended = stop.is_set()  # before reading, so that nothing written earlier is missed
            partial += file.read()
            *lines, partial = partial.split("\n")
            for line in lines:
                index, epoch = json.loads(line)
                listener(FoldEvent(index, None if epoch is None else EpochEnd(**epoch)))
            if ended:
                return
            stop.wait(_POLL_SECONDS)
