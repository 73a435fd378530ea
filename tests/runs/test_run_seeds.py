"""Runs with several training seeds: what is kept, and what tables and comparisons say."""

import json

import numpy as np
import pytest
from made_runs import made_run
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedKFold

from cifar_sk import InputError, cross_validate_oof, make_splits, read_run
from cifar_sk.comparison import compare_runs
from cifar_sk.metrics import fold_metrics
from cifar_sk.metrics.fold_table import pooling_note
from cifar_sk.metrics.tables import classification_report_text, oof_predictions
from cifar_sk.reports.run.run_info import run_info

Y = np.arange(40) % 2
X = np.random.default_rng(0).random((40, 2))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("seeds") / "run"
    splits = make_splits(Y, n_folds=2, n_repeats=2, n_seeds=3)
    result = cross_validate_oof(
        DummyClassifier(strategy="stratified"), X, Y, cv=splits, store=path
    )
    return path, result


def test_each_seed_is_another_fit_of_the_same_folds(run):
    _, result = run
    assert (result.n_seeds, result.n_passes, result.n_expected) == (3, 6, 12)
    assert [fold.seed for fold in result.folds] == [0, 0, 1, 1, 2, 2] * 2
    first, second = result.folds[0], result.folds[2]
    assert np.array_equal(first.test_index, second.test_index)
    assert not np.array_equal(first.proba, second.proba)


def test_a_run_with_seeds_is_read_as_it_was_written(run):
    path, written = run
    read = read_run(path)
    assert (read.manifest.split.n_seeds, read.result.n_seeds) == (3, 3)
    assert [fold.seed for fold in read.result.folds] == [fold.seed for fold in written.folds]
    np.testing.assert_array_equal(read.result.oof_proba, written.oof_proba)
    assert run_info(read.manifest, read.result)["split"] == "2 × 2 folds, 3 seeds"


def test_tables_say_which_seed(run):
    _, result = run
    table = fold_metrics(result)
    assert list(table)[:4] == ["row", "repeat", "seed", "fold"]
    assert table["seed"].dropna().tolist() == [fold.seed for fold in result.folds]
    predictions = oof_predictions(result)
    assert list(predictions)[:4] == ["sample", "repeat", "seed", "fold"]
    assert predictions["seed"][:6].tolist() == [0, 1, 2] * 2
    note = "with 2 repeats and 3 seeds, a sample counts up to 6 times."
    assert pooling_note(result).endswith(note)
    assert note in classification_report_text(result)


def test_runs_of_one_seed_say_nothing_of_seeds(tmp_path):
    result = cross_validate_oof(DummyClassifier(), X, Y, cv=2, store=tmp_path / "run")
    assert "seed" not in {*fold_metrics(result), *oof_predictions(result)}
    identity = json.loads((tmp_path / "run/run.json").read_text())["identity"]
    assert list(identity["split"]) == ["n_folds", "n_repeats", "fingerprint"]
    assert "seed" not in json.loads((tmp_path / "run/folds/01/metrics.json").read_text())


def test_a_splitter_or_a_number_of_folds_is_fitted_by_several_seeds():
    classifier = DummyClassifier(strategy="stratified")
    for cv in (2, StratifiedKFold(2, shuffle=True, random_state=0)):
        once = cross_validate_oof(classifier, X, Y, cv=cv)
        twice = cross_validate_oof(classifier, X, Y, cv=cv, n_seeds=2)
        assert (twice.n_repeats, twice.n_seeds) == (1, 2)
        for first, same in zip(once.folds, twice.folds, strict=False):
            np.testing.assert_array_equal(first.proba, same.proba)
        assert not np.array_equal(twice.folds[0].proba, twice.folds[2].proba)


@pytest.mark.parametrize(
    ("cv", "n_seeds", "message"),
    [
        (make_splits(Y, n_folds=2), 2, r"make them by make_splits\(n_seeds"),
        (2, 0, "n_seeds at least 1"),
        (StratifiedKFold(2), 0, "n_seeds must be at least 1, got 0"),
    ],
)
def test_numbers_of_seeds_that_cannot_be(cv, n_seeds, message):
    with pytest.raises(InputError, match=message):
        cross_validate_oof(DummyClassifier(), X, Y, cv=cv, n_seeds=n_seeds)


def test_a_comparison_counts_every_pass():
    shares = ([1.0, 0.9, 0.8, 0.7], [0.5, 0.6, 0.5, 0.6])
    runs = [made_run(name, s, n_test=40, n_seeds=2) for name, s in zip("ab", shares, strict=True)]
    comparison = compare_runs(runs, n_resamples=10)
    assert (comparison.n_passes, comparison.folds) == (2, "2 folds, 2 seeds")
    gained = comparison.pair.mcnemar["difference"].tolist()
    assert gained == pytest.approx([0.55 - 0.95, 0.55 - 0.75])
