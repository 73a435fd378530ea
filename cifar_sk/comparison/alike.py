"""Whether runs can be compared, their names, and warnings for readers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import OOFResult
from cifar_sk.runs.files import differences
from cifar_sk.runs.reading import FinishedRun

__all__ = ["check_alike", "folder_names", "remarks", "run_names"]


def check_alike(runs: Sequence[FinishedRun]) -> None:
    """Refuse runs that cannot be compared fold by fold and sample by sample."""
    if len(runs) < 2:
        raise InputError(f"A comparison needs two runs or more, got {len(runs)}.")
    places = [run.path.resolve() for run in runs]
    if len(set(places)) < len(places):
        twice = next(str(run.path) for run in runs if places.count(run.path.resolve()) > 1)
        raise InputError(f"{twice} is given twice; a run cannot be compared with itself.")
    for run in runs[1:]:
        if changed := _changes(runs[0], run):
            raise InputError(
                f"{run.path} cannot be compared with {runs[0].path}, for it has other data or "
                f"folds: {'; '.join(changed)}; run both with the same --dataset, --limit, "
                "--folds, --repeats, --seeds, --groups and --seed."
            )


def _changes(first: FinishedRun, other: FinishedRun) -> list[str]:
    """Name the differences of two manifests, or else those of the predictions."""
    clauses = []
    for part in ("data", "split"):
        one, two = (run.manifest.identity()[part] for run in (first, other))
        prints = {getattr(run.manifest, part).fingerprint for run in (first, other)}
        # The same images may lie in two folders, under two names; and an old run of a program
        # of one's own may have no fingerprint.
        if len(prints) > 1 or not all(prints):
            clauses += differences(one, two, part)
    return clauses or _other_predictions(first.result, other.result)


def _other_predictions(one: OOFResult, two: OOFResult) -> list[str]:
    if one.class_names != two.class_names:
        return ["the class names differ"]
    if not np.array_equal(one.target, two.target):
        return ["the true classes of the samples differ"]
    if len(one.folds) != len(two.folds) or not all(
        a.n_train == b.n_train and np.array_equal(a.test_index, b.test_index)
        for a, b in zip(one.folds, two.folds, strict=True)
    ):
        return ["the samples of the folds differ"]
    return []


def run_names(runs: Sequence[FinishedRun]) -> tuple[str, ...]:
    """Name runs by their folders, with as many parents as tell them apart."""
    return folder_names([run.path for run in runs])


def folder_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Name folders as `run_names` does."""
    parts = [path.resolve().parts for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = tuple(str(Path(*part[-depth:])) for part in parts)
        if len(set(names)) == len(names):
            return names
    return tuple(str(path.resolve()) for path in paths)


def remarks(runs: Sequence[FinishedRun], names: Sequence[str]) -> list[str]:
    """Return sentences on what weakens or colours a comparison, as far as manifests tell."""
    found = [_seeds(runs, names), _conditions(runs)]
    for run, name in zip(runs, names, strict=True):
        if fallback := run.manifest.data.fallback:
            found.append(f"{name} ran on other data than was asked for: {fallback}")
        found += [_origin(run, name), _search(run, name)]
    return list(dict.fromkeys(sentence for sentence in found if sentence))


def _seeds(runs: Sequence[FinishedRun], names: Sequence[str]) -> str:
    seeds = [run.manifest.seed for run in runs]
    if len(set(map(str, seeds))) == 1:
        return ""
    listed = ", ".join(f"{name} {seed}" for name, seed in zip(names, seeds, strict=True))
    return f"The runs have the same data and folds but different seeds: {listed}."


def _conditions(runs: Sequence[FinishedRun]) -> str:
    kinds = {
        "machines": {str(run.manifest.machine) for run in runs},
        "backends": {str(run.manifest.backend) for run in runs},
        "numbers of threads per fold": {str(run.manifest.n_threads) for run in runs},
    }
    varied = [kind for kind, found in kinds.items() if len(found) > 1]
    if not varied:
        return ""
    return f"Times were not measured alike: the runs had different {' and '.join(varied)}."


def _origin(run: FinishedRun, name: str) -> str:
    selected = run.manifest.selected
    if selected is not None:  # "": the parameters were selected on other images
        return f"{name}: {selected}" if selected else ""
    file = _option(run.manifest.command or "", "--params")
    if file is None:
        return ""
    return (
        f"{name} has the parameters of {file}: if they were chosen on these images, its scores "
        "are selected, hence optimistic."
    )


def _option(command: str, name: str) -> str | None:
    try:
        words = shlex.split(command)
    except ValueError:  # such as an open quote, in a manifest of another program
        return None
    for word, after in pairwise([*words, ""]):
        if word == name:
            return after or None
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def _search(run: FinishedRun, name: str) -> str:
    if all(fold.best_params is None for fold in run.result.folds):
        return ""
    return (
        f"{name} searched its parameters inside every training fold, so its scores are those of "
        "the search, and its fit times include it."
    )
