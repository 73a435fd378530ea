"""What the kinds of faults share: cases, small data, tables, and commands run in-process."""

from __future__ import annotations

import contextlib
import importlib
import io
import time
import traceback
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Answer", "Case", "Outcome", "ask", "spread", "tables", "tiny_data", "undrawn"]

_TIMES = {"fit_time", "score_time", "duration", "datetime_start", "datetime_complete"}
_UNFORESEEN = 70  # the exit code of the handler for what nobody foresaw


@dataclass(frozen=True)
class Case:
    """One fault: the `number`-th of a group, whose place in the group is `share`, 0 to 1."""

    kind: str
    group: str
    number: int

    @property
    def key(self) -> str:
        """Its name in the record."""
        return f"{self.kind} | {self.group} | {self.number}"

    @property
    def share(self) -> float:
        """A place from 0 to 1; those of the first n cases of a group are spread evenly."""
        return (0.5 + self.number * 0.6180339887498949) % 1


@dataclass
class Outcome:
    """What came of a case: how often what happened, and what a person needs to look into it."""

    counts: dict[str, int] = field(default_factory=dict)
    detail: str = ""


def spread(kind: str, sizes: dict[str, int]) -> list[Case]:
    """List the cases of a kind so that its first n hold every group in proportion."""
    cases = [Case(kind, group, number) for group, size in sizes.items() for number in range(size)]
    return sorted(cases, key=lambda case: ((case.number + 0.5) / sizes[case.group], case.group))


def tiny_data(path: Path) -> Path:
    """Write 150 digits from 0 to 2 as 8×8 images, 30 of them as a test split."""
    from sklearn.datasets import load_digits

    digits = load_digits(n_class=3)
    images = (digits.images[:150, ..., np.newaxis] * 15).astype(np.uint8)
    names = {"x_train": images[:120], "x_test": images[120:]}
    np.savez(path, **names, y_train=digits.target[:120], y_test=digits.target[120:150])
    return path


def tables(path: Path, files: Iterable[Path] | None = None) -> dict[str, bytes]:
    """Return the tables of a folder as bytes, by name, but for the columns of times."""
    found = sorted(path.rglob("*.csv")) if files is None else sorted(files)
    found += [path / "classification_report.txt"] if files is None else []
    return {
        file.relative_to(path).as_posix(): _without_times(file)
        for file in found
        if file.is_file() and "folds" not in file.relative_to(path).parts
    }


def _without_times(file: Path) -> bytes:
    content = file.read_bytes()
    if file.suffix != ".csv":
        return content
    try:
        table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    except ValueError:  # it was damaged, and nobody wrote it again
        return content
    times = [name for name in table if name.split(" ")[0] in _TIMES]
    return table.drop(columns=times).to_csv(index=False).encode() if times else content


@dataclass(frozen=True)
class Answer:
    """How a command that ran in this process ended."""

    code: int | None  # None: it raised
    said: str
    seconds: float

    @property
    def name(self) -> str:
        """The outcome, of which "done" is still to be looked into."""
        if self.code is None or "Traceback (most recent" in self.said:
            return "traceback"
        if self.code == _UNFORESEEN:
            return "unforeseen, exit 70"
        if self.code == 0:
            return "done"
        errors = [line for line in self.said.splitlines() if line.startswith("error: ")]
        is_sentence = len(errors) == 1 and len(errors[0]) < 2000
        return f"a sentence, exit {self.code}" if is_sentence else f"no sentence, exit {self.code}"


def ask(command: str, words: Sequence[Any]) -> Answer:
    """Run a command line in this process, and catch all that it says."""
    module = importlib.import_module(f"cifar_sk.{command}")
    said, code, start = io.StringIO(), None, time.perf_counter()
    with (
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        warnings.catch_warnings(action="ignore"),
    ):
        try:
            module.main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        except BaseException:
            said.write(traceback.format_exc())
    return Answer(code, said.getvalue(), time.perf_counter() - start)


@contextlib.contextmanager
def undrawn() -> Any:
    """Save figures as a pixel: drawing them is most of a command's time, and is not tested."""
    from matplotlib.figure import Figure

    pixel = b"\x89PNG\r\n\x1a\n"

    def save(figure: Any, file: Any, *_: Any, **__: Any) -> None:
        file.write(pixel) if hasattr(file, "write") else Path(file).write_bytes(pixel)

    kept, Figure.savefig = Figure.savefig, save
    try:
        yield
    finally:
        Figure.savefig = kept
