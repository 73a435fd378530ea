"""Finished runs that were made up: how many images of each fold are right is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.runs.reading import FinishedRun

N_CLASSES = 4


def made_run(name, shares_right, *, n_test=200, n_repeats=1, seed=0, names=None, **manifest):
    """Make a run whose folds get these shares of their images right.

    Which images are right is drawn with `seed`; the folds are the same for all runs.
    """
    n_folds = len(shares_right) // n_repeats
    n_samples = n_folds * n_test
    target = np.arange(n_samples) % N_CLASSES
    generator, of_folds = np.random.default_rng(seed), np.random.default_rng(99)
    folds = []
    for repeat in range(n_repeats):
        parts = np.array_split(of_folds.permutation(n_samples), n_folds)
        for fold, part in enumerate(parts):
            index = repeat * n_folds + fold
            test = np.sort(part)
            is_right = generator.permutation(n_test) < round(shares_right[index] * n_test)
            wrong = (target[test] + generator.integers(1, N_CLASSES, n_test)) % N_CLASSES
            proba = np.full((n_test, N_CLASSES), 0.1)
            proba[np.arange(n_test), np.where(is_right, target[test], wrong)] = 0.7
            times = {"fit_time": 2.0 + index, "score_time": 0.2}
            folds.append(FoldResult(index, repeat, fold, n_samples - n_test, test, proba, **times))
    class_names = tuple(names or ("cat", "dog", "emu", "fox"))
    identity = {
        "data": {"name": "pets", "n_samples": n_samples, "fingerprint": "f" * 64},
        "split": {"n_folds": n_folds, "n_repeats": n_repeats, "fingerprint": "a" * 64},
        "pipeline": {"steps": {"classifier": "Made"}, "params": {}},
        "seed": 0,
    }
    identity |= manifest.pop("identity", {})
    result = OOFResult(target, np.arange(N_CLASSES), class_names, n_folds, n_repeats, tuple(folds))
    return FinishedRun(Path("results") / name, {"identity": identity, **manifest}, result)


def with_folds(run, **changes):
    """Return a run with other values in all its folds."""
    folds = tuple(replace(fold, **changes) for fold in run.result.folds)
    return replace(run, result=replace(run.result, folds=folds))


def with_manifest(run, **entries):
    """Return a run whose manifest says more."""
    return replace(run, manifest={**run.manifest, **entries})
