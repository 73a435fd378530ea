"""Folds and epochs on the terminal, as they end, with the time remaining."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from cifar_sk.evaluation.fold_task import FoldEvent
    from cifar_sk.folds.progress import EpochEnd

__all__ = ["FoldProgress", "duration"]


def duration(seconds: float) -> str:
    """Write a time span for people.

    >>> duration(9.4), duration(125), duration(7260)
    ('9 s', '2 min 05 s', '2 h 01 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class FoldProgress:
    """Shows folds and epochs as they end, redrawn on a terminal and else line by line."""

    def __init__(
        self, n_folds: int, n_done: int, console: Console, *, seeds: Sequence[int] = ()
    ) -> None:
        from rich.progress import BarColumn, Progress, TaskID, TextColumn
        from rich.table import Column

        self._n_folds = n_folds
        self._n_todo = n_folds - n_done
        self._seeds = seeds if any(seeds) else ()  # one for all goes without saying
        self._console = console
        self._start = time.monotonic()
        self._share: dict[int, float] = {}
        self._ended: set[int] = set()
        self._bar = Progress(
            BarColumn(16),
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
        )
        self._all_folds = self._bar.add_task("starting", total=self._n_todo)
        self._running: dict[int, TaskID] = {}
        self._live = console.is_terminal
        # With several jobs, epochs come from another thread than finished folds.
        self._lock = threading.Lock()

    def __enter__(self) -> FoldProgress:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live:
            self._bar.stop()

    def __call__(self, event: FoldEvent) -> None:
        """Show an event of the fold loop."""
        with self._lock:
            if event.result is not None:
                self._end_fold(event.index, event.result)
            elif event.epoch is not None and event.index not in self._ended:
                self._end_epoch(event.index, event.epoch)

    def _end_epoch(self, index: int, end: EpochEnd) -> None:
        self._share[index] = end.epoch / end.n_epochs
        text = f"{self._name(index)} {end.unit} {end.epoch}/{end.n_epochs} "
        text += _scores(end.logs)
        if index not in self._running:
            self._running[index] = self._bar.add_task(text, total=1.0)
        self._bar.update(self._running[index], completed=self._share[index], description=text)
        self._show(text)

    def _end_fold(self, index: int, result: Any) -> None:
        self._ended.add(index)
        self._share[index] = 1.0
        if index in self._running:
            self._bar.remove_task(self._running.pop(index))
        outcome = (
            f"failed: {result.error}"
            if result.failed
            else f"done in {duration(result.fit_time + result.score_time)}"
        )
        text = f"{self._name(index)} {outcome}"
        if self._live:
            self._console.print(text, markup=False, highlight=False)
        self._show(text)

    def _name(self, index: int) -> str:
        seed = f", seed {self._seeds[index] + 1}" if self._seeds else ""
        return f"fold {index + 1}/{self._n_folds}{seed}"

    def _show(self, text: str) -> None:
        share = sum(self._share.values())
        elapsed = time.monotonic() - self._start
        left = elapsed * (self._n_todo - share) / share if share else float("nan")
        # The last epoch of every fold is the estimate's horizon; early stops come sooner.
        remaining = f", at most {duration(left)} left" if self._n_todo > share > 0 else ""
        times = f"({duration(elapsed)}{remaining})"
        if self._live:
            n_ended = self._n_folds - self._n_todo + len(self._ended)
            all_folds = f"{n_ended} of {self._n_folds} folds {times}"
            self._bar.update(self._all_folds, completed=share, description=all_folds)
        else:
            self._console.print(f"{text} {times}", markup=False, highlight=False, soft_wrap=True)


def _scores(logs: dict[str, float]) -> str:
    shown = ("loss", "accuracy", "val_loss", "val_accuracy", "best")
    return " ".join(f"{name} {logs[name]:.3f}" for name in shown if name in logs)
