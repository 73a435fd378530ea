"""How many repeats, seeds and images show a difference of a given size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cifar_sk.errors import InputError
from cifar_sk.statistics.components import variance_components
from cifar_sk.statistics.procedure import half_width
from cifar_sk.statistics.spread import Spread

__all__ = ["Plan", "Variances", "plan"]

_DRAWS = 4_000


@dataclass(frozen=True)
class Variances:
    """What the difference of two fits varies with.

    Attributes
    ----------
    image : float
        Variance over images of one pass, times the number of clusters: of one cluster.
    image_noise : float
        The part of it that every fit draws anew.
    training, seed : float
        Variances between training sets and between seeds.
    n_clusters : int
        Clusters that `image` was measured on.
    """

    image: float
    image_noise: float
    training: float
    seed: float
    n_clusters: int

    @classmethod
    def of(cls, spread: Spread) -> Variances:
        """Take them from what a comparison measured."""
        table = variance_components(spread).set_index("source")
        n = spread.n_clusters
        if spread.n_seeds > 1:
            training, seed = table["sd"]["training sets"] ** 2, table["sd"]["seeds"] ** 2
        else:  # what the seed draws anew is then counted as the training set's
            training, seed = table["sd"]["training sets and seeds"] ** 2, 0.0
        noise = spread.fit_noise if spread.n_seeds > 1 else _repeat_noise(spread)
        return cls(spread.image_pass * n, noise * n, training, seed, n)


def _repeat_noise(spread: Spread) -> float:
    """Variance of one pass over images that another repeat draws anew; 0 with one repeat."""
    r = spread.n_repeats
    return 0.0 if r < 2 else max(spread.image_pass - spread.image_mean, 0.0) * r / (r - 1)


@dataclass(frozen=True)
class Plan:
    """What `plan` finds.

    Attributes
    ----------
    difference : float
        The difference to be shown.
    table : DataFrame
        ``n_repeats``, ``n_seeds``, ``n_images``, ``n_fits`` of each of the two runs, and
        ``power``: the chance to show the difference.
    """

    difference: float
    table: pd.DataFrame

    def cheapest(self, power: float = 0.8) -> pd.Series | None:
        """Return the row with the fewest fits that has the power; None where none has."""
        enough = self.table[self.table["power"] >= power]
        return None if enough.empty else enough.sort_values(["n_images", "n_fits"]).iloc[0]


def plan(
    variances: Variances,
    difference: float,
    *,
    n_folds: int,
    n_images: int,
    repeats: tuple[int, ...] = (1, 2, 3, 5, 10),
    seeds: tuple[int, ...] = (1, 2, 3, 5),
    image_factors: tuple[float, ...] = (1, 2, 4),
    alpha: float = 0.05,
    random_state: int = 0,
) -> Plan:
    """Say how surely repeats, seeds and images would show a difference.

    Parameters
    ----------
    variances : Variances
        Of the difference of two fits.
    difference : float
        To be shown, in units of the score; its sign does not matter.
    n_folds, n_images : int
        Folds of a repeat, and images that `variances` was measured on.
    repeats, seeds : tuple of int
        To try.
    image_factors : tuple of float
        Multiples of `n_images` to try. Training is taken to vary as it does now.
    alpha : float, default=0.05
        Level of the test.
    random_state : int, default=0
        Seed of the draws.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        If the difference is 0 or no number.

    Notes
    -----
    The power is the share of 4,000 drawn mean squares and means that the test of
    `cifar_sk.statistics.half_width` rejects; its standard error is below 0.8 points.
    """
    if not (np.isfinite(difference) and difference != 0):
        raise InputError(f"difference must be a number other than 0, got {difference}")
    rng = np.random.default_rng(random_state)
    rows = []
    for factor in image_factors:
        for r in repeats:
            for s in seeds:
                n_clusters = max(2, round(variances.n_clusters * factor))
                drawn = draw_spreads(
                    variances, (r, s, n_folds), n_clusters, abs(difference), rng, _DRAWS
                )
                shown = np.abs(drawn.mean) > half_width(drawn, 1 - alpha)
                size = round(n_images * factor)
                rows.append((r, s, size, r * s * n_folds, float(shown.mean())))
    names = ["n_repeats", "n_seeds", "n_images", "n_fits", "power"]
    return Plan(abs(difference), pd.DataFrame(rows, columns=names))


def draw_spreads(
    variances: Variances,
    shape: tuple[int, int, int],
    n_clusters: int,
    mean: float,
    rng: np.random.Generator,
    n_draws: int,
) -> Spread:
    """Draw what experiments of a shape (repeats, seeds, folds) would measure."""
    r, s, k = shape
    image = variances.image / n_clusters
    noise = min(variances.image_noise / n_clusters, image)
    own = image - noise
    repeat = own + noise / s
    of_mean = own + noise / (r * s)
    training, seed = variances.training, variances.seed
    total = of_mean + training / (r * k) + seed / (r * s * k)
    folds = repeat * k + training + seed / s
    seeds = noise * k + seed
    df_folds, df_seeds = r * (k - 1), r * k * max(s - 1, 1)
    return Spread(
        mean=mean + np.sqrt(total) * rng.standard_normal(n_draws),
        n_repeats=r,
        n_seeds=s,
        n_folds=k,
        n_clusters=n_clusters,
        image_mean=of_mean,
        image_repeat=repeat,
        image_pass=image,
        ms_folds=folds * rng.chisquare(df_folds, n_draws) / df_folds,
        ms_seeds=seeds * rng.chisquare(df_seeds, n_draws) / df_seeds if s > 1 else np.nan,
    )
