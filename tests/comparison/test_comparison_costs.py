"""Costs of runs, from what their folds recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_runs import made_run, with_folds

from cifar_sk.comparison.costs import cost_table


@pytest.fixture
def run():
    return made_run("a", [0.5, 0.5], n_test=4)


def test_counts_are_those_that_the_folds_recorded(run):
    counted = with_folds(run, n_parameters=7, n_multiply_adds=5)
    table = cost_table([counted, run], ["a", "b"]).set_index("run")
    assert table.loc["a", ["n_parameters", "multiply_adds"]].tolist() == [7, 5]
    # A run of an older version, or of a classifier that is no network.
    assert table.loc["b", ["n_parameters", "multiply_adds"]].isna().all()


def test_folds_that_differ_have_no_single_number(run):
    folds = tuple(
        replace(fold, n_parameters=k, n_multiply_adds=k) for k, fold in enumerate(run.result.folds)
    )
    run = replace(run, result=replace(run.result, folds=folds))
    table = cost_table([run], ["a"])
    assert np.isnan(table.loc[0, ["n_parameters", "multiply_adds"]].astype(float)).all()
