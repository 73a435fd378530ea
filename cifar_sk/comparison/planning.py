"""How many repeats, seeds and images would show a difference, from what runs measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cifar_sk.comparison import wording
from cifar_sk.comparison.alike import check_alike, run_names
from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.metrics.influences import pair_spread, run_spread
from cifar_sk.metrics.scores import metrics_for
from cifar_sk.runs.reading import FinishedRun
from cifar_sk.statistics import Plan, Spread, Variances, plan, variance_components

__all__ = ["DifferencePlan", "plan_difference", "plan_sentences"]


@dataclass(frozen=True)
class DifferencePlan:
    """What `plan_difference` finds.

    Attributes
    ----------
    names : tuple of str
        The run, or the two runs, that it was measured on.
    metric : str
        The score.
    power : float
        The chance asked for.
    spread : Spread
        Of the run's score, or of the two runs' difference.
    components : DataFrame
        What that varies with, as `cifar_sk.statistics.variance_components` tabulates it.
    n_images : int
        Images of the runs.
    plan : Plan
        Designs and their power.
    """

    names: tuple[str, ...]
    metric: str
    power: float
    spread: Spread
    components: pd.DataFrame
    n_images: int
    plan: Plan


def plan_difference(
    runs: Sequence[FinishedRun],
    difference: float,
    *,
    metric: str = "accuracy",
    power: float = 0.8,
) -> DifferencePlan:
    """Plan how to show a difference of two procedures.

    Parameters
    ----------
    runs : sequence of FinishedRun
        Two, whose difference tells what it varies with; or one, see Notes.
    difference : float
        To be shown, in units of the metric.
    metric : str, default="accuracy"
        A key of `cifar_sk.metrics.METRICS`.
    power : float, default=0.8
        Chance to show the difference, between 0 and 1.

    Returns
    -------
    DifferencePlan

    Raises
    ------
    InputError
        If the runs differ in data or folds, or an argument cannot be used.

    Notes
    -----
    Of one run, the other procedure is taken to be one like it: trainings of the two vary
    independently, so their variances are doubled; and their scores on an image are taken to be
    correlated by one half, so that the images' part of the difference is that of the one run.
    """
    _check(runs, metric, power)
    first, last = runs[0].result, runs[-1].result
    is_pair = len(runs) == 2
    spread = pair_spread(first, last, metric) if is_pair else run_spread(first, metric)
    if not np.isfinite([spread.mean, spread.image_pass]).all():
        raise InputError(f"{metric} is undefined in a fold, so nothing can be planned by it.")
    variances = Variances.of(spread)
    if not is_pair:
        variances = _of_two_alike(variances)
    n_images = len(first.target)
    found = plan(variances, difference, n_folds=first.n_folds, n_images=n_images)
    components = variance_components(spread)
    return DifferencePlan(run_names(runs), metric, power, spread, components, n_images, found)


def _check(runs: Sequence[FinishedRun], metric: str, power: float) -> None:
    if len(runs) not in {1, 2}:
        raise InputError(f"A plan is made from one run or two, got {len(runs)}.")
    if len(runs) == 2:
        check_alike(runs)
    known = metrics_for(len(runs[0].result.class_names))
    if metric not in known:
        raise InputError(f"There is no metric {metric!r}{did_you_mean(metric, known)}.")
    if not 0 < power < 1:
        raise InputError(f"power must lie between 0 and 1, got {power}; 0.8 is usual.")
    if runs[0].result.n_folds < 2:
        raise InputError(f"{runs[0].path} has one fold, whose spread is not known; use two folds.")


def _of_two_alike(one: Variances) -> Variances:
    return replace(
        one,
        image_noise=min(2 * one.image_noise, one.image),
        training=2 * one.training,
        seed=2 * one.seed,
    )


def plan_sentences(planned: DifferencePlan) -> list[str]:
    """Say what design is the cheapest, what it was measured on, and what is assumed."""
    return [_cheapest(planned), _basis(planned), *_unknown(planned)]


def _cheapest(planned: DifferencePlan) -> str:
    found, power = planned.plan, planned.power
    size = wording.region(found.difference, planned.metric)
    label = wording.metric_name(planned.metric)
    best = found.cheapest(power)
    if best is not None:
        return (
            f"{_design(planned, best)} would show a difference of {size} of {label} with a chance "
            f"of {100 * best['power']:.0f} % (asked: {100 * power:g} %)."
        )
    best = found.table.sort_values("power").iloc[-1]
    return (
        f"No design that was tried has a chance of {100 * power:g} % to show a difference of "
        f"{size} of {label}: {_design(planned, best)} would have {100 * best['power']:.1f} %. Use "
        "more images still, or ask for a larger --difference."
    )


def _design(planned: DifferencePlan, row: pd.Series) -> str:
    r, s, n = int(row["n_repeats"]), int(row["n_seeds"]), int(row["n_images"])
    images = f"these {n:,} images" if n == planned.n_images else f"{n:,} images like these"
    return (
        f"{r} repeat{'s' if r > 1 else ''} of {planned.spread.n_folds} folds with {s} "
        f"seed{'s' if s > 1 else ''} on {images} ({int(row['n_fits'])} fits of each run)"
    )


def _basis(planned: DifferencePlan) -> str:
    if len(planned.names) == 2:
        first, second = planned.names
        return f"What the difference varies with was measured on {first} and {second}."
    return (
        f"What scores vary with was measured on {planned.names[0]} alone. Assumed of the other "
        "procedure: its trainings vary as much, and independently; and its scores on single "
        "images are correlated with these by one half. Two runs would tell."
    )


def _unknown(planned: DifferencePlan) -> list[str]:
    found = []
    if planned.spread.n_seeds == 1:
        found.append(
            "With one seed, training sets and seeds cannot be told apart: all their variance is "
            "taken to be the training sets', so that the use of more seeds is underrated; measure "
            "it by a run with --seeds 3."
        )
    if planned.spread.n_repeats * planned.spread.n_seeds == 1:
        found.append(
            "With one repeat, it is not known how much of the images' part another training would "
            "draw anew: all of it is taken to stay, so that the use of more repeats is underrated."
        )
    return found
