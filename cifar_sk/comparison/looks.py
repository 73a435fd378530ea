"""Looking at a growing comparison several times, and what was decided each time.

The looks of a comparison are kept with its tables. Whoever looks, adds repeats because the answer
was open, and looks again, has more than one chance to find a difference that is none: tested at
5 % each, ten looks find one in 12 to 19 %. So every look counts, and each is read at a level that
keeps 5 % over all of them (`cifar_sk.statistics.pocock_level`). Intervals at that level are
repeated confidence intervals [1]_: all of them hold the difference at once with 95 %, whatever
made the looking end.

References
----------
.. [1] Jennison, C. and Turnbull, B. W. (1989). Interim analyses: the repeated confidence interval
   approach. Journal of the Royal Statistical Society B 51, 305–361.
   https://doi.org/10.1111/j.2517-6161.1989.tb01433.x
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from cifar_sk.comparison.metric_tests import difference_spread
from cifar_sk.comparison.tests.procedure import procedure_test
from cifar_sk.comparison.tests.protocol import Finding
from cifar_sk.errors import InputError
from cifar_sk.folds.json_values import read_json, validate
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.runs.files import write_atomically
from cifar_sk.runs.reading import FinishedRun
from cifar_sk.statistics import Spread, pocock_level

__all__ = ["Look", "Looks", "judge", "look_at", "read_looks", "run_identity", "write_looks"]

_FILE = "looks.json"

Decision = Literal["different", "equivalent", "the same", "open"]


@dataclass(frozen=True)
class Look:
    """What was seen of the primary metric at a number of repeats, and what was decided."""

    repeats: int
    seeds: int
    fits: int  # of each run
    estimate: float
    low: float
    high: float
    p_value: float
    level: float
    decision: Decision


def judge(spread: Spread, rope: float, level: float) -> Look:
    """Decide by the interval at a level: different, within ±`rope`, or open."""
    found = procedure_test(spread, confidence=1 - level)
    decision: Decision = "open"
    if found.estimate == 0 and np.isnan(found.low):  # nothing differs in any image
        found, decision = Finding(0.0, 0.0, 0.0, p_value=1.0), "the same"
    elif found.low > 0 or found.high < 0:
        decision = "different"
    elif -rope < found.low and found.high < rope:
        decision = "equivalent"
    return Look(
        spread.n_repeats,
        spread.n_seeds,
        spread.n_fits,
        found.estimate,
        found.low,
        found.high,
        found.p_value,
        level,
        decision,
    )


@dataclass(frozen=True)
class Looks:
    """The looks at two runs by one metric, oldest first.

    Attributes
    ----------
    runs : tuple of str
        What `run_identity` says of the two.
    metric : str
        The primary metric.
    max_repeats : int or None
        Where looking ends at the latest; None where nobody said so before looking.
    first_max : int or None
        The same, as it was said first.
    looks : tuple of Look
        One for each number of repeats and seeds.
    """

    runs: tuple[str, str]
    metric: str
    max_repeats: int | None = None
    first_max: int | None = None
    looks: tuple[Look, ...] = ()

    def until(self, max_repeats: int) -> Looks:
        """Say where looking is to end."""
        return replace(self, max_repeats=max_repeats, first_max=self.first_max or max_repeats)

    @property
    def is_series(self) -> bool:
        """Whether there are several looks, or are to be."""
        return self.max_repeats is not None or len(self.looks) > 1

    @property
    def planned(self) -> int:
        """How many looks there are at most: those that were, and one for each repeat to come."""
        if not self.looks:
            return 1
        return self._planned(self.looks[-1].repeats, self.looks[-1].seeds)

    def level(self, repeats: int, seeds: int, alpha: float = 0.05) -> float:
        """Return the level of a look at so many repeats."""
        return pocock_level(self._planned(repeats, seeds), alpha)

    def _planned(self, repeats: int, seeds: int) -> int:
        counted = {(look.repeats, look.seeds) for look in self.looks} | {(repeats, seeds)}
        to_come = range(repeats, (self.max_repeats or 0) + 1)
        return len(counted | {(later, seeds) for later in to_come})

    def add(self, look: Look) -> Looks:
        """Return the looks with one more; the same data looked at again are no new look."""
        place = (look.repeats, look.seeds)
        kept = [old for old in self.looks if (old.repeats, old.seeds) != place]
        return replace(self, looks=(*kept, look))

    def frame(self) -> pd.DataFrame:
        """Return the looks as a table, without the seeds where there is one."""
        table = pd.DataFrame([asdict(look) for look in self.looks])
        return table.drop(columns="seeds") if (table["seeds"] == 1).all() else table


def run_identity(result: OOFResult) -> str:
    """Return a fingerprint of the first pass, which further repeats and seeds leave as it is."""
    digest = hashlib.sha256(result.target.tobytes())
    for fold in result.folds[: result.n_folds]:
        digest.update(fold.test_index.tobytes())
        if fold.proba is not None:
            digest.update(fold.proba.tobytes())
    return digest.hexdigest()


def look_at(
    folder: Path,
    runs: Sequence[FinishedRun],
    *,
    metric: str,
    rope: float,
    max_repeats: int | None = None,
) -> Looks:
    """Look at two runs, keep that in a folder, and return all looks so far, this one last.

    `max_repeats` says where a series of looks is to end; None looks once, as it happens.
    """
    first, second = (run.result for run in runs)
    looks = read_looks(folder, [first, second], metric)
    if max_repeats is not None:
        looks = looks.until(max_repeats)
    level = looks.level(first.n_repeats, first.n_seeds)
    look = judge(difference_spread(first, second, metric), rope, level)
    if not np.isfinite([look.estimate, look.low, look.high]).all():
        raise InputError(
            f"{metric} is undefined in a fold, or there is one fold, so its difference cannot be "
            "looked at until it is certain; name another --metric, or use more folds."
        )
    looks = looks.add(look)
    write_looks(folder, looks)
    return looks


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    runs: tuple[str, str]
    metric: str
    max_repeats: int | None
    first_max: int | None
    looks: tuple[Look, ...]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    comparisons: tuple[_Entry, ...]


def read_looks(folder: Path, results: Sequence[OOFResult], metric: str) -> Looks:
    """Return the looks that a folder keeps of two runs by a metric; none of other runs."""
    runs = (run_identity(results[0]), run_identity(results[1]))
    for entry in _entries(folder):
        if (entry.runs, entry.metric) == (runs, metric):
            return Looks(runs, metric, entry.max_repeats, entry.first_max, entry.looks)
    return Looks(runs, metric)


def write_looks(folder: Path, looks: Looks) -> None:
    """Keep the looks of two runs beside those by other metrics; of other runs none is kept."""
    others = [
        entry.model_dump(mode="json")
        for entry in _entries(folder)
        if entry.runs == looks.runs and entry.metric != looks.metric
    ]
    content = {"format": 1, "comparisons": [*others, asdict(looks)]}
    write_atomically(folder / _FILE, (json.dumps(content, indent=1) + "\n").encode())


def _entries(folder: Path) -> tuple[_Entry, ...]:
    file = folder / _FILE
    if not file.exists():
        return ()
    remedy = "delete it, and bear in mind that its looks are then not counted"
    return validate(_File, read_json(file, remedy), file, remedy).comparisons
