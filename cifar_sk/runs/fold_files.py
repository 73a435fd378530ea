"""A finished fold as files: JSON, NPZ and CSV, and nothing that runs code when it is read."""

from __future__ import annotations

import csv
import json
import math
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult

__all__ = ["read_fold", "write_fold"]

_SCALARS = ("index", "repeat", "fold", "n_train", "fit_time", "score_time", "n_epochs")


def write_fold(result: FoldResult, folder: Path, scores: dict[str, float]) -> None:
    """Write a fold's files into a folder, `scores` for readers beside the predictions."""
    scalars = {name: getattr(result, name) for name in (*_SCALARS, "n_parameters")}
    for name in ("n_multiply_adds", "best_params"):
        if (value := getattr(result, name)) is not None:
            scalars[name] = value
    finite = {name: value if math.isfinite(value) else None for name, value in scores.items()}
    text = json.dumps({**scalars, "scores": finite}, indent=1, default=lambda x: x.item())
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    arrays: dict[str, Any] = {"index": result.test_index, "proba": result.proba}
    if result.holdout_proba is not None:
        arrays["holdout_proba"] = result.holdout_proba
    np.savez(folder / "predictions.npz", **arrays)
    with (folder / "history.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["epoch", *result.history])
        for epoch, values in enumerate(zip(*result.history.values(), strict=True), start=1):
            writer.writerow([epoch, *(repr(float(value)) for value in values)])


# What reading a damaged JSON, NPZ or CSV file raises.
_UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    zipfile.BadZipFile,
)


def read_fold(folder: Path) -> FoldResult:
    """Read what `write_fold` wrote, equal to the bit, from a folder named by the fold's index."""
    try:
        scalars = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        scalars.pop("scores")
        with (
            (folder / "predictions.npz").open("rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            index, proba = arrays["index"], arrays["proba"]
            holdout = arrays.get("holdout_proba")
        with (folder / "history.csv").open(encoding="utf-8", newline="") as table:
            history = _columns(csv.reader(table))
        if scalars["index"] != int(folder.name) or len(index) != len(proba):
            raise ValueError("its files do not belong together")
        return FoldResult(
            **scalars, test_index=index, proba=proba, holdout_proba=holdout, history=history
        )
    except _UNREADABLE as error:
        raise InputError(
            f"{folder} cannot be read as a finished fold ({error}); delete it, and resume."
        ) from error


def _columns(rows: Iterable[list[str]]) -> dict[str, list[float]]:
    header, *lines = rows
    columns = {name: [float(line[at]) for line in lines] for at, name in enumerate(header)}
    columns.pop("epoch")
    return columns
