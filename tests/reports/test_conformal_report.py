"""Conformal sets in the files, the picture and the page of a run."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_runs import as_of_an_older_version, made_run
from sklearn.naive_bayes import GaussianNB

from cifar_sk import ConformalSets, cross_validate_oof, write_report
from cifar_sk.displays import ConformalDisplay
from cifar_sk.metrics import conformal_table
from cifar_sk.report import main
from cifar_sk.reports import FIGURES, RunTables
from cifar_sk.reports.run.figures import finish
from cifar_sk.reports.run.files import conformal_files
from cifar_sk.reports.run.page import render_page
from cifar_sk.reports.run.verification import compare_tables

RESULT = made_run("a", [0.8, 0.7, 0.6], n_test=40).result


def test_files_picture_and_page_say_the_same(tmp_path):
    write_report(RESULT, tmp_path)
    table = conformal_table(RESULT)
    read = pd.read_csv(tmp_path / "conformal.csv")
    assert read["coverage"].tolist() == table["coverage"].tolist()
    sets = ConformalSets.load(tmp_path, method="aps", confidence=0.95)
    assert sets == ConformalSets.from_oof(RESULT, method="aps", confidence=0.95)
    first = table.iloc[0]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"LAC, {100 * first['coverage']:.1f} % of the sets hold it (95 % interval" in page
    assert f"they have {first['mean_size']:.2f} classes on average" in page
    assert first["share_empty"] == 0
    assert "are empty" not in page
    assert (tmp_path / "figures/conformal_sets.png").exists()


def test_the_page_says_why_sets_are_empty():
    """Where 92.5 of 100 images are clear and 90 are asked for, the others get empty sets."""
    rows = []
    for fold in RESULT.folds:
        sure = np.full((40, 4), 0.02)
        sure[np.arange(40), RESULT.target[fold.test_index]] = 0.94
        sure[:3] = 0.25
        rows.append(replace(fold, proba=sure))
    tables = RunTables(replace(RESULT, folds=tuple(rows)))
    figure = finish("conformal_sets", *FIGURES["conformal_sets"](tables))
    assert "7.5 % are empty" in render_page(tables, [figure], {})


def test_the_picture_shows_the_level_that_is_asked():
    display = ConformalDisplay.from_result(RESULT, confidence=0.95).plot()
    left, right = display.ax_
    frame = display.frame()
    for name, axes in {"coverage": left, "mean_size": right}.items():
        methods = [line for line in axes.lines if line.get_label() in {"LAC", "APS", "RAPS"}]
        drawn = np.concatenate([line.get_xdata() for line in methods])
        assert drawn.tolist() == frame[name].tolist()
    assert frame["confidence"].unique().tolist() == [0.95]


def test_a_single_fold_has_thresholds_but_no_coverage():
    tables = RunTables(replace(RESULT, folds=RESULT.folds[:1]))
    assert tables.conformal["coverage"].isna().all()
    assert FIGURES["conformal_sets"](tables) is None
    said = json.loads(conformal_files(tables)["conformal.json"])
    assert said["n_samples"] == 40


@pytest.fixture
def older(tmp_path):
    X, y = np.random.default_rng(0).random((60, 3)), np.arange(60) % 3
    result = cross_validate_oof(GaussianNB(), X, y, cv=3, store=tmp_path / "run")
    as_of_an_older_version(tmp_path / "run")
    # By its times such a table is known to be old.
    (tmp_path / "run/fold_metrics.csv").write_text("row,fit_time,score_time\n")
    return tmp_path / "run", result


def test_a_run_of_an_older_version_gets_its_sets_by_a_report(older):
    run, result = older
    assert "conformal.csv" not in compare_tables(result, run)
    with pytest.raises(SystemExit) as end:
        main([str(run), "--no-images"])
    assert end.value.code == 0
    assert ConformalSets.load(run) == ConformalSets.from_oof(result)
    assert compare_tables(result, run)["conformal.csv"] == "identical"
    changed = (run / "conformal.csv").read_text().replace("lac,0.9,all,,60", "lac,0.9,all,,59")
    (run / "conformal.csv").write_text(changed)
    assert compare_tables(result, run)["conformal.csv"].startswith("different: n in row 1 is 59")
