"""Which runs can be compared, what to call them, and what readers must know about them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cifar_sk.errors import InputError
from cifar_sk.runs.files import differences
from cifar_sk.runs.reading import FinishedRun

__all__ = ["check_alike", "remarks", "run_names"]


def check_alike(runs: Sequence[FinishedRun]) -> None:
    """Refuse runs that cannot be compared fold by fold and sample by sample.

    Parameters
    ----------
    runs : sequence of FinishedRun
        Two or more.

    Raises
    ------
    InputError
        If there are fewer, if one is given twice, or if data or folds differ.
    """
    if len(runs) < 2:
        raise InputError(f"A comparison needs two runs or more, got {len(runs)}.")
    places = [run.path.resolve() for run in runs]
    if len(set(places)) < len(places):
        twice = next(str(run.path) for run in runs if places.count(run.path.resolve()) > 1)
        raise InputError(f"{twice} is given twice; a run cannot be compared with itself.")
    for run in runs[1:]:
        changed = _changes(runs[0], run)
        if changed:
            raise InputError(
                f"{run.path} cannot be compared with {runs[0].path}, for it has other data or "
                f"folds: {'; '.join(changed)}; run both with the same --dataset, --limit, "
                "--folds, --repeats, --groups and --seed."
            )


def _changes(first: FinishedRun, other: FinishedRun) -> list[str]:
    """Name what differs in what the runs say, and in what they hold."""
    clauses = [
        clause
        for part in ("data", "split")
        if not _has_same_fingerprint(first, other, part)
        for clause in differences(
            first.manifest.identity()[part], other.manifest.identity()[part], part
        )
    ]
    if clauses:
        return clauses
    one, two = first.result, other.result
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


def _has_same_fingerprint(first: FinishedRun, other: FinishedRun, part: str) -> bool:
    # Runs of a program of one's own may say little of themselves. Where fingerprints are equal,
    # the same images may have two names, for they may lie in two folders.
    one, two = (getattr(run.manifest, part).fingerprint for run in (first, other))
    return bool(one) and one == two


def run_names(runs: Sequence[FinishedRun]) -> tuple[str, ...]:
    """Name runs by their folders, with as many parents as tell them apart.

    Parameters
    ----------
    runs : sequence of FinishedRun
        In different folders.

    Returns
    -------
    tuple of str
    """
    parts = [run.path.resolve().parts for run in runs]
    for depth in range(1, max(map(len, parts)) + 1):
        names = tuple(str(Path(*part[-depth:])) for part in parts)
        if len(set(names)) == len(names):
            return names
    return tuple(str(run.path.resolve()) for run in runs)


def remarks(runs: Sequence[FinishedRun], names: Sequence[str]) -> list[str]:
    """Say what weakens or colours a comparison, as far as the manifests tell.

    Parameters
    ----------
    runs : sequence of FinishedRun
        Alike.
    names : sequence of str
        What to call them.

    Returns
    -------
    list of str
        Sentences.
    """
    found = [_seeds(runs, names), _conditions(runs)]
    for run, name in zip(runs, names, strict=True):
        found += [_fallback(run, name), _origin(run, name), _search(run, name)]
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


def _fallback(run: FinishedRun, name: str) -> str:
    fallback = run.manifest.data.fallback
    return f"{name} ran on other data than was asked for: {fallback}" if fallback else ""


def _origin(run: FinishedRun, name: str) -> str:
    selected = run.manifest.selected
    if selected:
        return f"{name}: {selected}"
    file = _option(run.manifest.command or "", "--params")
    if file is None:
        return ""
    return (
        f"{name} has the parameters of {file}: if they were chosen on these images, its scores "
        "are selected, hence optimistic."
    )


def _option(command: str, name: str) -> str | None:
    """Return the value of an option in a command, if it is there."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    for place, word in enumerate(words, start=1):
        if word == name and place < len(words):
            return words[place]
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
