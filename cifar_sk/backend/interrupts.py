"""The signals that end a command: Ctrl-C, SIGTERM and SIGHUP, all handled in one way."""
# Only commands take these signals over. Programs that import the package keep their own handlers.

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, SimpleNamespace
from typing import Any

__all__ = ["at_once", "begin", "blocked", "check", "end_with", "handled", "received"]

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
# A terminal that is closed sends several signals, which are one wish to end.
_ONE_WISH_SECONDS = 0.3
_state = SimpleNamespace(number=0, code=0, since=0.0, at_once=True, stderr=2)


def received() -> int:
    """Return the number of the signal that has asked this command to end, or 0."""
    return int(_state.number)


def check() -> None:
    """Raise KeyboardInterrupt if a signal has come, for whoever was told may have dropped it."""
    # The interpreter drops the exception where it runs a finaliser.
    if _state.number and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


def begin() -> None:
    """Take signals over for a process that is a command, from its first imports to its end."""
    _take_over()
    atexit.register(_keep_code)  # the first to be registered is the last to be called


def end_with(code: int) -> None:
    """Note the exit code of a command that was interrupted."""
    _state.code = code


def _keep_code() -> None:
    # While Python ends it gives signals back, and one that comes then would be the exit code.
    if _state.code:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(_state.code)


def _take_over() -> dict[int, Any]:
    """Handle the signals that nobody else handles or ignores; return the handlers of before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    defaults = (signal.SIG_DFL, signal.default_int_handler)
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    # A job in the background ignores Ctrl-C, and one under nohup SIGHUP.
    ours = [number for number in numbers if signal.getsignal(number) in defaults]
    return {number: signal.signal(number, _handle) for number in ours}


@contextmanager
def handled() -> Iterator[None]:
    """Turn the first signal in this block into KeyboardInterrupt; the second ends the process."""
    before = _take_over()
    _state.number, _state.code, _state.at_once = 0, 0, False
    sys.unraisablehook = _report_unless_interrupt
    try:
        yield
    finally:
        sys.unraisablehook = sys.__unraisablehook__
        _state.at_once = True
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def at_once(stderr: int) -> Iterator[None]:
    """End the process at once if a signal comes in this block, which an exception would crash."""
    before = _state.at_once, _state.stderr
    _state.at_once, _state.stderr = True, stderr
    try:
        yield
    finally:
        _state.at_once, _state.stderr = before


@contextmanager
def blocked() -> Iterator[None]:
    """Keep Ctrl-C from the processes that this block starts; it comes to this one afterwards."""
    # A terminal sends it to all of them, and one that is still starting would print a traceback.
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker  # slow, and commands import this module first

    resource_tracker.ensure_running()  # which unblocks Ctrl-C where it is started in between
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _handle(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _state.at_once or (_state.number and now - _state.since > _ONE_WISH_SECONDS):
        _end_now(number)
    if not _state.number:
        _state.number, _state.since = number, now
        raise KeyboardInterrupt


def _end_now(number: int) -> None:
    with suppress(OSError):  # as where there is no stderr
        show_cursor = "\x1b[?25h" if os.isatty(_state.stderr) else ""  # a progress bar hides it
        os.write(_state.stderr, f"{show_cursor}error: interrupted\n".encode())
    os._exit(128 + number)


def _report_unless_interrupt(dropped: sys.UnraisableHookArgs) -> None:
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
