"""Looks at runs: once, or at growing repeats until the answer is certain or the budget ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_sk.errors import InputError
from cifar_sk.runs.files import make_folder

if TYPE_CHECKING:
    from cifar_sk.comparison import Comparison
    from cifar_sk.comparison.looks import Looks
    from cifar_sk.runs.reading import FinishedRun

__all__ = ["compare_and_keep", "look_until_certain"]


def compare_and_keep(
    runs: Sequence[FinishedRun], folder: Path, *, metric: str, rope: float, seed: int
) -> Comparison:
    """Compare runs; of two, at the level that the looks in a folder leave, and keep this look."""
    from cifar_sk.comparison import compare_runs
    from cifar_sk.comparison.alike import check_alike
    from cifar_sk.comparison.looks import look_at, read_looks

    check_alike(runs)
    options: dict[str, Any] = {"metric": metric, "rope": rope}
    if len(runs) > 2:
        return compare_runs(runs, random_state=seed, **options)
    first, second = (run.result for run in runs)
    level = read_looks(folder, [first, second], metric).level(first.n_repeats, first.n_seeds)
    comparison = compare_runs(runs, level=level, random_state=seed, **options)
    if comparison.pair is None or math.isnan(comparison.pair.procedure.estimate):
        return comparison
    make_folder(folder)
    return replace(comparison, looks=look_at(folder, runs, **options))


def look_until_certain(
    paths: Sequence[Path],
    folder: Path,
    *,
    metric: str,
    rope: float,
    max_repeats: int,
    extend: Callable[[Path, int], Any],
    say: Callable[[Looks], None],
) -> list[FinishedRun]:
    """Return the two runs as they are at the last look; `folder` keeps the looks.

    ``extend(path, n_repeats)`` gives a run so many repeats, also where it was interrupted. A look
    is kept before anything is added, so that a command that is killed goes on where it was, and
    no look is forgotten. `say` is called after each, with all looks so far.
    """
    from cifar_sk.comparison.alike import check_alike
    from cifar_sk.comparison.looks import look_at

    repeats = _most_repeats(paths, max_repeats)
    make_folder(folder)
    while True:
        runs = [_with_repeats(path, repeats, extend) for path in paths]
        check_alike(runs)
        looks = look_at(folder, runs, metric=metric, rope=rope, max_repeats=max_repeats)
        say(looks)
        if looks.looks[-1].decision != "open" or repeats >= max_repeats:
            return runs
        repeats += 1


def _most_repeats(paths: Sequence[Path], max_repeats: int) -> int:
    """Return the repeats of the run that has most: the other may have been interrupted."""
    from cifar_sk.runs.folder import read_manifest

    if len(paths) != 2:
        raise InputError(f"--until-certain takes two runs, got {len(paths)}.")
    repeats = max(read_manifest(path).split.n_repeats for path in paths)
    if repeats > max_repeats:
        raise InputError(
            f"The runs have {repeats} repeats already, more than --max-repeats {max_repeats}; "
            "give a higher number, or compare them without --until-certain."
        )
    return repeats


def _with_repeats(path: Path, repeats: int, extend: Callable[[Path, int], Any]) -> FinishedRun:
    from cifar_sk.runs.folder import read_manifest
    from cifar_sk.runs.own_files import finished
    from cifar_sk.runs.reading import read_run

    split = read_manifest(path).split
    if split.n_repeats < repeats or len(finished(path)) < split.n_expected:
        extend(path, repeats)
    return read_run(path)
