"""What the tests find with how many fits, and whether ``cifar-sk plan`` foretells it.

    python -m studies.benchmarks.power_plan --output FOLDER

Pairs of runs are drawn by `studies.benchmarks.simulated_runs`, with up to ten repeats of three
seeds and five folds. An ``effect`` is a difference in standard errors of that of single passes.

- ``power_tests.csv``: the least number of fits of each run (folds × repeats × seeds) with which
  the procedure's test and the corrected t-test find a difference with a chance of 80 %: at their
  own 5 %, and at critical values that give both 5 % in the same setting (``calibrated``). Empty is
  more than ten repeats of three seeds.
- ``power_plan.csv``: the power that `cifar_sk.statistics.plan` says beside the one simulated, with
  the true variances, and with those estimated from single experiments of one or two repeats or of
  three seeds: the 5 %, 50 % and 95 % quantiles.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifar_sk.statistics import Spread, Variances, half_width, plan
from studies.benchmarks.intervals import fold_sd, generator, halves, write
from studies.benchmarks.simulated_runs import VARYING, World, draws, joined, spread

PASSES = [(repeat, seed) for repeat in range(10) for seed in range(3)]
NUMBER = np.arange(30).reshape(10, 3)
REPEATS, SEEDS = (1, 2, 3, 5, 10), (1, 2, 3)
SETTINGS = (
    World(300, agreement=0.8),
    World(300, seed_noise=0.016, agreement=0.8),
    World(1500, groups="equal", seed_noise=0.008, agreement=0.8),
    World(5000),
    World(5000, seed_noise=0.008, agreement=0.8),
    World(5000, seed_noise=0.016),
    World(5000, seed_noise=0.008, training_noise=0.008),
)
EFFECTS = (2.2, 3.0, 4.0)
EFFECT_OF_ESTIMATES = 3.0
N_ESTIMATES = 40
# Experiments that a plan may start from: repeats and seeds.
PILOTS = ((1, 1), (2, 1), (1, 3))


@dataclass(frozen=True)
class Found:
    """What each design measured of the difference, and its standard deviation over folds."""

    spreads: dict[tuple[int, int], Spread]
    sds: dict[tuple[int, int], np.ndarray]

    def ratios(self, design: tuple[int, int]) -> dict[str, np.ndarray]:
        """Return each test's distance from 0 over its critical value at 5 %."""
        found = self.spreads[design]
        distance = np.abs(found.mean)
        corrected, _ = halves(self.sds[design], found)
        return {"procedure": distance / half_width(found), "corrected_t": distance / corrected}


def simulate(world: World, n_repetitions: int, seed: int) -> Found:
    """Measure the difference in every design."""
    designs = {(r, s): NUMBER[:r, :s] for r in REPEATS for s in SEEDS}
    spreads: dict[tuple[int, int], list[Spread]] = {design: [] for design in designs}
    sds: dict[tuple[int, int], list[np.ndarray]] = {design: [] for design in designs}
    for drawn in draws(world, PASSES, n_repetitions, generator(world, seed)):
        for design, passes in designs.items():
            spreads[design].append(spread(drawn, None, passes))
            sds[design].append(fold_sd(drawn, None, passes))
    return Found(
        {design: joined(parts) for design, parts in spreads.items()},
        {design: np.concatenate(parts) for design, parts in sds.items()},
    )


def one_of(stack: Spread, number: int) -> Spread:
    """Return one experiment of a stack."""
    return replace(stack, **{name: float(getattr(stack, name)[number]) for name in VARYING})


def standard_error(world: World) -> float:
    """Return the standard deviation of the mean difference of single passes."""
    parts = world.of_difference
    noise = (parts.training + parts.seed) / world.n_folds
    return float(np.sqrt(parts.image / parts.n_clusters + noise))


def of_setting(
    world: World, n_repetitions: int, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of both tables for a setting."""
    equal = simulate(world, n_repetitions, seed)
    limits = {d: {m: np.quantile(v, 0.95) for m, v in equal.ratios(d).items()} for d in equal.sds}
    tests, plans = [], []
    for effect in EFFECTS:
        other = replace(world, difference=effect * standard_error(world))
        powers = {"at_5": {}, "calibrated": {}}
        found = simulate(other, n_repetitions, seed)
        for design in found.sds:
            ratios = found.ratios(design)
            powers["at_5"][design] = {m: (v > 1).mean() for m, v in ratios.items()}
            powers["calibrated"][design] = {
                m: (v > limits[design][m]).mean() for m, v in ratios.items()
            }
        tests.append(named(other, effect) | fits_needed(powers, world.n_folds))
        plans += planned(other, effect, found, powers["at_5"])
    return tests, plans


def named(world: World, effect: float) -> dict[str, Any]:
    """Return the columns that name a setting."""
    names = ("n_images", "groups", "seed_noise", "training_noise", "agreement", "difference")
    return {name: getattr(world, name) for name in names} | {"effect": effect}


def fits_needed(powers: dict[str, dict[tuple[int, int], Any]], n_folds: int) -> dict[str, Any]:
    """Return the least number of fits that has a power of 80 %, by test and level."""
    found: dict[str, Any] = {}
    for level, of_designs in powers.items():
        for test in ("procedure", "corrected_t"):
            enough = [r * s * n_folds for (r, s), p in of_designs.items() if p[test] >= 0.8]
            found[f"{test}_{level}"] = min(enough, default=np.nan)
        found[f"share_{level}"] = found[f"procedure_{level}"] / found[f"corrected_t_{level}"]
    return found


def planned(
    world: World, effect: float, found: Found, powers: dict[tuple[int, int], dict[str, float]]
) -> list[dict[str, Any]]:
    """Return what plans say of each design beside what was simulated."""
    said = {"planned": _plan(at_difference(world, found), world)}
    if effect == EFFECT_OF_ESTIMATES:
        for pilot in PILOTS:
            of_one = [Variances.of(one_of(found.spreads[pilot], i)) for i in range(N_ESTIMATES)]
            each = [_plan(variances, world, few=True) for variances in of_one]
            for share in (0.05, 0.5, 0.95):
                name = f"from_{pilot[0]}x{pilot[1]}_q{share:g}"
                said[name] = {d: float(np.quantile([e[d] for e in each], share)) for d in each[0]}
    rows = []
    for (n_repeats, n_seeds), of_design in powers.items():
        row = named(world, effect) | {"repeats": n_repeats, "seeds": n_seeds}
        row |= {"simulated": of_design["procedure"]}
        row |= {name: of.get((n_repeats, n_seeds), np.nan) for name, of in said.items()}
        rows.append(row)
    return rows


def at_difference(world: World, found: Found) -> Variances:
    """Return the true variances; those over images as they are where the runs differ."""
    most = found.spreads[max(found.spreads)]
    n = most.n_clusters
    return replace(
        world.of_difference,
        image=float(most.image_pass.mean()) * n,
        image_noise=float((most.image_pass - most.image_repeat).mean()) * n * 3 / 2,
    )


def _plan(variances: Variances, world: World, few: bool = False) -> dict[tuple[int, int], float]:
    """Return the power that a plan says of each design; few: of some only, for speed."""
    repeats, seeds = ((1, 5), (1, 3)) if few else (REPEATS, SEEDS)
    found = plan(
        variances,
        world.difference,
        n_folds=world.n_folds,
        n_images=world.n_images,
        repeats=repeats,
        seeds=seeds,
        image_factors=(1,),
    ).table
    return {(int(r.n_repeats), int(r.n_seeds)): float(r.power) for r in found.itertuples()}


def main() -> None:
    """Simulate the settings, and write the tables after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=2000, help="of each setting")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    tests, plans = [], []
    for world in SETTINGS:
        new_tests, new_plans = of_setting(world, options.repetitions, options.seed)
        tests, plans = tests + new_tests, plans + new_plans
        print(pd.DataFrame(new_tests).round(4).to_string(index=False), flush=True)
        write(pd.DataFrame(tests), options.output / "power_tests.csv")
        write(pd.DataFrame(plans), options.output / "power_plan.csv")
    error = (pd.DataFrame(plans)["planned"] - pd.DataFrame(plans)["simulated"]).abs()
    print(
        f"plan: {(error <= 0.05).sum()} of {len(error)} within 5 points, worst {error.max():.3f}"
    )


if __name__ == "__main__":
    main()
