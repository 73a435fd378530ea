"""What the command lines share: the data options, ending with one sentence, progress."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console
    from sklearn.utils import Bunch

    from cifar_sk.evaluation.fold_task import FoldEvent
    from cifar_sk.folds.progress import EpochEnd

__all__ = [
    "Call",
    "DataHome",
    "Dataset",
    "FoldProgress",
    "Limit",
    "RunDataset",
    "duration",
    "keyboard_interrupts",
    "open_dataset",
    "run_command",
]


Dataset = Annotated[
    str | None,
    typer.Option(
        help="cifar10, cifar10-jpeg, cifar100, digits, or a path (folder of images per class, "
        ".npz, Parquet, CIFAR batches). Unset: CIFAR-10, or the embedded digits if it cannot be "
        "had.",
        show_default=False,
    ),
]
DataHome = Annotated[
    Path | None,
    typer.Option(help="Folder that CIFAR is looked for in.", envvar="CIFAR_SK_DATA"),
]
RunDataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        help="Where the images of a run are: a name or a path. Unset: as the run calls them.",
        show_default=False,
    ),
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="Use a stratified random subset of so many images.")
]


def open_dataset(
    dataset: str | None,
    data_home: Path | None,
    limit: int | None,
    *,
    seed: int,
    test_split: bool = False,
) -> Bunch:
    """Load the data set that the options name, and say loudly where another stands in for it.

    Parameters
    ----------
    dataset, data_home, limit, test_split
        As for `cifar_sk.datasets.load_dataset`.
    seed : int
        Of the subset.

    Returns
    -------
    Bunch
    """
    from cifar_sk.datasets import load_dataset

    bunch = load_dataset(
        dataset, data_home=data_home, limit=limit, random_state=seed, test_split=test_split
    )
    if bunch.fallback:
        typer.secho(f"warning: {bunch.fallback}", fg=typer.colors.YELLOW, bold=True, err=True)
    return bunch


@dataclass(frozen=True)
class Call:
    """How a command was called; its ``context.obj``.

    Attributes
    ----------
    words : list of str
        Word by word.
    space : mapping or None
        A study's search space, where a program of a user's own stands behind the command.
    """

    words: list[str]
    space: Mapping[str, Any] | None = None


def run_command(
    app: typer.Typer,
    name: str,
    argv: Sequence[str] | None = None,
    *,
    defaults: Mapping[str, Any] | None = None,
    space: Mapping[str, Any] | None = None,
) -> None:
    """Run a command line, and end the process as users expect.

    Parameters
    ----------
    app : typer.Typer
        The command.
    name : str
        As in ``python -m NAME``.
    argv : sequence of str, default=None
        The arguments; those of the process by default.
    defaults : mapping, default=None
        Other defaults than the command's own, by the names of its parameters.
    space : mapping, default=None
        Handed on in a `Call`.

    Raises
    ------
    SystemExit
        Always: 0, the command's own code, 2 for input that cannot be used (said in one
        sentence), 1 for what the machine refused (such as a full disk), 130 for Ctrl-C.
    """
    prog = f"python -m {name}"
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        code = app(
            args,
            prog_name=prog,
            standalone_mode=False,
            obj=Call([*prog.split(), *args], space),
            default_map=dict(defaults or {}),
        )
    except InputError as error:
        _end(str(error), 2)
    except typer.TyperException as error:
        _end(f"{error.format_message()} (see {prog} --help)", 2)
    except OSError as error:
        _end(f"{error}; what was finished before is kept", 1)
    except (KeyboardInterrupt, typer.Abort):
        _end("interrupted", 130)
    if code == 130:  # Typer's own answer to Ctrl-C
        _end("interrupted", 130)
    raise SystemExit(code or 0)


def _end(message: str, code: int) -> None:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    raise SystemExit(code)


@contextmanager
def keyboard_interrupts() -> Iterator[Callable[[], None]]:
    """Remember Ctrl-C, for the interpreter drops the exception where it runs a finaliser.

    Yields
    ------
    callable
        Raises KeyboardInterrupt if Ctrl-C was pressed; to be called now and then. In other
        threads than the main one it does nothing.
    """
    pressed = threading.Event()

    def handle(*_: object) -> None:
        pressed.set()
        raise KeyboardInterrupt

    def check() -> None:
        if pressed.is_set() and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield check  # such as a background job, which is to ignore Ctrl-C
        return
    signal.signal(signal.SIGINT, handle)
    sys.unraisablehook = _report_unless_interrupt
    try:
        yield check
    finally:
        sys.unraisablehook = sys.__unraisablehook__
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _report_unless_interrupt(dropped: sys.UnraisableHookArgs) -> None:
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


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

    On a terminal a line for each running fold and one for all of them are redrawn below those
    of finished folds; elsewhere every epoch and fold is a plain line. Used in a ``with``
    statement, and as listener of the fold loop.

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
        from rich.progress import BarColumn, Progress, TaskID, TextColumn
        from rich.table import Column

        self._n_folds = n_folds
        self._n_todo = n_folds - n_done
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
            self._handle(event)

    def _handle(self, event: FoldEvent) -> None:
        if event.result is not None:
            self._end_fold(event.index, event.result)
        elif event.epoch is not None and event.index not in self._ended:
            self._end_epoch(event.index, event.epoch)

    def _end_epoch(self, index: int, end: EpochEnd) -> None:
        self._share[index] = end.epoch / end.n_epochs
        text = f"fold {index + 1}/{self._n_folds} {end.unit} {end.epoch}/{end.n_epochs} "
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
            n_ended = self._n_folds - self._n_todo + len(self._ended)
            all_folds = f"{n_ended} of {self._n_folds} folds {times}"
            self._bar.update(self._all_folds, completed=share, description=all_folds)
        else:
            self._console.print(f"{text} {times}", markup=False, highlight=False, soft_wrap=True)


def _scores(logs: dict[str, float]) -> str:
    shown = ("loss", "accuracy", "val_loss", "val_accuracy", "best")
    return " ".join(f"{name} {logs[name]:.3f}" for name in shown if name in logs)
