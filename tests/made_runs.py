"""Finished runs that were made up: how many images of each fold are right is given."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.runs.manifest import DataRecord, Manifest, SplitRecord
from cifar_sk.runs.reading import FinishedRun

N_CLASSES = 4


def made_run(name, shares_right, *, n_test=200, n_repeats=1, n_seeds=1, draw=0, data=None, **said):
    """Make a run whose folds get these shares of their images right.

    Which images are right is drawn with `draw`; the folds are the same for all runs. `data` and
    `said` are what its manifest says otherwise, of the data and for the rest.
    """
    n_folds = len(shares_right) // (n_repeats * n_seeds)
    n_samples = n_folds * n_test
    target = np.arange(n_samples) % N_CLASSES
    generator, of_folds = np.random.default_rng(draw), np.random.default_rng(99)
    folds = []
    for repeat in range(n_repeats):
        parts = np.array_split(of_folds.permutation(n_samples), n_folds)
        for seed, (fold, part) in product(range(n_seeds), enumerate(parts)):
            index = (repeat * n_seeds + seed) * n_folds + fold
            test = np.sort(part)
            is_right = generator.permutation(n_test) < round(shares_right[index] * n_test)
            wrong = (target[test] + generator.integers(1, N_CLASSES, n_test)) % N_CLASSES
            proba = np.full((n_test, N_CLASSES), 0.1)
            proba[np.arange(n_test), np.where(is_right, target[test], wrong)] = 0.7
            said_of_fold = {"seed": seed, "fit_time": 2.0 + index, "score_time": 0.2}
            n_train = n_samples - n_test
            folds.append(FoldResult(index, repeat, fold, n_train, test, proba, **said_of_fold))
    class_names = tuple((data or {}).get("class_names", ("cat", "dog", "emu", "fox")))
    counts = {"n_folds": n_folds, "n_repeats": n_repeats, "n_seeds": n_seeds}
    result = OOFResult(target, np.arange(N_CLASSES), class_names, folds=tuple(folds), **counts)
    data_record = DataRecord("pets", n_samples, "f" * 64, class_names)
    manifest = Manifest(
        data=replace(data_record, **(data or {})),
        split=SplitRecord(fingerprint="a" * 64, **counts),
        pipeline={"steps": {"classifier": "Made"}, "params": {}},
        seed=0,
    )
    return FinishedRun(Path("results") / name, replace(manifest, **said), result)


def with_folds(run, **changes):
    """Return a run with other values in all its folds."""
    folds = tuple(replace(fold, **changes) for fold in run.result.folds)
    return replace(run, result=replace(run.result, folds=folds))


def as_of_an_older_version(path):
    """Take from a run folder what versions before checksums did not write; times had no table."""
    manifest = json.loads((path / "run.json").read_text())
    for name in ("schema", "engine", "image_shape", "notes", "files", "sha256"):
        manifest.pop(name, None)
    (path / "run.json").write_text(json.dumps({"format": 1, **manifest}))
    for file in path.glob("folds/*/files.json"):
        file.unlink()
    if (path / "times.csv").exists():
        _put_times_into_fold_metrics(path)


def _put_times_into_fold_metrics(path):
    folds, times = (
        pd.read_csv(path / f"{name}.csv", dtype=str) for name in ("fold_metrics", "times")
    )
    place = folds.columns.get_loc("error")
    for name in ("score_time", "fit_time"):
        folds.insert(place, name, folds["row"].map(times.set_index("row")[name]))
    folds.to_csv(path / "fold_metrics.csv", index=False, lineterminator="\n")
    for name in ("times", "intervals", "variance_components", "conformal"):
        (path / f"{name}.csv").unlink(missing_ok=True)
