"""What the benchmarks share: fresh processes, their time and peak memory, and paired ratios."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.backend.machine import thread_variables

__all__ = [
    "Stopwatch",
    "end_workers",
    "in_new_process",
    "peak_memory",
    "ratios",
    "report_usage",
    "show",
]


class Stopwatch:
    """Adds up the seconds of what is done inside ``with`` blocks.

    Attributes
    ----------
    wall, cpu : float
        Seconds by the clock, and of all threads and of child processes that have ended.
    """

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> Stopwatch:
        self._begun = time.perf_counter(), _cpu_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        wall, cpu = self._begun
        self.wall += time.perf_counter() - wall
        self.cpu += _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    return time.process_time() + sum(os.times()[2:4])  # those of children are in 10 ms


def peak_memory() -> float:
    """Peak resident memory of this process, or of its largest child that has ended, MB."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) / (1024 * 1024 if sys.platform == "darwin" else 1024)


def end_workers() -> None:
    """End the worker processes of a parallel fold loop, so that their CPU time is counted."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


def report_usage(stopwatch: Stopwatch, **facts: Any) -> None:
    """Print what `in_new_process` reads: the last line that a measured process writes."""
    usage = {"wall_s": stopwatch.wall, "cpu_s": stopwatch.cpu, "peak_mb": peak_memory()}
    print(json.dumps({**usage, **facts}))


def in_new_process(module: str, words: Sequence[Any], *, threads: int) -> dict[str, float]:
    """Run ``python -m module words`` and return what it reported."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, words)],
        env={**os.environ, **thread_variables(threads)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def show(tables: dict[str, pd.DataFrame], folder: Path | None) -> None:
    """Print tables, and write each as a CSV file of its name where a folder is named."""
    for name, table in tables.items():
        print(f"\n{name}\n{table.round(4).to_string(index=False)}")
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            table.to_csv(folder / f"{name}.csv", index=False)


def ratios(measured: pd.DataFrame, key: str, baseline: Any, values: Sequence[str]) -> pd.DataFrame:
    """Divide each round's values by its baseline's; median and quartiles over the rounds.

    Parameters
    ----------
    measured : DataFrame
        A row per round and `key`, with the columns "round", `key` and `values`.
    key, baseline
        What is compared, and with which of its values.
    values : sequence of str
        Columns to divide.

    Returns
    -------
    DataFrame
        A row per value of `key`, in order of appearance: the median of each value, of its ratio,
        and the ratio's quartiles.
    """
    rows = []
    table = measured.set_index(["round", key])
    base = table.xs(baseline, level=key)
    for name in measured[key].unique():
        row: dict[str, Any] = {key: name}
        for value in values:
            own = table.xs(name, level=key)[value]
            ratio = own / base[value]
            low, high = np.percentile(ratio, [25, 75])
            row |= {value: own.median(), f"{value}_ratio": ratio.median()}
            row |= {f"{value}_ratio_q25": low, f"{value}_ratio_q75": high}
        rows.append({**row, "rounds": len(base)})
    return pd.DataFrame(rows)
