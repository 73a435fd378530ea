"""Tables against hand-worked matrices and scikit-learn."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as skm

from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics import METRICS, fold_metrics, fold_times, oof_predictions, score_predictions
from cifar_sk.metrics.fold_table import beyond_range, pooling_note
from cifar_sk.metrics.intervals import corrected_t_interval
from cifar_sk.metrics.scores import calibration_bins
from cifar_sk.metrics.tables import (
    calibration_table,
    class_metrics,
    classification_report_text,
    confusion_table,
    pooled_accuracy,
    shares_of_rows,
)
from cifar_sk.reports.run.files import range_note

# Three classes; predictions 0, 0, 1, 1, 2, 0.
TARGET = np.array([0, 0, 1, 1, 2, 2])
PROBA = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.6, 0.2, 0.2],
        [0.3, 0.5, 0.2],
        [0.1, 0.9, 0.0],
        [0.2, 0.1, 0.7],
        [0.5, 0.1, 0.4],
    ]
)
PREDICTED = PROBA.argmax(axis=1)
NAMES = ("ant", "bee", "cow")


def make_result(n_repeats=1, failed=(), n_run=None, holdout=False):
    """Two folds per repeat: even samples, odd samples."""
    folds = []
    for index in range(2 * n_repeats):
        test_index = np.arange(index % 2, 6, 2)
        is_failed = index in failed
        folds.append(
            FoldResult(
                index=index,
                repeat=index // 2,
                fold=index % 2,
                n_train=3,
                test_index=test_index,
                proba=None if is_failed else PROBA[test_index],
                fit_time=1.0 + index,
                score_time=0.5,
                n_epochs=None if is_failed else 4 + index,
                n_parameters=None if is_failed else 100,
                error="MemoryError: too large" if is_failed else None,
                holdout_proba=PROBA[::-1] if holdout and not is_failed else None,
            )
        )
    return OOFResult(
        TARGET,
        np.arange(3),
        NAMES,
        2,
        n_repeats,
        tuple(folds[:n_run]),
        TARGET[::-1] if holdout else None,
    )


def test_scores_worked_by_hand():
    scores = score_predictions(TARGET, PROBA)
    assert scores["accuracy"] == pytest.approx(5 / 6)
    # Precision 2/3, 1, 1; recall 1, 1, 1/2; F1 4/5, 1, 2/3.
    assert scores["precision_macro"] == pytest.approx(8 / 9)
    assert scores["recall_macro"] == scores["balanced_accuracy"] == pytest.approx(5 / 6)
    assert scores["f1_macro"] == pytest.approx((4 / 5 + 1 + 2 / 3) / 3)
    # Agreement 5/6; by chance (2*3 + 2*2 + 2*1) / 36 = 1/3.
    assert scores["cohen_kappa"] == pytest.approx((5 / 6 - 1 / 3) / (2 / 3))
    right = np.array([0.8, 0.6, 0.5, 0.9, 0.7, 0.4])
    assert scores["log_loss"] == pytest.approx(-np.log(right).mean())
    squares = [0.06, 0.24, 0.38, 0.02, 0.14, 0.62]
    assert scores["brier_score"] == pytest.approx(np.mean(squares))
    # Each sample has a bin of its own but the two at 0.5, of which one is right.
    assert scores["expected_calibration_error"] == pytest.approx((0.2 + 0.4 + 0.1 + 0.3) / 6)


def test_scores_are_scikit_learns():
    generator = np.random.default_rng(0)
    target, proba = generator.integers(0, 5, 300), generator.dirichlet(np.ones(5), 300)
    predicted = proba.argmax(axis=1)
    scores = score_predictions(target, proba)
    assert scores["top_3_accuracy"] == skm.top_k_accuracy_score(target, proba, k=3)
    assert scores["mcc"] == skm.matthews_corrcoef(target, predicted)
    assert scores["balanced_accuracy"] == skm.balanced_accuracy_score(target, predicted)
    assert scores["f1_weighted"] == skm.f1_score(target, predicted, average="weighted")
    assert scores["roc_auc"] == pytest.approx(
        skm.roc_auc_score(target, proba, multi_class="ovr", average="macro")
    )
    assert scores["log_loss"] == pytest.approx(skm.log_loss(target, proba))


@given(data=st.data())
def test_top_3_accuracy_breaks_ties_as_accuracy_does(data):
    n_classes = data.draw(st.integers(4, 7))
    # Few different numbers, so that most rows have ties.
    rows = st.lists(st.integers(0, 2), min_size=n_classes, max_size=n_classes).filter(any)
    proba = np.array(data.draw(st.lists(rows, min_size=1, max_size=8)), dtype=float)
    proba /= proba.sum(axis=1, keepdims=True)
    targets = st.lists(st.integers(0, n_classes - 1), min_size=len(proba), max_size=len(proba))
    target = np.array(data.draw(targets))
    scores = score_predictions(target, proba)
    assert scores["top_3_accuracy"] >= scores["accuracy"]
    # A class is among the first three if fewer than three come before it.
    before = [
        sum((p, -k) > (row[label], -label) for k, p in enumerate(row))
        for row, label in zip(proba, target, strict=True)
    ]
    assert scores["top_3_accuracy"] == pytest.approx(np.mean(np.array(before) < 3))


def test_two_classes():
    positive = np.array([0.1, 0.4, 0.35, 0.8])  # scikit-learn's own example: AUC 0.75
    scores = score_predictions([0, 0, 1, 1], np.column_stack([1 - positive, positive]))
    assert scores["roc_auc"] == 0.75
    expected = skm.brier_score_loss([0, 0, 1, 1], positive)
    assert scores["brier_score"] == pytest.approx(expected)  # from 0 to 1, as scikit-learn has it
    assert "top_3_accuracy" not in scores


def test_absent_class_gives_no_warning_and_no_area():
    # Warnings are errors in this test run.
    scores = score_predictions([0, 0, 1], [[0.9, 0, 0.1], [0.2, 0.1, 0.7], [0, 1, 0]])
    assert scores["balanced_accuracy"] == 0.75
    assert scores["recall_macro"] == 0.5
    assert np.isnan(scores["roc_auc"])


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_single_class(n_classes):
    proba = np.tile(np.eye(n_classes)[0], (4, 1))
    scores = score_predictions([0, 0, 0, 0], proba)
    assert scores["accuracy"] == scores["balanced_accuracy"] == 1
    assert scores["mcc"] == 0
    assert np.isnan(scores["cohen_kappa"])


def test_float32_softmax_gives_no_warning():
    logits = np.random.default_rng(0).normal(size=(500, 10)).astype(np.float32)
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True, dtype=np.float32)
    scores = score_predictions(np.arange(500) % 10, proba.astype(np.float64))
    assert list(scores) == list(METRICS)
    assert np.isfinite(list(scores.values())).all()


@pytest.mark.parametrize(
    ("target", "proba", "message"),
    [
        ([0], [[np.nan, 1]], "diverge"),
        ([0], [[3.0, -1.0]], "logits"),
        ([2], [[0.5, 0.5]], "0 to 1"),
        (["cat"], [[0.5, 0.5]], "encode"),
        ([0, 1], [[0.5, 0.5]], "shape"),
        ([0], [[1.0]], "two columns"),
    ],
)
def test_unusable_predictions_are_refused(target, proba, message):
    with pytest.raises(InputError, match=message):
        score_predictions(target, proba)


def test_calibration_bins_hold_their_upper_edge():
    bins = calibration_bins([0, 0, 1], [[0.5, 0.5], [0.75, 0.25], [1, 0]], n_bins=4)
    assert bins["n_samples"].tolist() == [0, 1, 1, 1]
    assert bins["accuracy"].tolist()[1:] == [1, 1, 0]
    assert bins["gap"].tolist()[1:] == [0.5, 0.25, -1]


def test_fold_metrics_rows_and_summary():
    table = fold_metrics(make_result()).set_index("row")
    assert list(table.index) == ["fold_00", "fold_01", "mean", "std", "ci95_low", "ci95_high"]
    # Even samples: 0, 2, 4, all right; odd ones: 1, 3, 5, the last wrong.
    assert table["accuracy"].tolist()[:2] == [1, pytest.approx(2 / 3)]
    accuracy = [1, 2 / 3]
    assert table.loc["mean", "accuracy"] == pytest.approx(5 / 6)
    assert table.loc["std", "accuracy"] == pytest.approx(np.std(accuracy, ddof=1))
    interval = corrected_t_interval(accuracy, test_train_ratio=3 / 3)
    low, high = table.loc[["ci95_low", "ci95_high"], "accuracy"]
    assert (low, high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert table.loc["mean", "basis"] == "mean of 2 of 2 folds"
    assert "not a standard error" in table.loc["std", "basis"]


def test_a_corrected_interval_is_never_of_width_0_and_says_if_it_leaves_the_range():
    proba = PROBA[:3]  # the same images in both folds
    folds = [replace(f, test_index=np.arange(3), proba=proba) for f in make_result().folds]
    table = fold_metrics(replace(make_result(), folds=tuple(folds))).set_index("row")
    assert table.loc["mean", "accuracy"] == 1
    assert table.loc[["ci95_low", "ci95_high"], "accuracy"].isna().all()
    assert "; none of accuracy, balanced_accuracy," in table.loc["ci95_low", "basis"]
    assert "the same in every fold" in table.loc["ci95_high", "basis"]

    table = fold_metrics(make_result())
    beyond = beyond_range(table)
    assert {"accuracy", "f1_macro", "log_loss"} < set(beyond)
    assert "roc_auc" not in beyond  # 1 in both folds, so there is no interval
    assert range_note(table) == (
        "the corrected t interval does not know a metric's range: see accuracy, macro F1, log loss"
    )
    assert range_note(table.assign(**dict.fromkeys(METRICS, 0.5))) == ""


def test_times_have_a_table_of_their_own_so_that_identical_runs_have_equal_scores():
    result = make_result(failed=[1], n_repeats=2, holdout=True)
    slower = replace(
        result, folds=[replace(f, fit_time=9.0, score_time=2.0) for f in result.folds]
    )
    assert fold_metrics(result).to_csv() == fold_metrics(slower).to_csv()
    times = fold_times(result).set_index("row")
    assert list(times.index) == [*(f"fold_0{k}" for k in range(4)), "mean", "std"]
    assert times["fit_time"].tolist() == [
        1,
        2,
        3,
        4,
        pytest.approx(8 / 3),
        np.std([1, 3, 4], ddof=1),
    ]
    assert times.loc["fold_03", ["repeat", "fold", "score_time"]].tolist() == [1, 1, 0.5]
    assert times["basis"].tolist()[-3:] == [
        "",
        "mean of 3 of 4 folds",
        "std over 3 of 4 folds (ddof=1)",
    ]
    assert fold_times(slower).loc[4, "fit_time"] == 9
    assert list(fold_times(replace(result, n_seeds=2)))[:4] == ["row", "repeat", "seed", "fold"]
    assert fold_times(make_result(n_run=0))["fit_time"].isna().all()


def test_failed_fold_is_a_row_with_its_reason():
    table = fold_metrics(make_result(n_repeats=2, failed=[1])).set_index("row")
    assert table.loc["fold_01", "error"] == "MemoryError: too large"
    assert np.isnan(table.loc["fold_01", "accuracy"])
    assert table.loc["fold_01", "n_test"] == 3
    assert table.loc["mean", "basis"] == "mean of 3 of 4 folds"
    assert table.loc["mean", "accuracy"] == pytest.approx((1 + 1 + 2 / 3) / 3)
    assert table.loc["fold_03", ["repeat", "fold"]].tolist() == [1, 1]


@pytest.mark.parametrize("result", [make_result(failed=[0, 1]), make_result(n_run=0)])
def test_fold_metrics_without_any_score(result):
    table = fold_metrics(result).set_index("row")
    assert table["accuracy"].isna().all()
    assert table.loc["mean", "basis"] == "mean of 0 of 2 folds"
    with pytest.raises(InputError, match="one fold or more, got none"):
        class_metrics(result)


def test_score_undefined_in_one_fold_has_no_mean():
    target = np.array([0, 0, 1, 0, 2, 0])  # the odd fold holds one class
    result = make_result()
    result = OOFResult(target, result.classes, NAMES, 2, 1, result.folds)
    table = fold_metrics(result).set_index("row")
    assert table.loc["fold_00", "roc_auc"] == 1
    assert np.isnan(table.loc["mean", "roc_auc"])


def test_official_test_split_has_columns_but_no_interval():
    table = fold_metrics(make_result(holdout=True)).set_index("row")
    assert table.loc["fold_00", "test_split_accuracy"] == pytest.approx(5 / 6)
    assert table.loc["mean", "test_split_f1_macro"] == pytest.approx((4 / 5 + 1 + 2 / 3) / 3)
    assert np.isnan(table.loc["ci95_low", "test_split_accuracy"])
    assert "test_split_accuracy" not in fold_metrics(make_result())


def test_fold_metrics_survive_csv():
    table = fold_metrics(make_result(holdout=True))
    read = pd.read_csv(io.StringIO(table.to_csv(index=False)), dtype=str)
    for name in table.select_dtypes("float64"):
        np.testing.assert_array_equal(read[name].map(float), table[name])


def test_class_metrics_worked_by_hand():
    pooled = class_metrics(make_result()).query("row == 'pooled'").set_index("class")
    assert pooled["precision"].to_dict() == {"ant": pytest.approx(2 / 3), "bee": 1, "cow": 1}
    assert pooled["recall"].to_dict() == {"ant": 1, "bee": 1, "cow": 0.5}
    assert pooled["support"].tolist() == [2, 2, 2]


def test_confusion_worked_by_hand_and_folds_sum_to_the_pool():
    result = make_result(n_repeats=2)
    pooled = confusion_table(result)
    assert pooled.to_numpy().tolist() == [[4, 0, 0], [0, 4, 0], [2, 0, 2]]
    total = sum(confusion_table(result, fold.index) for fold in result.folds)
    pd.testing.assert_frame_equal(pooled, total)
    assert shares_of_rows(pooled).loc["cow"].tolist() == [0.5, 0, 0.5]
    assert (pooled.index.name, pooled.columns.name) == ("true", "predicted")
    with pytest.raises(InputError, match="fold 7"):
        confusion_table(result, 7)


def test_oof_predictions_are_in_sample_order():
    table = oof_predictions(make_result())
    assert table["sample"].tolist() == list(range(6))
    assert table["fold"].tolist() == [0, 1, 0, 1, 0, 1]
    assert table["true"].tolist() == [NAMES[label] for label in TARGET]
    assert table["predicted"].tolist() == [NAMES[label] for label in PREDICTED]
    np.testing.assert_array_equal(table[["proba_ant", "proba_bee", "proba_cow"]], PROBA)
    assert "repeat" not in table


def test_oof_predictions_with_repeats_and_a_failed_fold():
    table = oof_predictions(make_result(n_repeats=2, failed=[3]))
    assert table["sample"].tolist() == [0, 0, 1, 2, 2, 3, 4, 4, 5]
    assert table["repeat"].tolist() == [0, 1, 0, 0, 1, 0, 0, 1, 0]


def test_classification_report_is_scikit_learns():
    report = skm.classification_report(TARGET, PREDICTED, target_names=NAMES)
    assert classification_report_text(make_result()) == report
    partial = classification_report_text(make_result(failed=[1]))
    assert partial.endswith("Pooled out-of-fold predictions of 1 of 2 folds.\n")


def test_pooled_tables_say_that_repeats_are_pooled():
    result = make_result(n_repeats=2)
    assert "2 repeats" in pooling_note(result)
    assert class_metrics(result).attrs["note"] == pooling_note(result)
    assert calibration_table(result).attrs["note"] == pooling_note(result)
    assert calibration_table(result)["n_samples"].sum() == 12


def test_pooled_accuracy():
    interval = pooled_accuracy(make_result(n_repeats=2, failed=[3]))
    assert interval.estimate == pytest.approx(8 / 9)
    assert 0 < interval.low <= interval.estimate <= interval.high <= 1
