"""``cifar-sk NAME`` and ``python -m cifar_sk NAME``: the command lines under one name."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from cifar_sk._version import __version__
from cifar_sk.backend import interrupts
from cifar_sk.errors import did_you_mean

__all__ = ["COMMANDS", "command_module", "main"]

COMMANDS = {
    "cv": "evaluate a model by stratified k-fold cross-validation",
    "tune": "tune a model by an Optuna study, with an honest score of the winner",
    "compare": "compare finished runs by paired tests",
    "plan": "say how many repeats, seeds and images show a difference",
    "report": "write the page of a finished run again",
    "verify": "check a run's files, and compute its tables again from its predictions",
    "audit": "look for leaks in a pipeline or in a run",
    "explain": "show why a run's models predict what they do",
    "explore": "describe a data set and draw samples of it",
}


def command_module(name: str) -> ModuleType:
    """Import the module of a command.

    Parameters
    ----------
    name : str
        A key of `COMMANDS`.

    Returns
    -------
    module
        With ``app`` and ``main``.
    """
    return importlib.import_module(f"cifar_sk.{name}")


def main() -> None:
    """Run the command that the first argument names."""
    interrupts.begin()  # it ends well even while modules load
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in COMMANDS:
        command_module(name).main(arguments)
    elif name in {"--help", "-h"}:
        lines = [f"  {command:<9}{text}" for command, text in COMMANDS.items()]
        sys.stdout.write("usage: cifar-sk COMMAND [OPTIONS]\n\n" + "\n".join(lines) + "\n")
    elif name == "--version":
        sys.stdout.write(f"cifar_sk {__version__}\n")
    else:
        sys.stderr.write(f"error: There is no command {name!r}{did_you_mean(name, COMMANDS)}.\n")
        raise SystemExit(2)


if __name__ == "__main__":
    main()
