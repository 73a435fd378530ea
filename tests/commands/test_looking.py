"""``compare --until-certain`` and ``plan`` on real runs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from cifar_sk import cross_validate_oof, cv, plan
from cifar_sk.commands.looking import look_until_certain
from cifar_sk.compare import main
from cifar_sk.errors import InputError
from cifar_sk.folds.splits import make_splits
from cifar_sk.runs.folder import read_manifest
from cifar_sk.statistics import pocock_level

X = np.random.default_rng(0).normal(size=(90, 2)) + np.repeat([0, 1, 2], 30)[:, None]
Y = np.repeat(["a", "b", "c"], 30)
MODELS = {"guess": DummyClassifier(strategy="stratified"), "learn": LogisticRegression()}


def extend(path, n_repeats):
    splits = make_splits(Y, n_folds=2, n_repeats=n_repeats)
    cross_validate_oof(MODELS[path.name], X, Y, cv=splits, store=path)


@pytest.fixture
def runs(tmp_path):
    for name in MODELS:
        extend(tmp_path / name, 1)
    return [tmp_path / name for name in MODELS]


def compared(runs, *words):
    with pytest.raises(SystemExit) as stop:
        main([*map(str, runs), "--no-images", "--output", str(runs[0].parent / "out"), *words])
    return stop.value.code


def repeats_of(runs):
    return [read_manifest(run).split.n_repeats for run in runs]


@pytest.mark.slow
def test_repeats_are_added_until_the_difference_is_shown(tmp_path, capsys):
    digits = load_digits(n_class=3)
    images = (digits.images[:60, ..., np.newaxis] * 15).astype(np.uint8)
    labels = digits.target[:60].copy()
    labels[:24] = labels[23::-1]  # so that many cannot be right
    np.savez(tmp_path / "tiny.npz", images=images, labels=labels)
    runs = [tmp_path / "dummy", tmp_path / "logistic"]
    for run in runs:
        options = ["--model", run.name, "--dataset", str(tmp_path / "tiny.npz"), "--folds", "2"]
        with pytest.raises(SystemExit):
            cv.main([*options, "--quiet", "--run", str(run)])
    assert compared(runs, "--until-certain", "--max-repeats", "2") == 0
    printed = capsys.readouterr().out
    table = pd.read_csv(tmp_path / "out/looks.csv")
    assert table["decision"].tolist() == ["open", "different"]
    assert (table["level"] == pocock_level(2)).all()
    assert repeats_of(runs) == [2, 2]
    assert "look 2 of at most 2, 2 repeats, 4 fits each: logistic − dummy is" in printed
    assert "After 2 looks at growing repeats, of at most 2" in printed
    assert "the difference is shown." in printed


def test_what_was_interrupted_goes_on_and_forgets_no_look(runs, tmp_path):
    options = {"metric": "accuracy", "rope": 0.0, "max_repeats": 3, "say": lambda looks: None}
    calls = []

    def broken(path, n_repeats):
        calls.append((path.name, n_repeats))
        if len(calls) == 2:  # one run has the repeat, and the other not
            raise KeyboardInterrupt
        extend(path, n_repeats)

    def looked():
        kept = json.loads((folder / "looks.json").read_text())["comparisons"][0]
        return [look["repeats"] for look in kept["looks"]]

    folder = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        look_until_certain(runs, folder, extend=broken, **options)
    assert repeats_of(runs) == [2, 1]
    assert looked() == [1]
    look_until_certain(runs, folder, extend=broken, **options)
    assert calls[:3] == [("guess", 2), ("learn", 2), ("learn", 2)]
    assert looked() == list(range(1, repeats_of(runs)[0] + 1))
    n_calls = len(calls)
    look_until_certain(runs, folder, extend=broken, **options)  # is decided already
    assert len(calls) == n_calls
    with pytest.raises(InputError, match="takes two runs, got 1"):
        look_until_certain(runs[:1], folder, extend=broken, **options)


def test_a_budget_that_is_used_up_is_said(runs, capsys):
    """Two models of one kind, whose difference no repeat is left to show."""
    twin = runs[0].with_name("guess_again")
    splits = make_splits(Y, n_folds=2)
    cross_validate_oof(MODELS["guess"], X, Y, cv=splits, random_state=1, store=twin)
    assert compared([runs[0], twin], "--until-certain", "--max-repeats", "1") == 0
    printed = capsys.readouterr().out
    assert "look 1 of at most 1, 1 repeat, 2 fits each: guess_again − guess is" in printed
    assert "the budget of 1 repeat has ended without a decision" in printed
    table = pd.read_csv(runs[0].parent / "out/looks.csv")
    assert table[["decision", "level"]].to_numpy().tolist() == [["open", 0.05]]
    extend(runs[0], 2)
    assert compared([runs[0], twin], "--until-certain", "--max-repeats", "1") == 2
    assert "The runs have 2 repeats already, more than --max-repeats 1" in capsys.readouterr().err


def test_repeats_added_by_hand_are_noticed(runs, capsys):
    assert compared(runs) == 0
    assert compared(runs) == 0  # the same data once more
    assert "looked at before" not in capsys.readouterr().out
    for run in runs:
        extend(run, 2)
    assert compared(runs) == 0
    printed = capsys.readouterr().out
    assert "looked at before, with 1 repeat, and have 2 repeats now" in printed
    assert "at the level 0.0294 instead of 0.05" in printed


def test_a_plan_is_printed_and_written(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [*map(str, runs), "--difference", "5"]
    with pytest.raises(SystemExit) as stop:
        plan.main(words)
    assert stop.value.code == 0
    assert "5 points of accuracy" in capsys.readouterr().out
    assert (tmp_path / "results/plans/guess-vs-learn/power.png").is_file()
    with pytest.raises(SystemExit) as stop:
        plan.main([*words[:-1], "0"])
    assert stop.value.code == 2
    assert "difference must be a number other than 0" in capsys.readouterr().err
