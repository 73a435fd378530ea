"""Metrics of another package: registered, installed, or named on the command line."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics import METRICS, fold_metrics, score_predictions

MODULE = '''
import numpy as np

def surprise(target, proba):
    """Mean bits of the true class."""
    return -np.log2(proba[np.arange(len(target)), target]).mean()

surprise.greater_is_better = False
surprise.label = "surprise, bits"
'''
CV = ["--dataset", "digits", "--limit", "60", "--folds", "3", "--quiet", "--run", "own"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in a folder with a module of a user's own."""
    (tmp_path / "mine.py").write_text(MODULE)

    def call(command, *words):
        words = [sys.executable, "-m", f"cifar_sk.{command}", *words]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return call


@pytest.fixture
def registered():
    names = set(METRICS)
    yield METRICS
    for name in set(METRICS) - names:
        METRICS.remove(name)


def test_a_decorated_function_is_a_metric(registered):
    seen = []

    @registered.register("share_of_first")
    def share_of_first(target, proba):
        seen.append((target, proba))
        return np.mean(target == 0)

    scores = score_predictions([0, 1], np.array([[2.0, 2.0], [1.0, 3.0]]) / 4)
    assert scores["share_of_first"] == 0.5
    target, proba = seen[0]
    assert target.tolist() == [0, 1]
    np.testing.assert_array_equal(proba, [[0.5, 0.5], [0.25, 0.75]])
    metric = registered["share_of_first"]
    assert (metric.label, metric.greater_is_better) == ("share_of_first", True)
    share_of_first.greater_is_better = False  # also after it was registered
    assert not registered["share_of_first"].greater_is_better


def test_a_metric_for_more_classes_is_left_out(registered):
    def third(target, proba):
        return proba[:, 2].mean()

    third.min_classes = 3
    registered.register("third")(third)
    assert "third" not in score_predictions([0, 1], np.eye(2))
    assert score_predictions([0, 1, 2], np.eye(3))["third"] == pytest.approx(1 / 3)


def test_a_metric_that_is_no_number_is_refused(registered):
    registered.register("rows")(lambda target, proba: proba)
    with pytest.raises(InputError, match="metric 'rows' must return a number, got ndarray"):
        score_predictions([0, 1], np.eye(2))


def test_a_metric_is_not_called_as_another_column(registered):
    result = OOFResult(
        target=np.array([0, 1]),
        classes=np.array([0, 1]),
        class_names=("a", "b"),
        n_folds=1,
        n_repeats=1,
        folds=(FoldResult(0, 0, 0, 2, np.array([0, 1]), proba=np.eye(2)),),
        holdout_target=np.array([0]),
    )
    for name in sorted({*fold_metrics(result).columns} - {*METRICS}):
        with pytest.raises(InputError, match=f"cannot be called {name!r}, which is a col"):
            registered.register(name)
    registered.register("mine")(lambda target, proba: 0.5)
    assert fold_metrics(result)["mine"][0] == 0.5


def test_cv_scores_by_a_metric_of_the_command_line(run, tmp_path):
    code, said = run("cv", "--model", "logistic", "--metric", "mine:surprise", *CV)
    assert code == 0, said
    folder = tmp_path / "results" / "own"
    table = pd.read_csv(folder / "fold_metrics.csv").set_index("row")
    # The same as the log loss, in bits.
    np.testing.assert_allclose(table["mine:surprise"], table["log_loss"] / np.log(2))
    stored = json.loads((folder / "folds" / "00" / "metrics.json").read_text())["scores"]
    assert stored["mine:surprise"] == table.loc["fold_00", "mine:surprise"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    row = page[page.index("surprise, bits") :].partition("</tr>")[0]
    assert row.endswith("<td>lower</td>")
    code, said = run("cv", "--model", "dummy", "--metric", "mine:nothing", *CV)
    assert code == 2
    assert "metric 'mine:nothing' cannot be imported" in said


def test_a_study_minimises_a_metric_of_the_command_line(run, tmp_path):
    words = ["--model", "ann", "--trials", "1", "--folds", "2", "--epochs", "1", "--quiet"]
    words += ["--dataset", "digits", "--limit", "400"]
    code, said = run("tune", *words, "--objective", "mine:surprise", "--study", "own")
    assert code == 0, said
    folder = tmp_path / "results" / "studies" / "own"
    best = json.loads((folder / "best.json").read_text())
    (value,) = best["values"].values()
    assert pd.read_csv(folder / "trials.csv")["mine:surprise"].tolist() == [value]
