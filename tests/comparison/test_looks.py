"""Looks at a growing comparison: levels, decisions, and the file that keeps them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from made_runs import made_run

from cifar_sk.comparison import compare_runs, conclusion
from cifar_sk.comparison.looks import Looks, judge, look_at, read_looks, run_identity
from cifar_sk.comparison.looks_wording import look_line
from cifar_sk.displays.planning_displays import LooksDisplay
from cifar_sk.errors import InputError
from cifar_sk.reports.comparison.files import write_comparison
from cifar_sk.statistics import half_width, pocock_level, spread_of

SHARES = {"a": [0.5, 0.52, 0.51, 0.49], "b": [0.53, 0.54, 0.52, 0.53]}


def pair_of(n_repeats, shares=SHARES, **options):
    """Two runs of four folds; those with more repeats begin with the folds of those with fewer."""
    return [
        made_run(name, of_fold * n_repeats, n_repeats=n_repeats, draw=draw, n_test=100, **options)
        for draw, (name, of_fold) in enumerate(shares.items())
    ]


def spread_around(mean, scale=0.01):
    generator = np.random.default_rng(0)
    scores = generator.normal(0, scale, (2, 1, 5))
    influences = generator.normal(0, scale / 10, (80, 2, 1))
    return spread_of(scores - scores.mean() + mean, influences - influences.mean(axis=0))


@pytest.mark.parametrize(
    ("factor", "rope", "decision"),
    [(1.01, 0, "different"), (-1.01, 9, "different"), (0.9, 0.01, "open"), (0.9, 9, "equivalent")],
)
def test_a_look_decides_by_the_interval_at_its_level(factor, rope, decision):
    half = half_width(spread_around(0), 1 - 0.02)
    look = judge(spread_around(factor * half), rope, 0.02)
    assert look.decision == decision
    assert (look.high - look.low) / 2 == pytest.approx(half)
    assert (look.p_value < look.level) == (decision == "different")


def test_runs_that_do_not_differ_in_any_image_are_the_same():
    look = judge(spread_of(np.zeros((1, 1, 5)), np.zeros((80, 1, 1))), 0.01, 0.05)
    assert (look.decision, look.low, look.high, look.p_value) == ("the same", 0, 0, 1)


def test_every_look_has_one_level_that_counts_all():
    looks = Looks(("x", "y"), "accuracy").until(4)
    for repeats in (2, 3, 4):
        assert looks.level(repeats, 1) == pocock_level(3)
        looks = looks.add(replace(judge(spread_around(0), 0, 0.05), repeats=repeats))
        assert looks.planned == 3
    assert looks.level(3, 1) == pocock_level(3)  # the same data once more are no new look
    assert looks.level(4, 2) == pocock_level(4)  # but more seeds are
    assert looks.until(6).level(5, 1) == pocock_level(5)
    assert Looks(("x", "y"), "accuracy").level(7, 1) == 0.05


def test_repeats_added_by_hand_are_noticed(tmp_path):
    """Whoever looks, adds repeats and looks again has two chances to find what is not there."""
    looked = look_at(tmp_path, pair_of(1), metric="accuracy", rope=0.01)
    assert looked.looks[-1].level == 0.05
    runs = pair_of(2)
    looked = look_at(tmp_path, runs, metric="accuracy", rope=0.01)
    assert [look.repeats for look in looked.looks] == [1, 2]
    level = looked.looks[-1].level
    assert level == pocock_level(2)
    comparison = replace(compare_runs(runs, level=level, n_resamples=20), looks=looked)
    text = " ".join(conclusion(comparison))
    assert "looked at before, with 1 repeat, and have 2 repeats now" in text
    assert "read at the level 0.0294 instead of 0.05" in text
    assert "97.06 % interval" in text
    test = comparison.pair.procedure
    assert test.high - test.estimate == pytest.approx(
        half_width(comparison.pair.spread, 1 - level)
    )
    row = comparison.metrics.iloc[0]
    assert (row["procedure_low"], row["procedure_high"]) == (test.low, test.high)
    # Other metrics, and other runs, have looks of their own.
    results = [run.result for run in runs]
    assert read_looks(tmp_path, results, "log_loss").looks == ()
    other = [replace(runs[0].result, target=runs[0].result.target[::-1]), results[1]]
    assert read_looks(tmp_path, other, "accuracy").looks == ()
    look_at(tmp_path, runs, metric="log_loss", rope=0.01)
    assert read_looks(tmp_path, results, "accuracy") == looked


def test_a_series_of_looks_is_in_sentences_table_and_figure(tmp_path):
    for n_repeats in (1, 2):
        runs = pair_of(n_repeats)
        looks = look_at(tmp_path, runs, metric="accuracy", rope=0.01, max_repeats=3)
    level = pocock_level(3)
    assert {look.level for look in looks.looks} == {level}
    comparison = compare_runs(runs, level=level, n_resamples=20)
    comparison = replace(comparison, looks=looks)
    text = " ".join(conclusion(comparison))
    assert "After 2 looks at growing repeats, of at most 3" in text
    assert f"Each look is at the level {level:.3g}, which keeps 5 % over all of them" in text
    raised = " ".join(conclusion(replace(comparison, looks=looks.until(5))))
    assert "Looking was to end at 3 repeats when it began, and at 5 now" in raised
    assert look_line(looks, "ab", 0.01).startswith("look 2 of at most 3, 2 repeats, 8 fits each: ")
    write_comparison(comparison, tmp_path)
    header = "repeats,fits,estimate,low,high,p_value,level,decision"
    assert (tmp_path / "looks.csv").read_text().splitlines()[0] == header
    assert (tmp_path / "figures/looks.png").is_file()
    drawn = LooksDisplay(looks.frame(), 0.01, "ab", "accuracy").plot()
    assert drawn.ax_.get_xticks().tolist() == [4, 8]
    write_comparison(compare_runs(runs, n_resamples=20), tmp_path)
    assert not (tmp_path / "looks.csv").exists()
    assert read_looks(tmp_path, [run.result for run in runs], "accuracy") == looks


def test_a_run_is_known_again_by_its_first_pass():
    one, more = pair_of(1)[0].result, pair_of(2)[0].result
    # The second repeat of a made run draws on; the first four folds are those of before.
    assert run_identity(more) == run_identity(one)
    assert run_identity(pair_of(1)[1].result) != run_identity(one)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-30], "cannot be read as JSON"),
        (lambda text: text.replace('"open"', '"maybe"'), "decision"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "format"),
    ],
)
def test_damaged_looks_are_one_sentence(change, message, tmp_path):
    runs = pair_of(1)
    look_at(tmp_path, runs, metric="accuracy", rope=0)
    file = tmp_path / "looks.json"
    assert json.loads(file.read_text())["comparisons"][0]["looks"][0]["decision"] == "open"
    file.write_text(change(file.read_text()))
    with pytest.raises(InputError, match=f"{message}.*delete it, and bear in mind"):
        look_at(tmp_path, runs, metric="accuracy", rope=0)


def test_what_is_undefined_is_not_looked_at(tmp_path):
    runs = pair_of(1)
    target = np.where(runs[0].result.target == 3, 2, runs[0].result.target)  # no class 3
    runs = [replace(run, result=replace(run.result, target=target)) for run in runs]
    with pytest.raises(InputError, match="roc_auc is undefined in a fold"):
        look_at(tmp_path, runs, metric="roc_auc", rope=0)
    assert not (tmp_path / "looks.json").exists()
