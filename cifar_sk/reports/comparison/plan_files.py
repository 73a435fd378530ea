"""The files of a plan: designs, variance components, and the curves of power."""

from __future__ import annotations

from pathlib import Path

from cifar_sk.comparison import wording
from cifar_sk.comparison.planning import DifferencePlan
from cifar_sk.displays.planning_displays import PowerDisplay
from cifar_sk.reports.run.figures import finish
from cifar_sk.reports.templating import number
from cifar_sk.runs.files import csv_bytes, write_files

__all__ = ["component_rows", "plan_rows", "write_plan"]


def write_plan(planned: DifferencePlan, folder: Path) -> list[Path]:
    """Write ``plan.csv``, ``variance_components.csv`` and ``power.png`` into a folder."""
    size = wording.region(planned.plan.difference, planned.metric)
    title = f"Power to show {size} of {wording.metric_name(planned.metric)}"
    display = PowerDisplay(planned.plan.table, planned.power, title).plot()
    figure = finish("power", display.figure_, title, f"{title}, by repeats, seeds and images.")
    contents = {
        "plan.csv": csv_bytes(planned.plan.table),
        "variance_components.csv": csv_bytes(planned.components),
        "power.png": figure.png,
    }
    return write_files(folder, contents)


def plan_rows(planned: DifferencePlan) -> list[list[str]]:
    """Return the power by images and repeats, a column for each number of seeds."""
    table = planned.plan.table
    power = table.pivot(index=["n_images", "n_repeats"], columns="n_seeds", values="power")
    seeds = [f"{n} seed{'' if n == 1 else 's'}" for n in power]
    cells = [
        [*(f"{number:,}" for number in place), *(f"{value:.0%}" for value in values)]
        for place, values in zip(power.index, power.to_numpy(), strict=True)
    ]
    return [["images", "repeats", *seeds], *cells]


def component_rows(planned: DifferencePlan) -> list[list[str]]:
    """Return what scores, or the difference, vary with: standard deviations of one fit."""
    rows = [["varies with", "sd", "95 % interval", "share", "basis"]]
    for row in planned.components.to_dict("records"):
        bounds = f"{number(row['low'])} to {number(row['high'])}"
        share = number(row["share"], "{:.0%}")
        rows.append([row["source"], number(row["sd"]), bounds, share, row["basis"]])
    return rows
