"""Run a command line, and end the process as users expect: by a sentence and an exit code."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import typer

from cifar_sk.backend import interrupts
from cifar_sk.commands.output import lasting_output
from cifar_sk.commands.unforeseen import masked, write_log
from cifar_sk.errors import InputError, printable

__all__ = ["Call", "run_command"]

_MAX_UNFORESEEN = 500  # characters of what an error says that nobody wrote for a user
_KEPT = "what was finished before is kept"


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
    # 2 is for input that cannot be used, 1 for what the machine refused (such as a full disk), 70
    # (EX_SOFTWARE) for what nobody foresaw, and 128 + the signal for Ctrl-C and its like.
    # `defaults` replace the command's own, by the names of its parameters.
    prog = f"python -m {name}"
    args = list(sys.argv[1:] if argv is None else argv)
    call = Call([*prog.split(), *args], space)
    with lasting_output() as lost, interrupts.handled(), warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            _check_words(args)
            code = app(
                args,
                prog_name=prog,
                standalone_mode=False,
                obj=call,
                default_map=dict(defaults or {}),
            )
            if code == 130:  # Typer's own answer to Ctrl-C
                raise KeyboardInterrupt
        except (Exception, KeyboardInterrupt) as error:
            message, code = _ending(error, call)
            typer.echo(f"error: {' '.join(message.split())}", err=True)
        if lost and not code:
            typer.echo(f"error: {lost[0]}; the output is not whole, but {_KEPT}", err=True)
            code = 1
    raise SystemExit(code or 0)


def _check_words(words: Sequence[str]) -> None:
    """Refuse names that no table, page or JSON file could hold."""
    for word in words:
        if word != printable(word):
            raise InputError(
                f"{word!r} is not in UTF-8; rename it, or set LC_ALL to a locale in UTF-8."
            )


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning that is for users as a sentence; others say where they come from."""
    if issubclass(category, UserWarning):
        text = f"warning: {' '.join(str(message).split())}"
        typer.secho(text, fg=typer.colors.YELLOW, err=True)
    else:
        typer.echo(
            warnings.formatwarning(message, category, filename, lineno, line), err=True, nl=False
        )


def _ending(error: BaseException, call: Call) -> tuple[str, int]:
    """Say how a command ended, and by which exit code."""
    number = interrupts.received()
    if number or isinstance(error, KeyboardInterrupt | typer.Abort):
        # Where a library turned the interrupt into an error of its own, the signal counts.
        code = 128 + (number or signal.SIGINT)
        interrupts.end_with(code)
        return "interrupted", code
    if isinstance(error, InputError):
        return str(error), 2
    if isinstance(error, typer.TyperException):
        prog = " ".join(call.words[:3])
        return str(InputError(f"{error.format_message()} (see {prog} --help)")), 2
    if isinstance(error, OSError):
        return f"{error}; {_KEPT}", 1
    if isinstance(error, MemoryError):
        said = f" ({error})" if str(error) else ""
        return f"There is not enough memory{said}; use fewer --jobs or --limit; {_KEPT}", 1
    log = write_log(error, call.words)
    sent = f"please send us the log {log}" if log else "and its log could not be written"
    said = masked(f"{type(error).__name__}: {error}")[:_MAX_UNFORESEEN]
    return f"an error that nobody foresaw ({said}); {sent}; {_KEPT}", 70
