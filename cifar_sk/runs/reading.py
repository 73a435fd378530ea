"""Reading finished run folders, for whatever compares, explains or shows them again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cifar_sk.datasets.arrays import leave_out
from cifar_sk.errors import InputError, reading
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.runs.checksums import FileSum, file_damage, fold_damage
from cifar_sk.runs.files import unquoted
from cifar_sk.runs.folder import read_folds, read_manifest
from cifar_sk.runs.manifest import Manifest
from cifar_sk.runs.own_files import GROUPS, TARGET, TEST_TARGET, finished

if TYPE_CHECKING:
    from sklearn.utils import Bunch

__all__ = ["FinishedRun", "read_run", "run_damage", "run_dataset"]


@dataclass(frozen=True)
class FinishedRun:
    """A run as its folder holds it.

    Attributes
    ----------
    path : Path
        The folder.
    manifest : Manifest
        What its ``run.json`` says.
    result : OOFResult
        The predictions. Of runs of older versions the scores on the official test split are not
        in it, for they did not store that split's labels.
    """

    path: Path
    manifest: Manifest
    result: OOFResult

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

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
            If the run kept no models, or this one is damaged.
        """
        folder = self.path / "folds" / f"{index:02d}"
        if self.manifest.save_models and (damage := fold_damage(folder, self.manifest.digests)):
            raise InputError(damage)
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
    folds = read_folds(path, manifest)
    split, names = manifest.split, manifest.data.class_names
    n_expected = split.n_expected
    if len(folds) < n_expected:
        raise InputError(
            f"{path} holds {len(folds)} of {n_expected} folds; finish the run with --resume"
            + (
                ", or run it again: tables alone do not hold its predictions."
                if not folds
                else "."
            )
        )
    target = _labels(path, TARGET, manifest)
    if target is None:
        target = _target_of_old_run(path / "oof_predictions.csv", names)
    result = OOFResult(
        target=target,
        classes=np.arange(len(names)),
        class_names=names,
        n_folds=split.n_folds,
        n_repeats=split.n_repeats,
        n_seeds=split.n_seeds,
        folds=tuple(folds[index] for index in sorted(folds)),
        holdout_target=_labels(path, TEST_TARGET, manifest),
        groups=None if manifest.n_groups is None else _labels(path, GROUPS, manifest),
    )
    _check_belongs_together(path, result)
    return FinishedRun(path, manifest, result)


def run_dataset(
    run: FinishedRun, dataset: str | None = None, data_home: str | Path | None = None
) -> Bunch:
    """Load the data set of a run: the same images, and no others.

    Parameters
    ----------
    run : FinishedRun
        As `read_run` reads it.
    dataset : str or None, default=None
        A name or a path; None takes the name of the run's data set.
    data_home : str, Path or None, default=None
        As for `cifar_sk.datasets.load_dataset`.

    Returns
    -------
    Bunch
        As `cifar_sk.datasets.load_dataset` returns it.

    Raises
    ------
    InputError
        If the run does not say what its data are, they cannot be had, or are others.
    """
    from cifar_sk.datasets import load_dataset
    from cifar_sk.datasets.registry import DATASETS

    data, seed = run.manifest.data, run.manifest.seed or 0
    name = dataset or data.name.removesuffix("-subset")
    if dataset is None and name not in DATASETS:
        raise InputError(
            f"{run.path} was run on {data.name!r}, which is no known name; say where it is with "
            "--dataset."
        )
    n_samples, left_out = data.n_samples, _left_out(run.manifest)
    limit = n_samples + len(left_out)
    bunch = load_dataset(name, data_home=data_home, limit=limit, random_state=seed)
    if len(left_out) and left_out.max() < len(bunch.target):
        bunch = leave_out(bunch, left_out)
    if bunch.fingerprint != data.fingerprint:
        raise InputError(
            f"{name!r} holds other images than the run in {run.path}: {len(bunch.target):,} with "
            f"the fingerprint {bunch.fingerprint[:12]}… instead of {n_samples:,} with "
            f"{data.fingerprint[:12]}…; name the run's own with --dataset and --data-home."
        )
    return bunch


def _left_out(manifest: Manifest) -> np.ndarray:
    """Return the positions of the near-duplicates that a run left out of its data set."""
    said = manifest.own.get("left_out")
    if not isinstance(said, list) or not all(type(k) is int and k >= 0 for k in said):
        return np.empty(0, dtype=np.int64)
    return np.unique(np.array(said, dtype=np.int64))


def run_damage(path: Path, manifest: Manifest) -> list[str]:
    """Say what is wrong with each damaged fold, and each damaged file of labels, of a run."""
    labels = [_label_damage(path / name, expected) for name, expected in manifest.files.items()]
    folds = [fold_damage(folder, manifest.digests) for folder in finished(path)]
    return [damage for damage in labels + folds if damage is not None]


def _label_damage(file: Path, expected: FileSum) -> str | None:
    return file_damage(file, expected, "the run's own command and --resume write it again")


def _labels(path: Path, name: str, manifest: Manifest) -> np.ndarray | None:
    """Read stored labels; None where there are none, as in runs of older versions."""
    file, expected = path / name, manifest.files.get(name)
    if expected is None and not file.exists():
        return None
    if expected is not None and (damage := _label_damage(file, expected)):
        raise InputError(damage)
    with reading(str(file), "labels", "run it again"):
        labels = np.load(file, allow_pickle=False)
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.dtype.kind != "i":
        raise InputError(f"{file} holds no labels; run it again.")
    return labels


def _target_of_old_run(file: Path, names: tuple[str, ...]) -> np.ndarray:
    """Read the true classes from the table of predictions, as positions in `names`."""
    columns = {"sample": np.int64, "true": str}
    with reading(str(file), "predictions", "finish the run with --resume"):
        table = pd.read_csv(file, usecols=list(columns), dtype=columns, keep_default_na=False)
    table = table.drop_duplicates("sample").sort_values("sample")
    known = {name: position for position, name in enumerate(names)}
    true = (name if name in known else unquoted(name) for name in table["true"])
    positions = np.array([known.get(name, -1) for name in true], dtype=np.int64)
    if (positions < 0).any() or not np.array_equal(table["sample"], np.arange(len(table))):
        raise InputError(f"{file} does not hold every sample of its run; finish it with --resume.")
    return positions


def _check_belongs_together(path: Path, result: OOFResult) -> None:
    n_samples, n_classes = len(result.target), len(result.class_names)
    test, groups = result.holdout_target, result.groups
    fits = groups is None or (len(groups) == n_samples and groups.min(initial=0) >= 0)
    fits = (
        fits
        and result.target.ndim == 1
        and all(
            fold.proba is not None
            and fold.proba.shape == (len(fold.test_index), n_classes)
            and fold.test_index.max(initial=-1) < n_samples
            and (
                test is None or fold.holdout_proba is None or len(fold.holdout_proba) == len(test)
            )
            for fold in result.folds
        )
    )
    if not fits or result.target.max(initial=0) >= n_classes:
        raise InputError(f"The files of {path} do not belong together; run it again.")
