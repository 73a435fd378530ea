"""Error and saving of a comparison that adds repeats until it is certain.

    python -m studies.benchmarks.until_certain --output FOLDER

Two runs on the same images, drawn by `studies.benchmarks.simulated_runs`, are compared after each
of up to ten repeats of five folds. The comparison ends when the procedure's test finds a
difference at Pocock's level for ten looks or, where a region of practical equivalence is given,
when its interval at twice that level lies inside. Beside it stand three rules that look as often:
the corrected t-test at 5 % each time, the same with critical values × 1.297, and the procedure's
test at 5 % each time.

Differences are given in standard deviations of a fold's difference, which each setting measures on
equal runs first. ``saved`` is the share of the ten repeats' fits that was not needed, ``full`` the
power of one look at all ten repeats.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

from cifar_sk.statistics import Spread, half_width, pocock_level
from studies.benchmarks.intervals import generator, write
from studies.benchmarks.simulated_runs import VARYING, Drawn, World, draws

LOOKS = 10
PASSES = [(repeat, 0) for repeat in range(LOOKS)]
SETTINGS = (
    World(300),
    World(300, seed_noise=0.016),
    World(300, seed_noise=0.05),
    World(300, groups="equal", seed_noise=0.016),
    World(300, agreement=0.8),
    World(5000),
    World(5000, agreement=0.8),
    World(5000, seed_noise=0.016, agreement=0.8),
    World(5000, seed_noise=0.008),
    World(5000, seed_noise=0.016),
    World(5000, groups="unequal", seed_noise=0.016),
    World(50_000, agreement=0.8),
    World(50_000, seed_noise=0.004),
    World(50_000, seed_noise=0.016),
)
EFFECTS = (0.5, 1.0, 1.5, 2.0, 3.0)
EFFECTS_OF_LARGE = (1.5,)
EQUAL_TIMES = 3  # as many repetitions of equal runs, whose error is to be known to half a point
# A difference of this size has no practical meaning.
ROPES = {World(5000, seed_noise=0.008): 0.01, World(50_000, seed_noise=0.004): 0.005}


def looks(world: World, n_repetitions: int, seed: int) -> tuple[list[Spread], list[np.ndarray]]:
    """Measure the difference after each repeat, and its standard deviation over all folds."""
    parts = [after(drawn) for drawn in draws(world, PASSES, n_repetitions, generator(world, seed))]
    found = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    k, n_clusters = world.n_folds, len(world.sizes)
    spreads = [
        Spread(
            found["mean"][look], look + 1, 1, k, n_clusters, *(found[n][look] for n in VARYING[1:])
        )
        for look in range(LOOKS)
    ]
    return spreads, list(found["sd"])


def after(drawn: Drawn) -> dict[str, np.ndarray]:
    """Return what varies in the difference after each repeat, a row per look."""
    scores = drawn.scores[1] - drawn.scores[0]
    u = drawn.clustered(drawn.influences[1] - drawn.influences[0])
    number = np.arange(1, len(scores) + 1)[:, None]
    of_pass = np.cumsum(drawn.variance(u), axis=0) / number
    np.cumsum(u, axis=0, out=u)
    return {
        "mean": np.cumsum(scores.mean(axis=-1), axis=0) / number,
        "image_mean": drawn.variance(u) / number**2,
        "image_repeat": of_pass,
        "image_pass": of_pass,
        "ms_folds": np.cumsum(scores.var(axis=-1, ddof=1), axis=0) / number,
        "ms_seeds": np.full(of_pass.shape, np.nan),
        "sd": np.array([_over_all(scores[: look + 1]) for look in range(len(scores))]),
    }


def _over_all(scores: np.ndarray) -> np.ndarray:
    """Return the standard deviation over all folds of all repeats."""
    return scores.transpose(1, 0, 2).reshape(scores.shape[1], -1).std(axis=1, ddof=1)


def first_look(crossed: np.ndarray) -> np.ndarray:
    """Return the look (from 1) at which a rule first holds, of (n_looks, ...); 0 for never."""
    return np.where(crossed.any(axis=0), crossed.argmax(axis=0) + 1, 0)


def corrected(spread: Spread, sd: np.ndarray, factor: float) -> np.ndarray:
    """Return whether the corrected t-test finds a difference, critical values times a factor."""
    n, k = spread.n_repeats * spread.n_folds, spread.n_folds
    limit = factor * t.ppf(0.975, n - 1) * sd * np.sqrt(1 / n + 1 / (k - 1))
    return np.abs(spread.mean) > limit


def ends(
    spreads: list[Spread], sds: list[np.ndarray], rope: float
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for each rule the look of a difference and that of equivalence, 0 for never."""
    level = pocock_level(LOOKS)
    shown = np.array([np.abs(s.mean) > half_width(s, 1 - level) for s in spreads])
    within = np.array([np.abs(s.mean) + half_width(s, 1 - 2 * level) < rope for s in spreads])
    often = np.array([np.abs(s.mean) > half_width(s) for s in spreads])
    never = np.zeros_like(shown)
    rules = {"procedure, Pocock": (shown, within), "procedure, 5 % each look": (often, never)}
    for name, factor in (("corrected t, × 1.297", 1.297), ("corrected t, 5 % each look", 1.0)):
        found = [corrected(s, sd, factor) for s, sd in zip(spreads, sds, strict=True)]
        rules[name] = (np.array(found), never)
    return {name: (first_look(a), first_look(b)) for name, (a, b) in rules.items()}


def rows(world: World, spreads: list[Spread], sds: list[np.ndarray], rope: float) -> pd.DataFrame:
    """Return a row per rule."""
    found = []
    for rule, (shown, equal) in ends(spreads, sds, rope).items():
        ended = np.where(shown == 0, LOOKS, shown)
        ended = np.minimum(ended, np.where(equal == 0, LOOKS, equal))
        is_equal = (equal > 0) & ((shown == 0) | (equal < shown))
        found.append(
            {
                "n": world.n_images,
                "groups": world.groups,
                "seed_noise": world.seed_noise,
                "training_noise": world.training_noise,
                "agreement": world.agreement,
                "difference": world.difference,
                "rope": rope,
                "rule": rule,
                "shown": ((shown > 0) & ~is_equal).mean(),
                "shown_wrong_way": ((shown > 0) & ~is_equal & wrong_way(spreads, shown)).mean(),
                "equivalent": is_equal.mean(),
                "saved": 1 - ended.mean() / LOOKS,
                "full": (np.abs(spreads[-1].mean) > half_width(spreads[-1])).mean(),
                "repetitions": len(shown),
            }
        )
    return pd.DataFrame(found)


def wrong_way(spreads: list[Spread], shown: np.ndarray) -> np.ndarray:
    """Return whether the first run seemed better when the difference was shown."""
    means = np.array([spread.mean for spread in spreads])
    return np.take_along_axis(means, np.maximum(shown - 1, 0)[None], axis=0)[0] < 0


def fold_sd(spreads: list[Spread]) -> float:
    """Return the standard deviation of a fold's difference."""
    return float(np.sqrt(spreads[-1].ms_folds.mean()))


def of_setting(world: World, n_repetitions: int, seed: int) -> pd.DataFrame:
    """Return the rows of a setting: equal runs, then different ones."""
    spreads, sds = looks(world, EQUAL_TIMES * n_repetitions, seed)
    sd, rope = fold_sd(spreads), ROPES.get(world, 0.0)
    tables = [rows(world, spreads, sds, rope).assign(effect=0.0)]
    effects = EFFECTS if world.n_images <= 5000 else EFFECTS_OF_LARGE
    cases = [(effect, effect * sd, 0.0) for effect in effects]
    if rope:  # the smallest difference that is not equivalent
        cases.append((rope / sd, rope, rope))
    for effect, difference, its_rope in cases:
        other = replace(world, difference=difference)
        found = rows(other, *looks(other, n_repetitions, seed), its_rope)
        tables.append(found.assign(effect=effect))
    return pd.concat(tables).assign(fold_sd=sd)


def main() -> None:
    """Simulate the settings, and write the table after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=2000, help="of each difference")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    tables = []
    for world in SETTINGS:
        tables.append(of_setting(world, options.repetitions, options.seed))
        print(tables[-1].round(4).to_string(index=False), flush=True)
        write(pd.concat(tables), options.output / "until_certain.csv")


if __name__ == "__main__":
    main()
