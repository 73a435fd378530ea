"""The command of a finished run with more repeats or seeds, to be run again.

The command stands in the run's ``run.json``, and that file may come from anywhere. So of its words
only the options of ``cifar_sk.cv`` are taken, where it writes is never taken from it, and what it
names by an import path is run only if the caller names it too.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cifar_sk.backend.machine import threads_set
from cifar_sk.errors import InputError

if TYPE_CHECKING:
    from cifar_sk.runs.manifest import Manifest

__all__ = ["extended_words", "recorded_threads"]

_PROGRAM = ["python", "-m", "cifar_sk.cv"]
# Where a run is written and what is shown is up to the caller, never to the file.
_NOT_TAKEN = frozenset(
    {"run", "results", "resume", "overwrite", "quiet", "repeats", "seeds", "threads"}
)


def extended_words(
    app: typer.Typer, path: Path, n_repeats: int | None, n_seeds: int | None
) -> list[str]:
    """Return the options of `app` that go on with a run and add repeats or seeds to it."""
    from cifar_sk.runs.folder import read_manifest

    manifest = read_manifest(path)
    command = typer.main.get_command(app)
    given = _given(command, _typed(path, manifest.command), path)
    taken = {name: value for name, value in given.items() if name not in _NOT_TAKEN}
    taken |= {"run": str(path.resolve()), "resume": True, "threads": manifest.n_threads}
    taken["repeats"] = manifest.split.n_repeats if n_repeats is None else n_repeats
    taken["seeds"] = manifest.split.n_seeds if n_seeds is None else n_seeds
    taken |= _engine(manifest)
    names = {param.name: max(param.opts, key=len) for param in command.params}
    return [word for name, value in taken.items() for word in _words(names[name], value)]


def recorded_threads(path: Path) -> int | None:
    """Return the threads of each fold of a run, or None where there is no run."""
    from cifar_sk.runs.folder import read_manifest

    with suppress(InputError):  # which the run's folder will raise again
        return read_manifest(path).n_threads
    return None


def _typed(path: Path, command: str | None) -> list[str]:
    """Return the words behind the program's name."""
    try:
        words = shlex.split(command or "")
    except ValueError:  # such as an open quote
        words = []
    if words[: len(_PROGRAM)] != _PROGRAM:
        made = f"by {command!r}" if command else "by no command"
        raise InputError(
            f"{path} was made {made}, and only runs of {' '.join(_PROGRAM)!r} can be added to by "
            "another command; run its own program again with more repeats."
        )
    return words[len(_PROGRAM) :]


def _given(command: Any, words: Sequence[str], path: Path) -> dict[str, Any]:
    """Return the options' values by the names of parameters, as text; nothing is run."""
    try:
        parser = command.make_parser(command.context_class(command, info_name="cv"))
        values, others, _ = parser.parse_args(list(words))
    except typer.TyperException as error:
        others, values = [error.format_message()], {}
    if others:
        raise InputError(
            f"The command in {path / 'run.json'} is not one of cifar_sk.cv ({others[0]}); run the "
            "run's own program again with more repeats."
        )
    return dict(values)


def _engine(manifest: Manifest) -> dict[str, str]:
    """Name an engine for other threads than this process has begun to compute with."""
    differ = threads_set() not in {0, manifest.n_threads}
    return {"engine": "processes"} if differ and "keras" in sys.modules else {}


def _words(option: str, value: Any) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return [option]
    return [f"{option}={item}" for item in (value if isinstance(value, list) else [value])]
