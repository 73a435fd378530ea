"""Reading finished run folders, for whatever compares, explains or shows them again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.predictions import FoldResult, OOFResult
from cifar_sk.runs import read_folds, read_manifest

__all__ = ["FinishedRun", "read_run"]


@dataclass(frozen=True)
class FinishedRun:
    """A run as its folder holds it.

    Attributes
    ----------
    path : Path
        The folder.
    manifest : dict
        What its ``run.json`` says.
    result : OOFResult
        The out-of-fold predictions. Scores on the official test split are not in it, for a run
        folder does not hold that split's labels; they stand in ``fold_metrics.csv``.
    """

    path: Path
    manifest: dict[str, Any]
    result: OOFResult

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def identity(self) -> dict[str, Any]:
        """What was run: data, split and pipeline with their fingerprints, and the seed."""
        return self.manifest["identity"]

    def model_folder(self, index: int) -> Path:
        """Return where a fold's fitted classifier was saved.

        Parameters
        ----------
        index : int
            `FoldResult.index`.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If the run kept no models.
        """
        folder = self.path / "folds" / f"{index:02d}"
        if not (folder / "classifier.json").exists():
            raise InputError(
                f"{self.path} holds no model of fold {index}; run it with --save-models."
            )
        return folder


def read_run(path: str | Path) -> FinishedRun:
    """Read a finished run.

    Parameters
    ----------
    path : str or Path
        The run folder, as ``python -m cifar_sk.cv`` or `cifar_sk.write_report` leaves it.

    Returns
    -------
    FinishedRun

    Raises
    ------
    InputError
        If it is no run folder, is not finished, or its files do not belong together.
    """
    path = Path(path)
    manifest = read_manifest(path)
    folds = read_folds(path)
    expected = manifest["identity"]["split"]
    n_expected = expected["n_folds"] * expected["n_repeats"]
    if len(folds) < n_expected:
        raise InputError(
            f"{path} holds {len(folds)} of {n_expected} folds; finish the run with --resume"
            + (
                ", or run it again: tables alone do not hold its predictions."
                if not folds
                else "."
            )
        )
    names = tuple(manifest["class_names"])
    target = _read_target(path, names, folds[0])
    result = OOFResult(
        target=target,
        classes=np.arange(len(names)),
        class_names=names,
        n_folds=expected["n_folds"],
        n_repeats=expected["n_repeats"],
        folds=tuple(folds[index] for index in sorted(folds)),
    )
    if any(fold.test_index.max(initial=-1) >= len(target) for fold in result.folds):
        raise InputError(f"The files of {path} do not belong together; run it again.")
    return FinishedRun(path, manifest, result)


def _read_target(path: Path, names: tuple[str, ...], fold: FoldResult) -> np.ndarray:
    """Read the true classes from the table of predictions, as positions in `names`."""
    file = path / "oof_predictions.csv"
    columns = {"sample": np.int64, "true": str}
    try:
        table = pd.read_csv(file, usecols=list(columns), dtype=columns, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{file} cannot be read ({error}); finish the run with --resume."
        ) from error
    table = table.drop_duplicates("sample").sort_values("sample")
    positions = pd.Index(names).get_indexer(pd.Index(table["true"]))
    if (positions < 0).any() or not np.array_equal(table["sample"], np.arange(len(table))):
        raise InputError(f"{file} does not hold every sample of its run; finish it with --resume.")
    if fold.proba is None or fold.proba.shape[1] != len(names):
        raise InputError(f"The files of {path} do not belong together; run it again.")
    return positions.astype(np.int64)
