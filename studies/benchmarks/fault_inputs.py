"""Bad inputs of every kind, and whether a command answers with a sentence or does the right thing.

Each generator writes what a command is given and says what must come of it: "refuse", "accept",
or, where bytes were changed at random, an independent reader that decides.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.benchmarks.fault_cases import Case, Outcome, ask, spread, undrawn
from studies.benchmarks.fault_input_data import FOLDERS, NPZ, PARQUET, good_npz
from studies.benchmarks.fault_input_texts import GROUPS_CSV, NAMES, OPTIONS, PARAMS, SPACES

__all__ = ["GROUPS", "Runner", "cases"]

GROUPS = {
    "npz": 120,
    "Parquet": 80,
    "image folders": 60,
    "params JSON": 60,
    "groups CSV": 50,
    "space TOML": 60,
    "names": 30,
    "options": 40,
}
_GENERATORS = {
    "npz": NPZ,
    "Parquet": PARQUET,
    "image folders": FOLDERS,
    "params JSON": PARAMS,
    "groups CSV": GROUPS_CSV,
    "space TOML": SPACES,
    "names": NAMES,
    "options": OPTIONS,
}
_MEMORY = 12 * 2**30  # bytes of addresses: what reads without end fails instead of the machine
_MAX_SECONDS = 10
_FAST = ["--folds", "2", "--jobs", "1", "--threads", "1", "--quiet"]
_DATA_KINDS = {"npz", "Parquet", "image folders"}


def cases() -> list[Case]:
    """List all cases."""
    return spread("inputs", GROUPS)


@dataclass(frozen=True)
class _Command:
    name: str
    words: list[Any]


class Runner:
    """Gives commands bad inputs, in this process."""

    def __init__(self, folder: Path, *, limit_memory: bool = True) -> None:
        self._folder = folder
        self._data = folder / "good.npz"
        good_npz(self._data)
        if limit_memory:
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.RLIM_INFINITY))

    def run(self, case: Case) -> Outcome:
        """Make the input, give it to its command, and judge the answer."""
        folder = self._folder / f"{case.group} {case.number}"
        folder.mkdir()
        rng = random.Random(case.key)  # noqa: S311  (no secret)
        ways = list(_GENERATORS[case.group])
        way = ways[case.number % len(ways)]
        generate: Callable[..., Any] = _GENERATORS[case.group][way]
        given, expected = generate(folder, rng)
        command = self._command(case.group, given, folder / "results")
        # Names are drawn, for what cannot be drawn may be a name.
        with nullcontext() if "name" in way else undrawn():
            answer = ask(command.name, command.words)
        name = answer.name
        if name != "done" and answer.seconds > _MAX_SECONDS:
            name = "longer than 10 s"
        if name == "done":
            name = self._judged(expected, folder / "results")
        elif name.startswith("a sentence"):
            if expected == "accept":
                name = "REFUSED WHAT IS RIGHT"
            elif any(path.is_file() for path in folder.glob("results/**/*")):
                name = "a sentence, but files are left"
        shutil.rmtree(folder, ignore_errors=True)
        return Outcome({name: 1}, f"{way}: {command.words}\n{answer.said[-700:]}"[:3000])

    def _command(self, group: str, given: Any, results: Path) -> _Command:
        cv = ["--model", "dummy", *_FAST, "--results", results]
        data = ["--dataset", self._data]
        if group in _DATA_KINDS:
            return _Command("cv", [*cv, "--dataset", given, "--run", "r"])
        if group == "params JSON":
            return _Command("cv", [*cv[2:], *data, *given, "--run", "r"])
        if group == "groups CSV":
            return _Command("cv", [*cv, *data, "--groups", given, "--run", "r"])
        if group == "space TOML":
            words = ["--model", "logistic", "--trials", "1", "--folds", "2", "--threads", "1"]
            more = [*data, "--study", "s", "--results", results, "--quiet"]
            return _Command("tune", [*words, *more, "--space", given])
        if group == "names":
            return _Command("cv", [*cv, *data, "--run", given])
        return _Command("cv", [*cv, *data, "--run", "r", *given])

    def _judged(self, expected: Any, results: Path) -> str:
        if expected == "refuse":
            return "ACCEPTED WHAT IS WRONG"
        if callable(expected):
            run = json.loads((results / "r" / "run.json").read_text())
            is_right = expected(run["identity"]["data"]["fingerprint"])
            return "accepted, right results" if is_right else "ACCEPTED WHAT IS WRONG"
        return "accepted, right results"
