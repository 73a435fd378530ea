"""Plans: the components of a difference, designs, and sentences on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_runs import made_run
from typer.testing import CliRunner

from cifar_sk.comparison.planning import plan_difference, plan_sentences
from cifar_sk.displays.planning_displays import PowerDisplay
from cifar_sk.errors import InputError
from cifar_sk.metrics.influences import pair_spread, run_spread
from cifar_sk.plan import app
from cifar_sk.reports.comparison.plan_files import component_rows, plan_rows, write_plan
from cifar_sk.statistics import Variances, plan

LOW, HIGH = [0.50, 0.52, 0.51, 0.49, 0.50], [0.60, 0.65, 0.60, 0.57, 0.63]


@pytest.fixture(scope="module")
def pair():
    return [made_run("a", LOW), made_run("b", HIGH, draw=1)]


def test_two_runs_tell_what_their_difference_varies_with(pair):
    planned = plan_difference(pair, 0.04)
    results = [run.result for run in pair]
    expected = Variances.of(pair_spread(*results, "accuracy"))
    power = plan(expected, 0.04, n_folds=5, n_images=1000).table
    assert planned.plan.table.equals(power)
    best, *_ = plan_sentences(planned)
    row = planned.plan.cheapest(0.8)
    assert f"on {row['n_images']:,.0f} images like these ({row['n_fits']:.0f} fits" in best
    assert "a difference of 4 points of accuracy" in best


def test_one_run_stands_for_two_like_it(pair):
    planned = plan_difference(pair[:1], 0.04)
    one = Variances.of(run_spread(pair[0].result, "accuracy"))
    doubled = replace(one, image_noise=0.0, training=2 * one.training, seed=0.0)
    assert planned.plan.table.equals(plan(doubled, 0.04, n_folds=5, n_images=1000).table)
    text = " ".join(plan_sentences(planned))
    assert "measured on a alone. Assumed of the other procedure" in text
    assert "training sets and seeds cannot be told apart" in text
    seeds = made_run("c", LOW * 3, n_seeds=3, n_test=60)
    assert "cannot be told apart" not in " ".join(plan_sentences(plan_difference([seeds], 0.04)))


def test_where_nothing_suffices_the_best_is_said(pair):
    text = plan_sentences(plan_difference(pair, 0.001))[0]
    assert text.startswith("No design that was tried has a chance of 80 %")
    assert "10 repeats" in text or "repeats of 5 folds" in text


def test_files_and_tables_hold_the_plan(pair, tmp_path):
    planned = plan_difference(pair, 0.04)
    names = {path.name for path in write_plan(planned, tmp_path)}
    assert names == {"plan.csv", "variance_components.csv", "power.png"}
    heading, first, *rest = plan_rows(planned)
    assert heading == ["images", "repeats", "1 seed", "2 seeds", "3 seeds", "5 seeds"]
    assert first[:2] == ["1,000", "1"]
    assert first[2] == f"{planned.plan.table['power'][0]:.0%}"
    assert len(rest) == 14
    assert [row[0] for row in component_rows(planned)[1:]] == ["images", "training sets and seeds"]
    display = PowerDisplay(planned.plan.table, 0.8, "Power").plot()
    line = display.ax_[0].lines[1]
    expected = planned.plan.table.query("n_images == 1000 and n_seeds == 1")["power"]
    np.testing.assert_array_equal(line.get_ydata(), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"difference": 0}, "difference must be a number other than 0, got 0"),
        ({"difference": float("nan")}, "other than 0, got nan"),
        ({"power": 1.0}, "power must lie between 0 and 1, got 1.0"),
        ({"metric": "acuracy"}, "did you mean 'accuracy'"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(options, message, pair):
    with pytest.raises(InputError, match=message):
        plan_difference(pair[:1], **({"difference": 0.01} | options))
    with pytest.raises(InputError, match="one run or two, got 0"):
        plan_difference([], 0.01)
    with pytest.raises(InputError, match="is given twice"):
        plan_difference(pair[:1] * 2, 0.01)


def test_help_has_examples():
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    assert "cifar-sk plan results/ann-digits results/cnn-digits --difference 1" in shown
