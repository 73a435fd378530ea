"""Optuna's samplers by name, seeded by study and trial."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning

from cifar_sk.errors import InputError, did_you_mean
from cifar_sk.tuning.spaces import SearchSpace

__all__ = ["SAMPLERS", "check_sampler", "make_sampler"]

# Seed streams of a study; the fits have their own.
_SAMPLER_STREAM = 2


SAMPLERS: dict[str, Callable[[int, SearchSpace], optuna.samplers.BaseSampler]] = {
    # Parameters are judged together, for the best learning rate depends on the batch size.
    "tpe": lambda seed, _: optuna.samplers.TPESampler(seed=seed, multivariate=True),
    "random": lambda seed, _: optuna.samplers.RandomSampler(seed=seed),
    "grid": lambda seed, space: optuna.samplers.GridSampler(space.grid(), seed=seed),
    "cmaes": lambda seed, _: optuna.samplers.CmaEsSampler(
        seed=seed, warn_independent_sampling=False
    ),
}


def check_sampler(name: str, space: SearchSpace, n_objectives: int) -> None:
    """Refuse a sampler that does not exist or cannot serve such a study."""
    if name not in SAMPLERS:
        raise InputError(
            f"There is no sampler {name!r}{did_you_mean(name, SAMPLERS)}; "
            f"there are {', '.join(SAMPLERS)}."
        )
    if name == "grid":
        space.grid()  # which refuses ranges without a step
    if name == "cmaes" and n_objectives > 1:
        raise InputError("Sampler cmaes serves one objective only; use tpe.")
    if name == "cmaes" and space.n_ranges < 2:
        raise InputError(
            f"Sampler cmaes needs two or more parameters with a range; this space has "
            f"{space.n_ranges} beside its choices; use tpe."
        )


def make_sampler(
    name: str, space: SearchSpace, *, random_state: int, place: int, worker: int
) -> optuna.samplers.BaseSampler:
    """Make the sampler for the next trial, of which `place` were drawn before."""
    # A sampler that was seeded once would draw the same parameters again when a study is
    # continued, and in every worker. Seeded by its place, a killed study goes on as if it had
    # not been.
    key = (_SAMPLER_STREAM, place, worker)
    seed = int(np.random.SeedSequence(random_state, spawn_key=key).generate_state(1)[0])
    if name == "grid":  # its seed orders the grid, which it keeps in the study
        seed = random_state
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        # multivariate TPE is marked experimental since 2.2; its interface is one keyword here
        return SAMPLERS[name](seed, space)
