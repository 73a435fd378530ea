"""A finished fold as files: JSON, NPZ and CSV, and nothing that runs code when it is read."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeInt

from cifar_sk.errors import InputError, reading
from cifar_sk.folds.json_values import read_json, validate
from cifar_sk.folds.predictions import FoldResult
from cifar_sk.runs.checksums import REMEDY, fold_damage

__all__ = ["read_fold", "write_fold"]

_READ = ("metrics.json", "predictions.npz", "history.csv")
_SCALARS = ("index", "repeat", "fold", "n_train", "fit_time", "score_time", "n_epochs")


class _Scalars(BaseModel):
    """What is read of ``metrics.json``; its scores are for people."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)
    index: NonNegativeInt
    repeat: NonNegativeInt
    fold: NonNegativeInt
    n_train: NonNegativeInt
    fit_time: float
    score_time: float
    n_epochs: NonNegativeInt | None
    n_parameters: NonNegativeInt | None = None
    n_multiply_adds: NonNegativeInt | None = None
    best_params: dict[str, Any] | None = None
    seed: NonNegativeInt = 0


def write_fold(result: FoldResult, folder: Path, scores: dict[str, float]) -> None:
    """Write a fold's files into a folder, `scores` for readers beside the predictions."""
    scalars = {name: getattr(result, name) for name in (*_SCALARS, "n_parameters")}
    for name in ("n_multiply_adds", "best_params"):
        if (value := getattr(result, name)) is not None:
            scalars[name] = value
    scalars |= {"seed": result.seed} if result.seed else {}  # the first goes without saying
    finite = {name: value if math.isfinite(value) else None for name, value in scores.items()}
    text = json.dumps({**scalars, "scores": finite}, indent=1, default=lambda x: x.item())
    (folder / _READ[0]).write_text(text + "\n", encoding="utf-8")
    arrays: dict[str, Any] = {"index": result.test_index, "proba": result.proba}
    if result.holdout_proba is not None:
        arrays["holdout_proba"] = result.holdout_proba
    np.savez(folder / _READ[1], **arrays)
    with (folder / _READ[2]).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["epoch", *result.history])
        for epoch, values in enumerate(zip(*result.history.values(), strict=True), start=1):
            writer.writerow([epoch, *(repr(float(value)) for value in values)])


def read_fold(folder: Path, runs: Collection[str] | None = None) -> FoldResult:
    """Read what `write_fold` wrote, equal to the bit, from a folder named by the fold's index.

    `runs` are the digests that its `files.json` may name; None for older versions.
    """
    if damage := fold_damage(folder, runs, _READ):
        raise InputError(damage)
    with reading(str(folder), "a finished fold", REMEDY):
        file = folder / _READ[0]
        said = validate(_Scalars, read_json(file, REMEDY), file, REMEDY)
        predictions, history = ((folder / name).read_bytes() for name in _READ[1:])
        index, proba, holdout = _arrays(predictions)
        table = _columns(csv.reader(io.StringIO(history.decode("utf-8"))))
        if said.index != int(folder.name) or len(index) != len(proba):
            raise ValueError("its files do not belong together")
    return FoldResult(
        **said.model_dump(), test_index=index, proba=proba, holdout_proba=holdout, history=table
    )


def _arrays(content: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        index, proba, holdout = arrays["index"], arrays["proba"], arrays.get("holdout_proba")
    if index.ndim != 1 or index.dtype.kind != "i" or index.min(initial=0) < 0:
        raise ValueError("index must hold positions of samples")
    for name, values in {"proba": proba, "holdout_proba": holdout}.items():
        if values is not None and (values.ndim != 2 or values.dtype.kind != "f"):
            raise ValueError(f"{name} must be a table of numbers")
    return index, proba, holdout


def _columns(rows: Iterable[list[str]]) -> dict[str, list[float]]:
    header, *lines = rows
    columns = {name: [float(row[at]) for row in lines] for at, name in enumerate(header)}
    del columns["epoch"]
    return columns
