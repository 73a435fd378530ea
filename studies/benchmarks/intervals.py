"""Coverage and width of the interval for a procedure's expected score, where it is known.

    python -m studies.benchmarks.intervals --output FOLDER --samples FOLDER

Runs are drawn by `studies.benchmarks.simulated_runs`: the expected score is exactly 0.8. Each
repetition draws seven passes over the images, five repeats of one seed and two more seeds of the
first repeat, and three designs (repeats × seeds) look at them: 1 × 1, 1 × 3 and 5 × 1. A second
run of the same procedure on the same images gives the tests' type I error.

A row of ``intervals.csv`` is one design in one setting: how often each interval ``covers`` the
expected score, its mean ``width`` over the ideal one (2 · 1.96 standard deviations of the mean
over all repetitions), and how often each test ``rejects`` equal procedures at 5 %. ``least_width``
is what a t interval over the fits has where images matter little, so that nobody can do better.
What the repetitions measured is kept in ``--samples``; a second start goes on with the settings
that are missing, and the table is made of all that are there. ``--three-fits`` compares three
seeds of one repeat with three repeats of one seed, which cost as much.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import binom, norm, t

from cifar_sk.statistics import Spread, half_width, procedure_interval
from studies.benchmarks.interval_targets import N_IMAGES, figure, targets
from studies.benchmarks.simulated_runs import (
    ACCURACY,
    GROUP_SIZES,
    VARYING,
    Drawn,
    World,
    draws,
    effective,
    image_variances,
    joined,
    of_run,
    spread,
)

N_FOLDS = (5, 10, 3, 2)
NOISES = ((0.0, 0.0), (0.004, 0.0), (0.008, 0.0), (0.016, 0.0), (0.008, 0.008), (0.016, 0.016))
# Settings of 20,000 images and more are dear.
LARGE = 20_000
NOISES_OF_LARGE = ((0.0, 0.0), (0.004, 0.0), (0.016, 0.0), (0.008, 0.008))
OTHER_AGREEMENT = 0.8
PASSES = [(repeat, 0) for repeat in range(5)] + [(0, 1), (0, 2)]
DESIGNS = (np.array([[0]]), np.array([[0, 5, 6]]), np.arange(5)[:, None])
# Three fits of each fold: as seeds, and as repeats.
THREE_FITS = (np.array([[0, 5, 6]]), np.arange(3)[:, None])


@dataclass(frozen=True)
class Sample:
    """All repetitions of one design; arrays of shape (n_repetitions,) but for `only`.

    Attributes
    ----------
    run, pair : Spread
        Of the first run, and of the difference of the two.
    run_sd, pair_sd : ndarray
        Standard deviation over folds, of scores averaged over seeds.
    independent : ndarray
        Variance of the run's mean, were its images independent.
    only : ndarray, shape (n_repetitions, 2)
        Images that only one of the runs has right in the first pass.
    """

    run: Spread
    pair: Spread
    run_sd: np.ndarray
    pair_sd: np.ndarray
    independent: np.ndarray
    only: np.ndarray


ARRAYS = ("run_sd", "pair_sd", "independent", "only")


def settings(n_images: tuple[int, ...] = N_IMAGES) -> list[World]:
    """Return all settings, the quick ones first."""
    found = product(n_images, NOISES, N_FOLDS, GROUP_SIZES)
    worlds = [
        World(n, k, groups, *noise)
        for n, noise, k, groups in found
        if n < LARGE or noise in NOISES_OF_LARGE
    ]
    others = product(n_images, NOISES_OF_LARGE, GROUP_SIZES)
    # Procedures of one expected score that find other images hard.
    return worlds + [
        World(n, 5, groups, *noise, agreement=OTHER_AGREEMENT)
        for n, noise, groups in others
        if n <= LARGE
    ]


def generator(world: World, seed: int) -> np.random.Generator:
    """Return random numbers that belong to a setting, whichever are simulated before it."""
    noise = [round(1e6 * value) for value in (world.seed_noise, world.training_noise)]
    words = [world.n_images, world.n_folds, list(GROUP_SIZES).index(world.groups), *noise]
    words += [round(1e6 * world.difference)]
    if world.agreement < 1:
        words.append(round(1e6 * world.agreement))
    return np.random.Generator(np.random.SFC64([seed, *words]))


def simulate(
    world: World, n_repetitions: int, seed: int = 0, designs: Sequence[np.ndarray] = DESIGNS
) -> list[Sample]:
    """Draw the repetitions of a setting, and measure each design on them."""
    parts: list[list[Sample]] = [[] for _ in designs]
    for drawn in draws(world, PASSES, n_repetitions, generator(world, seed)):
        for found, passes in zip(parts, designs, strict=True):
            found.append(measure(drawn, passes))
    return [
        Sample(
            joined([part.run for part in found]),
            joined([part.pair for part in found]),
            *(np.concatenate([getattr(part, name) for part in found]) for name in ARRAYS),
        )
        for found in parts
    ]


def measure(drawn: Drawn, passes: np.ndarray) -> Sample:
    """Measure one design."""
    run, pair = spread(drawn, 0, passes), spread(drawn, None, passes)
    independent = run.image_mean
    if run.n_clusters < drawn.influences.shape[-1]:
        apart = replace(drawn, sizes=np.ones(drawn.influences.shape[-1]))
        independent = image_variances(apart, of_run(drawn, 0, passes)[1], *passes.shape)[0]
    return Sample(
        run, pair, *(fold_sd(drawn, r, passes) for r in (0, None)), independent, drawn.only
    )


def fold_sd(drawn: Drawn, run: int | None, passes: np.ndarray) -> np.ndarray:
    """Return the standard deviation over all folds of scores averaged over seeds."""
    scores = of_run(drawn, run, passes)[0]
    by_repeat = scores.reshape(*passes.shape, *scores.shape[1:]).mean(axis=1)
    return by_repeat.transpose(1, 0, 2).reshape(scores.shape[1], -1).std(axis=1, ddof=1)


def stored(world: World, options: argparse.Namespace) -> Path:
    """Return the file of a setting's samples."""
    noise = f"{world.seed_noise:g}-{world.training_noise:g}"
    other = "" if world.agreement == 1 else f"-{world.agreement:g}"
    name = f"{world.n_images}-{world.n_folds}-{world.groups}-{noise}{other}.npz"
    return options.samples / name


def store(samples: list[Sample], path: Path) -> None:
    """Keep what the repetitions measured; a kill leaves all of a setting or nothing."""
    arrays = {}
    for number, sample in enumerate(samples):
        found = {name: getattr(sample, name) for name in ARRAYS}
        for of in ("run", "pair"):
            found |= {f"{of}.{name}": getattr(getattr(sample, of), name) for name in VARYING}
        arrays |= {f"{number}.{name}": values for name, values in found.items()}
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **{name: values.astype(np.float32) for name, values in arrays.items()})
    part.replace(path)


def load(world: World, path: Path) -> list[Sample]:
    """Read what `store` kept."""
    samples = []
    with np.load(path) as arrays:
        for number, passes in enumerate(DESIGNS):
            fixed = (*passes.shape, world.n_folds, len(world.sizes))
            spreads = [
                Spread(found[0], *fixed, *found[1:], effective(world.sizes))
                for found in (
                    [arrays[f"{number}.{of}.{name}"].astype(float) for name in VARYING]
                    for of in ("run", "pair")
                )
            ]
            samples.append(Sample(*spreads, *(arrays[f"{number}.{name}"] for name in ARRAYS)))
    return samples


def halves(sd: np.ndarray, spread: Spread) -> tuple[np.ndarray, np.ndarray]:
    """Half-widths of the corrected and of the naive t interval over folds."""
    n = spread.n_repeats * spread.n_folds
    upper = t.ppf(0.975, n - 1)
    return upper * sd * np.sqrt(1 / n + 1 / (spread.n_folds - 1)), upper * sd / np.sqrt(n)


def intervals(sample: Sample) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the bounds of each method."""
    mean = sample.run.mean
    corrected, naive = halves(sample.run_sd, sample.run)
    pooled = norm.ppf(0.975) * np.sqrt(sample.independent)
    return {
        "procedure": procedure_interval(sample.run, bounds=(0, 1)),
        "corrected_t": (mean - corrected, mean + corrected),
        "pooled": (mean - pooled, mean + pooled),
        "naive_t": (mean - naive, mean + naive),
    }


def rejections(sample: Sample, first_pass: Spread) -> dict[str, np.ndarray]:
    """Return whether each test finds a difference at 5 %."""
    distance = np.abs(sample.pair.mean)
    corrected, _ = halves(sample.pair_sd, sample.pair)
    few, total = sample.only.min(axis=1), sample.only.sum(axis=1)
    clustered = t.ppf(0.975, first_pass.n_clusters - 1) * np.sqrt(first_pass.image_pass)
    return {
        "procedure": distance > half_width(sample.pair),
        "corrected_t": distance > corrected,
        "mcnemar": 2 * binom.cdf(few, total, 0.5) < 0.05,
        "mcnemar_clustered": np.abs(first_pass.mean) > clustered,
    }


def least_width(n_folds: int, n_repeats: int, n_seeds: int) -> float:
    """Mean width of a t interval over fits, over the ideal one: no images, normal noise."""
    df = n_repeats * (n_folds - 1 if n_seeds == 1 else n_folds * (n_seeds - 1))
    mean_sd = np.sqrt(2 / df) * np.exp(gammaln((df + 1) / 2) - gammaln(df / 2))
    return float(t.ppf(0.975, df) * mean_sd / norm.ppf(0.975))


def rows(world: World, samples: list[Sample]) -> list[dict[str, Any]]:
    """Return a row per design."""
    return [row(world, sample, samples[0].pair) for sample in samples]


def row(world: World, sample: Sample, first_pass: Spread) -> dict[str, Any]:
    """Return what a design gave."""
    n_repeats, n_seeds = sample.run.n_repeats, sample.run.n_seeds
    found: dict[str, Any] = {
        "n": world.n_images,
        "k": world.n_folds,
        "groups": world.groups,
        "seed_noise": world.seed_noise,
        "training_noise": world.training_noise,
        "agreement": world.agreement,
        "repeats": n_repeats,
        "seeds": n_seeds,
        "clusters": sample.run.n_clusters,
    }
    found |= {"repetitions": len(sample.only), "sd_of_mean": sample.run.mean.std(ddof=1)}
    found["least_width"] = least_width(world.n_folds, n_repeats, n_seeds)
    for name, (low, high) in intervals(sample).items():
        found[f"covers_{name}"] = ((low <= ACCURACY) & (high >= ACCURACY)).mean()
        ideal = 2 * norm.ppf(0.975) * found["sd_of_mean"]
        found[f"width_{name}"] = (high - low).mean() / ideal
        if name == "procedure":
            found["zero_widths"] = int((high <= low).sum())
    for name, rejects in rejections(sample, first_pass).items():
        found[f"rejects_{name}"] = rejects.mean()
    return found


def three_fits(n_repetitions: int, seed: int = 0) -> pd.DataFrame:
    """Compare three seeds of one repeat with three repeats of one seed."""
    noises = ((0.0, 0.0), (0.016, 0.0), (0.008, 0.008), (0.016, 0.016))
    found = []
    for n, k, noise in product((1500, 5000), (2, 3, 5, 10), noises):
        world = World(n, k, "none", *noise)
        samples = simulate(world, n_repetitions, seed, THREE_FITS)
        found += rows(world, samples)
    table = pd.DataFrame(found)
    names = ("pooled", "naive_t", "mcnemar", "mcnemar_clustered")
    return table[[name for name in table if not name.endswith(names)]]


def write(table: pd.DataFrame, path: Path) -> None:
    """Replace a table; a kill leaves the old or the new."""
    part = path.with_suffix(".part")
    table.to_csv(part, index=False, float_format="%.5g", lineterminator="\n")
    part.replace(path)


def main() -> None:
    """Simulate the settings that are missing, and write tables and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=2000, help="of each setting")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n", type=int, nargs="+", default=N_IMAGES, help="numbers of images")
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no setting later")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--samples", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--three-fits", action="store_true", help="only seeds against repeats")
    options = parser.parse_args()
    if options.three_fits:
        table = three_fits(options.repetitions, options.seed)
        write(table, options.output / "intervals_three_fits.csv")
        return
    options.samples.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    for world in settings(tuple(options.n)):
        path = stored(world, options)
        if time.monotonic() - start > options.seconds:
            print("not finished: start again", flush=True)
            break
        if not path.exists():
            store(simulate(world, options.repetitions, options.seed), path)
    there = [world for world in settings() if stored(world, options).exists()]
    found = [row for world in there for row in rows(world, load(world, stored(world, options)))]
    table = pd.DataFrame(found)
    write(table, options.output / "intervals.csv")
    write(targets(table), options.output / "intervals_targets.csv")
    figure(table, options.output / "intervals.png")
    print(targets(table).to_string(index=False))


if __name__ == "__main__":
    main()
