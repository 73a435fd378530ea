"""What an engine is, and which one runs an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol

from joblib import effective_n_jobs
from joblib.parallel import BACKENDS, get_active_backend

from cifar_sk.errors import InputError
from cifar_sk.evaluation.engines import ENGINES
from cifar_sk.evaluation.fold_task import FoldTask, Listener
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.folds.splits import Split
from cifar_sk.registry import own_code

__all__ = ["Engine", "FoldWork", "choose_engine", "results_as_they_end"]

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class FoldWork:
    """Folds for an engine to run.

    Attributes
    ----------
    task : FoldTask
        What all folds share. Pickled by cloudpickle it also takes along what was registered.
    splits : sequence of Split
        The folds; each runs by ``run_fold(task, split, ...)``.
    n_jobs : int
        Folds at a time, at most; from 1.
    n_threads : int or None
        Threads of each fold, or None for as many as this process would use.
    save_to : callable
        ``save_to(split)`` empties, and returns, the folder in which `run_fold` is to save the
        fold's classifier; None where models are not kept.
    """

    task: FoldTask
    splits: Sequence[Split]
    n_jobs: int
    n_threads: int | None
    save_to: Callable[[Split], Path | None]


class Engine(Protocol):
    """Where folds run.

    An engine without arguments is registered by ``@ENGINES.register("name")``, or by an entry
    point of the group ``cifar_sk.engines``; its attribute ``joblib_backend`` names the backend of
    ``joblib.parallel_config`` that it stands for, which is the engine's own name by default.
    """

    def run(self, work: FoldWork, tell: Listener) -> Generator[FoldResult, None, None]:
        """Run folds, and yield the result of each as it ends, in any order.

        Parameters
        ----------
        work : FoldWork
            What to run.
        tell : callable
            To be called with the `FoldEvent` of each fold that begins and each epoch that ends,
            in the thread that asks for results. What it raises ends the generator.

        Yields
        ------
        FoldResult
            Of every fold. Where a fold was tried twice, the first result counts; events and
            results that come after it are ignored.

        Notes
        -----
        The generator is closed where the evaluation ends early, as by Ctrl-C. It then gives up
        what still runs (in a ``finally`` block), and leaves nothing behind.
        """


def choose_engine(engine: Engine | str | None, n_jobs: int | None) -> tuple[str, Engine, int]:
    """Return an engine's name, the engine, and how many folds it runs at a time."""
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise InputError(
            f"n_jobs must be a number from 1, or -1 for all processors; got {n_jobs!r}."
        )
    n_jobs = int(effective_n_jobs(n_jobs))
    if engine is None:
        engine = "serial" if n_jobs == 1 else _engine_of_joblib()
    name = engine if isinstance(engine, str) else type(engine).__name__
    made: Any = engine
    if isinstance(engine, str):
        make = ENGINES[engine]
        with own_code("engine", name):
            made = make()
    if isinstance(made, type) or not hasattr(made, "run"):
        raise InputError(
            f"engine must be one of {', '.join(ENGINES)}, or an object with a method run; "
            f"got {made!r}."
        )
    return name, made, n_jobs


def _engine_of_joblib() -> str:
    """Name the engine that stands for the backend of ``joblib.parallel_config``."""
    kind = type(get_active_backend()[0])
    backend = next((name for name in BACKENDS if BACKENDS[name] is kind), kind.__name__)
    for name, engine in ENGINES.items():
        if getattr(engine, "joblib_backend", name) == backend:
            return name
    raise InputError(
        f"Folds do not run in joblib's backend {backend!r}; use one of the engines "
        f"{', '.join(ENGINES)}."
    )


def results_as_they_end(
    futures: Sequence[Future[FoldResult]], pass_on: Callable[[], None]
) -> Generator[FoldResult, None, None]:
    """Yield results of futures, and pass on what their folds tell in the meantime."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, _POLL_SECONDS, FIRST_COMPLETED)
        pass_on()
        for future in done:
            yield future.result()
