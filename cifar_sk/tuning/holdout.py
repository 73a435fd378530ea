"""What a study's winner is worth on images that the study never saw.

Each fit is kept in the study as it ends, so that none is repeated; tables are made of what is
there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import pandas as pd
from scipy.stats import bootstrap

from cifar_sk.folds.steps import seeded_clone
from cifar_sk.metrics.intervals import Interval
from cifar_sk.metrics.scores import score_predictions
from cifar_sk.tuning.engine import best_trial

__all__ = ["compare_on_holdout", "holdout_rows", "holdout_table", "paired_difference"]

_MODELS = ("tuned", "default")


def compare_on_holdout(
    study: optuna.Study,
    pipelines: Mapping[str, Any],
    data: tuple[Any, Any],
    holdout: tuple[Any, Any],
    *,
    winner: int,
    n_seeds: int,
    random_state: int,
    watch: Callable[[str, int], None],
) -> None:
    """Fit the winner and the defaults with several seeds, and score them on unseen images.

    Parameters
    ----------
    study : optuna.Study
        With a complete trial; keeps what comes of it.
    pipelines : mapping of {"tuned", "default"} to Pipeline
        Left as they are.
    data, holdout : (X, y)
        What is trained on and what is scored.
    winner : int
        Number of the trial that "tuned" has the parameters of.
    n_seeds : int
        Fits of each pipeline; the same seeds for both.
    random_state : int
        What the seeds come from.
    watch : callable
        Called with the name and the number of a fit before it.
    """
    X, y = data
    holdout_X, holdout_y = holdout
    target = np.searchsorted(np.unique(y), holdout_y)
    for seed in range(n_seeds):
        for name, pipeline in pipelines.items():
            key = _key(winner, name, seed)
            if key in study.user_attrs:
                continue
            watch(name, seed)
            fitted = seeded_clone(pipeline, random_state, seed).fit(X, y)
            proba = np.asarray(fitted.predict_proba(holdout_X), dtype=np.float64)
            hits = "".join("01"[int(hit)] for hit in proba.argmax(axis=1) == target)
            scores = score_predictions(target, proba)
            study.set_user_attr(key, {"scores": scores, "correct": hits})


def _key(winner: int, name: str, seed: int) -> str:
    # The defaults need no second fit when another trial becomes the best.
    model = name if name == "default" else f"trial {winner}"
    return f"holdout: {model}, seed {seed}"


def _fits(study: optuna.Study, name: str, n_seeds: int) -> list[dict[str, Any]]:
    attrs = study.user_attrs
    winner = best_trial(study).number
    keys = [_key(winner, name, seed) for seed in range(n_seeds)]
    return [attrs[key] for key in keys if key in attrs]


def holdout_table(study: optuna.Study, n_seeds: int) -> pd.DataFrame:
    """Tabulate the fits.

    Parameters
    ----------
    study : optuna.Study
        As `compare_on_holdout` left it.
    n_seeds : int
        As there.

    Returns
    -------
    DataFrame
        A row per fit: ``model`` ("tuned" or "default"), ``seed`` and a column per metric.
    """
    return pd.DataFrame(
        [
            {"model": name, "seed": seed, **fit["scores"]}
            for name in _MODELS
            for seed, fit in enumerate(_fits(study, name, n_seeds))
        ]
    )


def holdout_rows(study: optuna.Study, n_seeds: int) -> list[list[str]]:
    """Write the comparison for people.

    Parameters
    ----------
    study : optuna.Study
        As `compare_on_holdout` left it.
    n_seeds : int
        As there.

    Returns
    -------
    list of list of str
        Headings and rows; nothing as long as a fit is missing.
    """
    correct = {
        name: np.array([list(fit["correct"]) for fit in _fits(study, name, n_seeds)]) == "1"
        for name in _MODELS
    }
    if any(len(fits) < n_seeds for fits in correct.values()):
        return []
    n_images = correct["tuned"].shape[1]
    rows = [["model", f"accuracy on {n_images:,} images, mean ± std of {n_seeds} fits"]]
    for name, fits in correct.items():
        accuracy = fits.mean(axis=1)
        rows.append([name, f"{accuracy.mean():.4f} ± {accuracy.std(ddof=1):.4f}"])
    tuned, default = (correct[name].mean(axis=0) for name in _MODELS)
    gain = paired_difference(tuned, default)
    interval = f"95 % paired bootstrap over images: {gain.low:+.4f} to {gain.high:+.4f}"
    rows.append(["tuned − default", f"{gain.estimate:+.4f} ({interval})"])
    return rows


def paired_difference(first: np.ndarray, second: np.ndarray, *, random_state: int = 0) -> Interval:
    """By how much the first is more accurate than the second, on the same samples.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n_samples,)
        Which share of a model's fits gets each sample right.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    Interval
        Difference of accuracies, and its 95 % percentile bootstrap bounds over samples; all
        training runs are held fixed.

    Examples
    --------
    >>> first, second = np.array([1, 1, 1, 0.5]), np.array([0, 1, 0.5, 0.5])
    >>> paired_difference(first, second).estimate
    0.375
    """
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
