"""The command ``compare``, on runs that the library made."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cifar_sk import cross_validate_oof
from cifar_sk.compare import main
from cifar_sk.comparison import compare_runs, conclusion
from cifar_sk.runs.reading import read_run

OWN_TEST = """
from cifar_sk.comparison.tests import Finding, FoldScores


class SignTest:
    title = "Sign <test>"
    question = "Is one run better in more folds than chance would have it?"
    needs = FoldScores

    def __call__(self, scores):
        from scipy.stats import binomtest

        n_better = int((scores.second > scores.first).sum())
        return Finding(statistic=n_better, p_value=binomtest(n_better, len(scores.first)).pvalue)


def hits(target, proba):
    return (proba.argmax(axis=1) == target).sum()
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of runs, as the fold loop alone makes them; not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    X, y = np.random.default_rng(0).normal(size=(90, 2)), np.repeat(["a", "b", "c"], 30)
    X[:, 0] += np.repeat([0, 3, 6], 30)
    guess = DummyClassifier(strategy="stratified")
    learn = make_pipeline(StandardScaler(), LogisticRegression())
    cross_validate_oof(guess, X, y, cv=3, store=folder / "guess")
    cross_validate_oof(learn, X, y, cv=3, store=folder / "learn")
    cross_validate_oof(guess, X + 1, y, cv=3, store=folder / "other_data")
    cross_validate_oof(guess, X, y, cv=2, store=folder / "other_folds")
    return folder


def test_runs_of_any_two_classifiers_are_compared(runs, tmp_path, capsys):
    paths = [runs / "guess", runs / "learn"]
    with pytest.raises(SystemExit) as stop:
        main([*map(str, paths), "--output", str(tmp_path / "out/here")])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    expected = compare_runs([read_run(path) for path in paths])
    for sentence in [*conclusion(expected), *expected.remarks]:
        assert f"- {sentence}\n" in printed
    assert "The page holds no pictures." in printed
    assert "'array', which is no known name" in printed
    assert (tmp_path / "out/here/comparison.html").is_file()


def test_a_test_and_a_metric_of_ones_own_are_in_tables_and_page(runs, tmp_path):
    (tmp_path / "mine.py").write_text(OWN_TEST)
    command = [sys.executable, "-m", "cifar_sk.compare", runs / "guess", runs / "learn"]
    done = subprocess.run(
        [*command, "--test", "mine:SignTest", "--metric", "mine:hits", "--output", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert "Sign <test>" in done.stdout
    table = pd.read_csv(tmp_path / "out/tests.csv").set_index("test")
    assert table.index.tolist() == [
        "nadeau-bengio",
        "bayesian",
        "mcnemar",
        "procedure",
        "mine:SignTest",
    ]
    scores = compare_runs([read_run(runs / name) for name in ("guess", "learn")]).scores
    assert table.loc["mine:SignTest", "statistic"] == (scores["learn"] > scores["guess"]).sum()
    assert table.loc["mine:SignTest", "p_value"] == 0.25  # all of three folds
    assert "| Sign \\<test\\> |" in (tmp_path / "out/comparison.md").read_text("utf-8")
    metrics = pd.read_csv(tmp_path / "out/comparison.csv").set_index("metric")
    assert metrics.loc["mine:hits", "learn_mean"] == pytest.approx(30 * scores["learn"].mean())
    page = (tmp_path / "out/comparison.html").read_text("utf-8")
    assert '<th scope="row">Sign &lt;test&gt;</th>' in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["guess"], "needs two runs or more, got 1"),
        (["guess", "guess"], "is given twice"),
        (["guess", "other_data"], "data.fingerprint was"),
        (["guess", "other_folds"], "split.n_folds was 3 and is 2"),
        (["guess", "missing"], "holds no run: its run.json cannot be read"),
        (["guess", "learn", "--metric", "acuracy"], "did you mean 'accuracy'"),
        (["guess", "learn", "--output", "guess"], "must not be a run's own folder"),
        (["guess", "learn", "--test", "no_such:Test"], "'no_such:Test' cannot be imported"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(words, message, runs, capsys, monkeypatch):
    monkeypatch.chdir(runs)
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from cifar_sk.compare import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'keras', 'matplotlib', 'numpy', 'pandas', 'sklearn'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--rope" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
