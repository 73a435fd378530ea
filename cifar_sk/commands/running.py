"""Run a command line, and end the process as users expect: by a sentence and an exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer

from cifar_sk.errors import InputError

__all__ = ["Call", "keyboard_interrupts", "run_command"]


@dataclass(frozen=True)
class Call:
    """The words by which a command was called, and a study's search space; its ``context.obj``."""

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
    """Run a command line, and end the process by its exit code, with a sentence if it failed."""
    # 2 is for input that cannot be used, 1 for what the machine refused (such as a full disk), 130
    # for Ctrl-C. `defaults` replace the command's own, by the names of its parameters.
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
    """Yield a function to be called now and then, which raises KeyboardInterrupt after Ctrl-C."""
    # The interpreter drops the exception where it runs a finaliser.
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
