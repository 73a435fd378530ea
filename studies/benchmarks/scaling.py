"""How cost grows: seconds and memory against images, folds, classes, image size and jobs.

``python -m studies.benchmarks.scaling --output FOLDER``

Every point is `cross_validate_oof` of the network "cnn" (narrow, one epoch) in a process of its
own. "work" is what the point has to do at least: images times epochs that are trained on, and
images that are predicted, in units of the smallest point. Where seconds grow with a power of the
work above 1, something besides the work grows. 64×64 images are the 32×32 ones doubled, and 100
classes are the ten, each cut into ten by brightness.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from studies.benchmarks.pairs import Stopwatch, end_workers, in_new_process, report_usage, show

MODULE = "studies.benchmarks.scaling"
BASE = {"n": 5000, "folds": 5, "classes": 10, "size": 32, "jobs": 1}
AXES = {
    "n": [1000, 2000, 5000, 10_000, 20_000, 50_000],
    "folds": [2, 3, 5, 10, 20],
    "classes": [10, 100],
    "size": [32, 64],
    "jobs": [1, 2],
}


def main() -> None:
    """Measure, print the tables, and write them with a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10-jpeg")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--largest", type=int, default=50_000, help="images, for a trial")
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    parser.add_argument("--point", nargs=len(BASE), type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        measure_point(options.dataset, **dict(zip(BASE, options.point, strict=True)))
        return
    measured = measure(options)
    slopes = growth(measured)
    show({"scaling": measured, "scaling_growth": slopes}, options.output)
    if options.output:
        draw(measured, slopes, options.output / "scaling.png")


def measure(options: argparse.Namespace) -> pd.DataFrame:
    """Return a row per point: medians over the rounds, which visit all points in turn."""
    points = [
        (axis, {**BASE, axis: value})
        for axis, values in AXES.items()
        for value in values
        if not (axis == "n" and value > options.largest)
    ]
    rows = []
    for turn in range(options.rounds):
        for axis, point in points:
            words = ["--dataset", options.dataset, "--point", *point.values()]
            usage = in_new_process(MODULE, words, threads=1)
            rows.append({"axis": axis, "value": point[axis], **point, **usage, "round": turn})
            print(rows[-1], file=sys.stderr)
    grouped = pd.DataFrame(rows).groupby(["axis", "value", *BASE], sort=False)
    table = grouped[["wall_s", "cpu_s", "peak_mb"]].median()
    spread = grouped["wall_s"].agg(wall_s_min="min", wall_s_max="max", rounds="size")
    table = table.join(spread).reset_index()
    return table.assign(work=[work(row) for _, row in table.iterrows()])


def work(point: Any) -> float:
    """Images trained on (three passes' worth) and predicted, times their pixels."""
    trained = point["n"] * (point["folds"] - 1)
    return (3 * trained + point["n"]) * (point["size"] / 32) ** 2


def growth(measured: pd.DataFrame) -> pd.DataFrame:
    """Return the exponent of the cost's growth with the work, per axis.

    What every fold costs however few its images (tracing the graph) is in it, and flattens it;
    less so at the end, between the two largest points.
    """
    rows = []
    for axis in ("n", "folds", "size"):
        table = measured[measured["axis"] == axis].sort_values("work")
        first, last = table.iloc[0], table.iloc[-1]
        ratio = last["work"] / first["work"]
        rows.append(
            {
                "axis": axis,
                "work_ratio": ratio,
                "wall_ratio": last["wall_s"] / first["wall_s"],
                "peak_mb_ratio": last["peak_mb"] / first["peak_mb"],
                "wall_exponent": np.log(last["wall_s"] / first["wall_s"]) / np.log(ratio),
                "wall_exponent_at_the_end": _slope(table.tail(2), "wall_s"),
                "peak_mb_exponent": np.log(last["peak_mb"] / first["peak_mb"]) / np.log(ratio),
            }
        )
    return pd.DataFrame(rows)


def _slope(table: pd.DataFrame, column: str) -> float:
    return float(np.polyfit(np.log(table["work"]), np.log(table[column]), 1)[0])


def draw(measured: pd.DataFrame, slopes: pd.DataFrame, path: Path) -> None:
    """Draw seconds and peak memory against images and folds, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplots(2, 2)
    labels = {"wall_s": "wall seconds", "peak_mb": "peak memory, MB"}
    for row, (column, label) in enumerate(labels.items()):
        for ax, axis in zip(axes[row], ("n", "folds"), strict=True):
            table = measured[measured["axis"] == axis]
            ax.loglog(table["value"], table[column], "o-", label="measured")
            last = table.iloc[-1]
            ax.loglog(
                table["value"],
                last[column] * table["work"] / last["work"],
                "--",
                color="0.5",
                label="in proportion to the work",
            )
            ax.set(xlabel={"n": "images", "folds": "folds"}[axis], ylabel=label)
            ax.set_xticks(table["value"], [f"{value:,}" for value in table["value"]])
            ax.minorticks_off()
    axes[0, 0].legend()
    exponents = dict(zip(slopes["axis"], slopes["wall_exponent_at_the_end"], strict=True))
    figure.suptitle(
        "Cost of cross_validate_oof; at the end seconds grow with the work to the power of "
        f"{exponents['n']:.2f} (images) and {exponents['folds']:.2f} (folds)"
    )
    figure.savefig(path, dpi=110)


def measure_point(dataset: str, *, n: int, folds: int, classes: int, size: int, jobs: int) -> None:
    """Run one cross-validation and report what it used."""
    from cifar_sk.datasets import load_dataset
    from cifar_sk.evaluation import cross_validate_oof
    from cifar_sk.pipelines.models import make_model

    data = load_dataset(dataset, limit=n)
    images, target = data.images, data.target
    if size == 64:
        images = images.repeat(2, axis=1).repeat(2, axis=2)
    if classes == 100:
        brightness = pd.Series(images.mean((1, 2, 3)))
        share = brightness.groupby(target).rank(method="first", pct=True).to_numpy()
        target = target * 10 + np.minimum(share * 10, 9).astype(np.int64)
    pipeline = make_model("cnn").set_params(
        classifier__widths=(16, 32, 32),
        classifier__dense_units=(64,),
        classifier__epochs=1,
        classifier__batch_size=64,
        classifier__early_stopping=False,
        classifier__schedule="constant",
    )
    loop = {"cv": folds, "n_jobs": jobs, "n_threads": 1}
    if jobs > 1:  # start the workers, and have them load Keras, as this process has
        cross_validate_oof(pipeline, images[:300], target[:300] % 10, **{**loop, "cv": 2})
    with Stopwatch() as stopwatch:
        cross_validate_oof(pipeline, images, target, **loop)
        if jobs > 1:
            end_workers()
    report_usage(stopwatch)


if __name__ == "__main__":
    main()
