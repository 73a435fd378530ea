"""What the command lines share: ending with one sentence, and showing progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from cifar_sk.evaluation.fold_task import FoldEvent

__all__ = ["FoldProgress", "run_command"]


def run_command(app: typer.Typer, name: str, argv: Sequence[str] | None = None) -> None:
    """Run a command line, and end the process as users expect.

    Parameters
    ----------
    app : typer.Typer
        The command.
    name : str
        As in ``python -m cifar_sk.NAME``.
    argv : sequence of str, default=None
        The arguments; those of the process by default.

    Raises
    ------
    SystemExit
        Always: 0, the command's own code, 2 for input that cannot be used (said in one
        sentence), 1 for what the machine refused (such as a full disk), 130 for Ctrl-C.
    """
    prog = f"python -m cifar_sk.{name}"
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        code = app(args, prog_name=prog, standalone_mode=False)
    except InputError as error:
        _end(str(error), 2)
    except typer.TyperException as error:
        _end(f"{error.format_message()} (see {prog} --help)", 2)
    except OSError as error:
        _end(f"{error}; what was finished before is kept", 1)
    except (KeyboardInterrupt, typer.Abort):
        _end("interrupted", 130)
    raise SystemExit(code or 0)


def _end(message: str, code: int) -> None:
    typer.echo(f"error: {message}", err=True)
    raise SystemExit(code)


def duration(seconds: float) -> str:
    """Write a time span for people.

    Examples
    --------
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
    """Shows folds and epochs as they end, with the time remaining.

    On a terminal one line is redrawn below those of finished folds; elsewhere every epoch and
    fold is a plain line. Used in a ``with`` statement, and as listener of the fold loop.

    Parameters
    ----------
    n_folds : int
        Folds of the whole run.
    n_done : int
        Those that were finished before.
    console : rich.console.Console
        Where to write.
    """

    def __init__(self, n_folds: int, n_done: int, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._n_folds = n_folds
        self._n_todo = n_folds - n_done
        self._console = console
        self._start = time.monotonic()
        self._share: dict[int, float] = {}
        self._ended: set[int] = set()
        self._latest: dict[int, str] = {}
        self._bar = Progress(
            BarColumn(30), TextColumn("{task.description}"), console=console, transient=True
        )
        self._task = self._bar.add_task("starting", total=self._n_todo)
        self._live = console.is_terminal

    def __enter__(self) -> FoldProgress:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def __call__(self, event: FoldEvent) -> None:
        """Show an event of the fold loop."""
        if event.result is not None:
            self._end_fold(event.index, event.result)
        elif event.epoch is not None and event.index not in self._ended:
            self._share[event.index] = event.epoch.epoch / event.epoch.n_epochs
            logs = _scores(event.epoch.logs)
            self._latest[event.index] = (
                f"fold {event.index + 1}/{self._n_folds} "
                f"epoch {event.epoch.epoch}/{event.epoch.n_epochs} {logs}"
            )
            self._show(self._latest[event.index])

    def _end_fold(self, index: int, result: Any) -> None:
        self._ended.add(index)
        self._share[index] = 1.0
        self._latest.pop(index, None)
        outcome = (
            f"failed: {result.error}"
            if result.failed
            else f"done in {duration(result.fit_time + result.score_time)}"
        )
        text = f"fold {index + 1}/{self._n_folds} {outcome}"
        if self._live:
            self._console.print(text, markup=False, highlight=False)
        self._show(text)

    def _show(self, text: str) -> None:
        share = sum(self._share.values())
        elapsed = time.monotonic() - self._start
        left = elapsed * (self._n_todo - share) / share if share else float("nan")
        # The last epoch of every fold is the estimate's horizon; early stops come sooner.
        remaining = f", at most {duration(left)} left" if self._n_todo > share > 0 else ""
        times = f"({duration(elapsed)}{remaining})"
        if self._live:
            shown = "; ".join(self._latest.values()) or text
            self._bar.update(self._task, completed=share, description=f"{shown} {times}")
        else:
            self._console.print(f"{text} {times}", markup=False, highlight=False, soft_wrap=True)


def _scores(logs: dict[str, float]) -> str:
    shown = ("loss", "accuracy", "val_loss", "val_accuracy")
    return " ".join(f"{name} {logs[name]:.3f}" for name in shown if name in logs)
