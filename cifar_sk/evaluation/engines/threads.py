"""Folds in threads of this process, for fits that compute outside of the interpreter's lock."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

from threadpoolctl import threadpool_limits

from cifar_sk.evaluation.engines import ENGINES
from cifar_sk.evaluation.engines.base import FoldWork, results_as_they_end
from cifar_sk.evaluation.fold_task import FoldEvent, Listener, run_fold
from cifar_sk.folds.predictions import FoldResult

__all__ = ["Threads"]


@ENGINES.register("threads")
class Threads:
    """Runs folds in threads; one that is given up ends with its epoch."""

    joblib_backend = "threading"

    def run(self, work: FoldWork, tell: Listener) -> Generator[FoldResult, None, None]:
        """Run folds, as `Engine.run` says."""
        events: queue.SimpleQueue[FoldEvent] = queue.SimpleQueue()
        given_up = threading.Event()

        def note(event: FoldEvent) -> None:
            if given_up.is_set():
                raise CancelledError
            events.put(event)

        def pass_on() -> None:
            while not events.empty():
                tell(events.get())

        # The limit holds for the whole process, so it is not each fold's own.
        with threadpool_limits(work.n_threads), ThreadPoolExecutor(work.n_jobs) as pool:
            futures: list[Future[FoldResult]] = []
            try:
                for split in work.splits:
                    save_to = work.save_to(split)
                    futures.append(
                        pool.submit(run_fold, work.task, split, save_to=save_to, tell=note)
                    )
                yield from results_as_they_end(futures, pass_on)
            finally:
                given_up.set()
                pool.shutdown(cancel_futures=True)
