"""Influences of images on scores against leaving each image out."""

import numpy as np
import pytest
from sklearn import metrics as skm

from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics import METRICS, fold_metrics
from cifar_sk.metrics.confusion_scores import CONFUSION_SCORES
from cifar_sk.metrics.influences import influences, pair_spread, run_spread
from cifar_sk.metrics.interval_table import (
    component_table,
    few_groups_note,
    interval_table,
    run_spreads,
)


def predictions(n=200, n_classes=5, seed=0, skill=1.5):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, n_classes, n)
    logits = rng.normal(size=(n, n_classes))
    logits[np.arange(n), target] += skill
    proba = np.exp(logits)
    return target, proba / proba.sum(axis=1, keepdims=True)


def made_run(target, proba, n_folds=5, groups=None, n_seeds=1, seed=0):
    rng = np.random.default_rng(seed)
    fold_of = (np.arange(len(target)) if groups is None else groups) % n_folds
    folds = []
    for index in range(n_folds * n_seeds):
        test = np.flatnonzero(fold_of == index % n_folds)
        rows = proba[test] * rng.uniform(0.7, 1.3, (len(test), proba.shape[1]))
        rows = rows / rows.sum(axis=1, keepdims=True)
        place = {"repeat": 0, "seed": index // n_folds, "fold": index % n_folds}
        n_train = len(target) - len(test)
        folds.append(
            FoldResult(index=index, n_train=n_train, test_index=test, proba=rows, **place)
        )
    names = tuple("abcdefgh"[: proba.shape[1]])
    shape = {"n_folds": n_folds, "n_repeats": 1, "n_seeds": n_seeds}
    classes = np.arange(proba.shape[1])
    return OOFResult(target, classes, names, folds=tuple(folds), groups=groups, **shape)


def tables_of(result):
    folds = fold_metrics(result)
    spreads = run_spreads(result, folds)
    return interval_table(result, folds, spreads), component_table(result, spreads)


BUNDLED = [name for name in METRICS if METRICS[name].label != "own"]


@pytest.mark.parametrize("metric", BUNDLED)
def test_influences_are_those_of_leaving_each_image_out(metric):
    target, proba = predictions()
    score, n = METRICS[metric].value, len(target)
    without = [score(np.delete(target, i), np.delete(proba, i, axis=0)) for i in range(n)]
    jackknife = (n - 1) * (np.mean(without) - np.array(without))
    found = influences(metric, target, proba)
    assert found.mean() == pytest.approx(0, abs=1e-9)
    # A bin's gap is taken without its sign, so leaving one image out can bend the line.
    is_bent = metric == "expected_calibration_error"
    assert np.corrcoef(found, jackknife)[0, 1] > (0.9 if is_bent else 0.98)
    assert found.std() == pytest.approx(jackknife.std(), rel=0.1 if is_bent else 0.03)


@pytest.mark.parametrize("name", CONFUSION_SCORES)
def test_scores_of_confusion_matrices_are_scikit_learns(name):
    target, proba = predictions(80, 4, seed=3)
    counts = skm.confusion_matrix(target, proba.argmax(axis=1)).astype(float)
    many = CONFUSION_SCORES[name](np.stack([counts, 2 * counts]))
    assert many == pytest.approx(METRICS[name].value(target, proba))


def test_two_classes_have_influences_on_the_area_under_the_curve():
    target, proba = predictions(150, 2)
    without = np.array(
        [
            METRICS["roc_auc"].value(np.delete(target, i), np.delete(proba, i, axis=0))
            for i in range(150)
        ]
    )
    found = influences("roc_auc", target, proba)
    assert np.corrcoef(found, -without)[0, 1] > 0.99


def test_a_metric_of_ones_own_is_scored_without_blocks_of_groups():
    name = "share_of_truth"
    METRICS.register(name)(lambda target, proba: proba[np.arange(len(target)), target].mean())
    try:
        target, proba = predictions(1_000)
        groups = np.repeat(np.arange(200), 5)
        means = run_spread(made_run(target, proba, groups=groups), name)
        given = proba[np.arange(1_000), target]
        sums = np.bincount(groups, given - given.mean()) / 1_000
        assert means.image_mean == pytest.approx((sums**2).sum(), rel=0.6)  # 20 blocks are few
    finally:
        METRICS.remove(name)


def test_groups_are_the_independent_units():
    # Five copies of each image are no more evidence than one.
    target, proba = predictions(100)
    alone = run_spread(made_run(target, proba))
    copies = made_run(np.repeat(target, 5), np.repeat(proba, 5, axis=0))
    grouped = made_run(
        np.repeat(target, 5), np.repeat(proba, 5, axis=0), groups=np.repeat(np.arange(100), 5)
    )
    assert run_spread(grouped).n_clusters == 100
    assert not few_groups_note(grouped)
    few = made_run(target, proba, groups=np.arange(100) // 4)
    assert few_groups_note(few).startswith("The run has 25 groups, fewer than 50")
    assert run_spread(grouped).image_mean == pytest.approx(alone.image_mean, rel=0.3)
    assert run_spread(copies).image_mean == pytest.approx(alone.image_mean / 5, rel=0.3)


def test_a_pairs_images_vary_only_where_the_runs_differ():
    target, proba = predictions(400)
    first, second = made_run(target, proba), made_run(target, proba, seed=9)
    found = pair_spread(first, second)
    right = [result.oof_proba.argmax(axis=1) == result.target for result in (first, second)]
    differs = right[1].astype(int) - right[0]
    assert found.mean == pytest.approx(differs.mean(), abs=1e-12)
    assert found.image_mean == pytest.approx(differs.var() / 400, rel=0.05)
    assert found.image_mean < run_spread(first).image_mean


def test_tables_name_every_metric_and_say_what_varies():
    target, proba = predictions(300)
    result = made_run(target, proba, n_seeds=3)
    table, components = tables_of(result)
    procedure = table[table["kind"] == "procedure"].set_index("metric")
    assert set(procedure.index) == set(BUNDLED)
    assert (procedure["low"] < procedure["estimate"]).all()
    assert (procedure["estimate"] < procedure["high"]).all()
    assert "seeds by 3 fits of each fold" in procedure["varies"]["accuracy"]
    assert set(components["source"]) == {"images", "training sets", "seeds"}


def test_an_unfinished_run_has_no_interval_of_the_procedure():
    target, proba = predictions(100)
    whole = made_run(target, proba)
    part = made_run(target, proba)
    object.__setattr__(part, "folds", whole.folds[:3])
    table, components = tables_of(part)
    assert table.loc[table["kind"] == "procedure", "low"].isna().all()
    assert components.empty
