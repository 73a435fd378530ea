"""What every registered test finds of every pair of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.comparison.tests.holm import holm
from cifar_sk.comparison.tests.protocol import Finding, FoldScores, SampleOutcomes, all_tests
from cifar_sk.errors import InputError
from cifar_sk.statistics import Spread

__all__ = ["findings_table"]


def findings_table(
    scores: pd.DataFrame,
    right: Sequence[np.ndarray],
    spreads: Mapping[tuple[str, str], Spread],
    *,
    groups: np.ndarray | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Return a row per pair of runs, test and, of tests over samples, pass."""
    # scores are (n_folds, n_runs); right says by run which samples are, (n_samples, n_passes);
    # spreads are those of the differences, by the pairs of names.
    tests = all_tests()
    rows = []
    for one, other in combinations(range(len(right)), 2):
        first, second = scores.columns[one], scores.columns[other]
        folds = FoldScores(scores[first].to_numpy(), scores[second].to_numpy(), **options)
        samples = [
            SampleOutcomes(*pair, groups)
            for pair in zip(right[one].T, right[other].T, strict=True)
        ]
        once = {FoldScores: folds, Spread: spreads[first, second]}
        for name, test in tests.items():
            pair = {"test": name, "first": first, "second": second}
            if test.needs in once:
                rows.append({**pair, "repeat": None, **_found(name, test, once[test.needs])})
            else:
                found = (_found(name, test, outcomes) for outcomes in samples)
                rows += [{**pair, "repeat": repeat, **row} for repeat, row in enumerate(found)]
    table = pd.DataFrame(rows).astype({"repeat": "Int64"})
    same_test = table.groupby(["test", "repeat"], dropna=False)["p_value"]
    table.insert(list(table).index("p_value") + 1, "p_holm", same_test.transform(holm))
    return table


def _found(name: str, test: Callable[[Any], Any], given: Any) -> dict[str, Any]:
    found = test(given)
    if not isinstance(found, Finding):
        raise InputError(f"The test {name!r} must return a Finding, got {found!r}.")
    return asdict(found)
