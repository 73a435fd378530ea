"""What the benchmarks compute from their measurements, and that they run."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from studies.benchmarks.pairs import Stopwatch, ratios
from studies.benchmarks.scaling import growth, work


def test_ratios_are_medians_of_paired_quotients():
    measured = pd.DataFrame(
        {
            "round": [0, 0, 1, 1, 2, 2],
            "loop": ["a", "b"] * 3,
            # b takes 1.1, 1.2 and 1.3 times as long, while the machine slows down.
            "wall_s": [1.0, 1.1, 10.0, 12.0, 2.0, 2.6],
        }
    )
    table = ratios(measured, "loop", "a", ["wall_s"]).set_index("loop")
    assert table.loc["b", "wall_s_ratio"] == pytest.approx(1.2)
    assert table.loc["b", "wall_s_ratio_q25"] == pytest.approx(1.15)
    assert table.loc["b", "wall_s_ratio_q75"] == pytest.approx(1.25)
    assert table.loc["b", "wall_s"] == pytest.approx(2.6)
    assert (table.loc["a", ["wall_s_ratio", "rounds"]] == [1, 3]).all()


def test_work_counts_images_trained_on_and_predicted():
    point = {"n": 100, "folds": 5, "size": 32}
    assert work(point) == 3 * 400 + 100
    assert work({**point, "size": 64}) == 4 * (3 * 400 + 100)


def test_growth_finds_the_exponent():
    n = np.array([1000, 2000, 4000])
    rows = [
        {"axis": axis, "n": count, "folds": 5, "size": 32, "wall_s": 1e-6 * count**2, "peak_mb": 7}
        for axis in ("n", "folds", "size")
        for count in n
    ]
    measured = pd.DataFrame(rows)
    measured["work"] = [work(row) for _, row in measured.iterrows()]
    table = growth(measured).set_index("axis")
    np.testing.assert_allclose(table[["wall_exponent", "wall_exponent_at_the_end"]], 2)
    np.testing.assert_allclose(table["peak_mb_exponent"], 0, atol=1e-12)


def test_a_stopwatch_adds_up_and_counts_all_threads():
    stopwatch = Stopwatch()
    with stopwatch:
        sum(range(300_000))
    first = stopwatch.wall
    with stopwatch:
        sum(range(300_000))
    assert stopwatch.wall > first > 0
    assert stopwatch.cpu > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "files"),
    [
        (
            "overhead --dataset digits --limit 200 --rounds 1 --memory-folds 3 --memory-limit 100",
            {"overhead.csv", "overhead_memory.csv", "overhead_start.csv"},
        ),
        (
            "scaling --dataset digits --largest 1000 --rounds 1",
            {"scaling.csv", "scaling_growth.csv", "scaling.png"},
        ),
        ("augmentation_cost --policies light r2 --rounds 1", {"augmentation_cost.csv"}),
    ],
)
def test_benchmarks_run(words, files, tmp_path):
    command = [sys.executable, "-m", f"studies.benchmarks.{words}".split()[0], *words.split()[1:]]
    subprocess.run([*command, "--output", str(tmp_path)], check=True, capture_output=True)
    assert {file.name for file in tmp_path.iterdir()} == files
