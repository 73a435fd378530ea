"""What each of two runs misses that the other gets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.mistakes.samples import sample_predictions
from cifar_sk.predictions import OOFResult

__all__ = ["exclusive_mistakes", "outcomes_by_class"]


def exclusive_mistakes(
    first: OOFResult, second: OOFResult, *, names: tuple[str, str] = ("first", "second")
) -> pd.DataFrame:
    """List samples that one run gets wrong and the other right, most confident mistake first.

    Parameters
    ----------
    first, second : OOFResult
        Two runs on the same samples; with repeats, a run's prediction for a sample is the class
        of the highest mean probability.
    names : (str, str), default=("first", "second")
        What to call them.

    Returns
    -------
    DataFrame
        ``sample``, ``true``, ``missed_by`` (which run is wrong), ``predicted`` and
        ``confidence`` of the run that is wrong, its ``proba_true``, and ``other_proba_true``,
        the probability by which the other run gets it right. The mistakes of `first` come
        before those of `second`.

    Raises
    ------
    InputError
        If the runs have other samples or classes, a run has no prediction for a sample, or
        `names` are equal.
    """
    tables = _aligned(first, second, names)
    parts = []
    for name, wrong, right in zip(names, tables, tables[::-1], strict=True):
        is_exclusive = ~wrong["is_correct"] & right["is_correct"]
        part = wrong[is_exclusive].assign(
            missed_by=name, other_proba_true=right["proba_true"][is_exclusive]
        )
        parts.append(part.sort_values(["confidence", "sample"], ascending=[False, True]))
    columns = ["sample", "true", "missed_by", "predicted", "confidence", "proba_true"]
    return pd.concat(parts)[[*columns, "other_proba_true"]].reset_index(drop=True)


def outcomes_by_class(
    first: OOFResult, second: OOFResult, *, names: tuple[str, str] = ("first", "second")
) -> pd.DataFrame:
    """Count for each class how many samples both, one or neither of two runs gets right.

    Parameters
    ----------
    first, second, names
        As for `exclusive_mistakes`.

    Returns
    -------
    DataFrame of int64
        A row per class, and a last one ``all``: ``class``, ``both_right``, ``only_NAME_right``
        for each run, and ``both_wrong``.

    Raises
    ------
    InputError
        As `exclusive_mistakes`.
    """
    one, other = (table["is_correct"].to_numpy() for table in _aligned(first, second, names))
    outcomes = {
        "both_right": one & other,
        f"only_{names[0]}_right": one & ~other,
        f"only_{names[1]}_right": ~one & other,
        "both_wrong": ~one & ~other,
    }
    n_classes = len(first.class_names)
    counts = {
        name: np.bincount(first.target[held], minlength=n_classes)
        for name, held in outcomes.items()
    }
    table = pd.DataFrame({"class": list(first.class_names), **counts})
    totals = {"class": "all", **{name: held.sum() for name, held in counts.items()}}
    return pd.concat([table, pd.DataFrame([totals])], ignore_index=True)


def _aligned(
    first: OOFResult, second: OOFResult, names: tuple[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the predictions of both runs, row by row the same samples."""
    if names[0] == names[1]:
        raise InputError(f"names must differ, got {names[0]!r} twice; give each run its own")
    if first.class_names != second.class_names or not np.array_equal(first.target, second.target):
        raise InputError(
            "Two runs can be compared sample by sample only on the same samples and classes; "
            "run both on one data set."
        )
    tables = sample_predictions(first), sample_predictions(second)
    for name, table in zip(names, tables, strict=True):
        if len(table) < len(first.target):
            raise InputError(
                f"{name} has predictions for {len(table)} of {len(first.target)} samples; resume "
                "the run until no fold is failed or missing."
            )
    return tables
