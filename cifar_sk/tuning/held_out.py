"""Compares the winner with the defaults on images that the study never saw (``--holdout``)."""
# Elsewhere in the code `holdout` is a data set's official test split.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pandas as pd
from scipy.stats import bootstrap, t
from sklearn.base import clone

from cifar_sk.folds.steps import groups_params, seeded_clone
from cifar_sk.metrics.intervals import Interval
from cifar_sk.metrics.scores import score_predictions
from cifar_sk.pipelines.models import set_params
from cifar_sk.tuning.objective import TuningTask
from cifar_sk.tuning.study_view import StudyView, keep_held_out_fit

__all__ = [
    "compare_on_held_out",
    "gain_interval",
    "held_out_rows",
    "held_out_table",
    "paired_difference",
]

_MODELS = ("tuned", "default")


def compare_on_held_out(
    study: optuna.Study,
    task: TuningTask,
    held_out: tuple[Any, Any],
    n_seeds: int,
    watch: Callable[[str, int], None],
) -> None:
    """Fit "tuned" and "default" pipelines with several seeds, and score the held-out images."""
    # Each fit is kept in the study as it ends, so that none is repeated.
    winner = StudyView(study).best  # once, for other commands may go on with the study
    tuned = set_params(clone(task.estimator), task.space.decode(winner.params))
    pipelines = {"tuned": tuned, "default": task.estimator}
    held_out_X, held_out_y = held_out
    target = np.searchsorted(np.unique(task.y), held_out_y)
    for seed in range(n_seeds):
        for name, pipeline in pipelines.items():
            model = _model(winner.number, name)
            if StudyView(study).held_out_fit(model, seed):
                continue
            watch(name, seed)
            params = groups_params(pipeline, task.groups)
            fitted = seeded_clone(pipeline, task.random_state, seed).fit(task.X, task.y, **params)
            proba = np.asarray(fitted.predict_proba(held_out_X), dtype=np.float64)
            hits = "".join("01"[int(hit)] for hit in proba.argmax(axis=1) == target)
            fit = {"scores": score_predictions(target, proba), "correct": hits}
            keep_held_out_fit(study, model, seed, fit)


def _model(winner: int, name: str) -> str:
    # The defaults need no second fit when another trial becomes the best.
    return name if name == "default" else f"trial {winner}"


def _fits(view: StudyView, name: str, n_seeds: int) -> list[dict[str, Any]]:
    model = _model(view.best.number, name)
    fits = [view.held_out_fit(model, seed) for seed in range(n_seeds)]
    return [fit for fit in fits if fit is not None]


def held_out_table(view: StudyView, n_seeds: int) -> pd.DataFrame:
    """Tabulate the fits: ``model`` ("tuned" or "default"), ``seed`` and a column per metric."""
    return pd.DataFrame(
        [
            {"model": name, "seed": seed, **fit["scores"]}
            for name in _MODELS
            for seed, fit in enumerate(_fits(view, name, n_seeds))
        ]
    )


def held_out_rows(view: StudyView, n_seeds: int) -> list[list[str]]:
    """Write the comparison as headings and rows for people; none while a fit is missing."""
    correct = {
        name: np.array([list(fit["correct"]) for fit in _fits(view, name, n_seeds)]) == "1"
        for name in _MODELS
    }
    if any(len(fits) < n_seeds for fits in correct.values()):
        return []
    n_images = correct["tuned"].shape[1]
    rows = [["model", f"accuracy on {n_images:,} images, mean ± std of {n_seeds} fits"]]
    for name, fits in correct.items():
        accuracy = fits.mean(axis=1)
        rows.append([name, f"{accuracy.mean():.4f} ± {accuracy.std(ddof=1):.4f}"])
    gain = gain_interval(correct["tuned"], correct["default"])
    interval = f"95 % interval, images and seeds: {gain.low:+.4f} to {gain.high:+.4f}"
    rows.append(["tuned − default", f"{gain.estimate:+.4f} ({interval})"])
    return rows


def gain_interval(tuned: np.ndarray, default: np.ndarray) -> Interval:
    """Estimate a gain in accuracy from which fits, (n_seeds, n_images), are right.

    Images vary in it as in `paired_difference`, and seeds by Welch's t interval between the fits
    of one and those of the other; the two distances to a bound are put together as by Zou and
    Donner (2008), Statistics in Medicine 27, https://doi.org/10.1002/sim.3095
    """
    images = paired_difference(tuned.mean(axis=0), default.mean(axis=0))
    parts = [fits.mean(axis=1).var(ddof=1) / len(fits) for fits in (tuned, default)]
    seeds, total = 0.0, sum(parts)
    if total > 0:
        pairs = zip(parts, (tuned, default), strict=True)
        df = total**2 / sum(part**2 / (len(fits) - 1) for part, fits in pairs)
        seeds = float(t.ppf(0.975, df) * np.sqrt(total))
    below = np.hypot(images.estimate - images.low, seeds)
    above = np.hypot(images.high - images.estimate, seeds)
    return Interval(images.estimate, images.estimate - below, images.estimate + above)


def paired_difference(first: np.ndarray, second: np.ndarray, *, random_state: int = 0) -> Interval:
    """Estimate how much more often the first is right, from its share of right fits per sample.

    >>> first, second = np.array([1, 1, 1, 0.5]), np.array([0, 1, 0.5, 0.5])
    >>> paired_difference(first, second).estimate
    0.375
    """
    # The bounds hold all training runs fixed: what is resampled are the images.
    difference = np.asarray(first) - np.asarray(second)
    bounds = bootstrap(
        (difference,),
        np.mean,
        n_resamples=10_000,
        batch=100,
        method="percentile",
        rng=np.random.default_rng(random_state),
    ).confidence_interval
    return Interval(float(difference.mean()), float(bounds.low), float(bounds.high))
