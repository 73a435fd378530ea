"""Mistakes: hand-worked tables, planted label errors, and what cleanlab finds."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy.stats import binomtest

from cifar_sk.displays import (
    ConfusedPairsDisplay,
    ErrorRateDisplay,
    LabelIssuesDisplay,
)
from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.mistakes.confusions import confused_pairs, hardest_classes
from cifar_sk.mistakes.image_statistics import brightness_and_contrast, error_by_statistic
from cifar_sk.mistakes.label_errors import (
    class_thresholds,
    confident_joint,
    label_issues,
    suspected_labels,
)
from cifar_sk.mistakes.samples import missed_samples, sample_predictions

NAMES = ("cat", "dog", "frog")
TARGET = np.array([0, 0, 0, 1, 1, 2])


def probabilities(predicted, confidence):
    """Rows that give the predicted class its confidence and share the rest equally."""
    rows = np.repeat((1 - np.asarray(confidence, float))[:, None] / 2, 3, axis=1)
    rows[np.arange(len(rows)), predicted] = confidence
    return rows


def make_result(*repeats, target=TARGET, names=NAMES):
    """One or more repeats of two folds; each repeat is probabilities in sample order."""
    samples = np.arange(len(target))
    folds = []
    for repeat, proba in enumerate(repeats):
        for fold in range(2):
            test = samples[fold::2]
            n_train = len(target) - len(test)
            folds.append(
                FoldResult(2 * repeat + fold, repeat, fold, n_train, test, np.asarray(proba)[test])
            )
    return OOFResult(target, np.arange(len(names)), names, 2, len(repeats), tuple(folds))


ONE = make_result(probabilities([0, 1, 1, 1, 2, 2], [0.9, 0.8, 0.9, 0.7, 0.6, 0.5]))
TWO = make_result(
    probabilities([0, 1, 1, 1, 2, 2], [0.9, 0.8, 0.9, 0.7, 0.6, 0.5]),
    probabilities([0, 2, 0, 1, 0, 2], [0.9, 0.6, 0.5, 0.7, 0.9, 0.5]),
)


def noisy(seed=0, n=300, n_classes=4):
    """Labels of which some are wrong, and probabilities that lean towards the right ones."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, n_classes, n)
    proba = generator.dirichlet(np.ones(n_classes), n) / 2
    is_wrong = generator.random(n) < 0.15
    shown = np.where(is_wrong, generator.integers(0, n_classes, n), labels)
    proba += np.eye(n_classes)[shown] / 2
    return labels, proba / proba.sum(axis=1, keepdims=True)


def test_pooled_predictions_keep_every_repeat():
    pooled = TWO.pooled()
    assert TWO.pooled() is pooled  # once for all tables
    assert len(pooled.sample) == 12
    assert np.bincount(pooled.sample).tolist() == [2] * 6
    assert pooled.is_wrong.sum() == 5
    assert pooled.confidence.min() == 0.5


def test_sample_predictions_average_repeats():
    table = sample_predictions(TWO)
    assert table["sample"].tolist() == list(range(6))
    # Sample 1: dog .8 and .2, cat .1 and .2, frog .1 and .6; their means are .5, .15, .35.
    row = table.iloc[1]
    assert (row["predicted"], row["n_predictions"], row["n_wrong"]) == ("dog", 2, 2)
    assert row["confidence"] == pytest.approx(0.5)
    assert row["proba_true"] == pytest.approx(0.15)
    assert table["n_wrong"].tolist() == [0, 2, 1, 0, 2, 0]


def test_missed_samples_come_hardest_first():
    table = missed_samples(TWO)
    assert table["sample"].tolist() == [4, 1, 2]  # two samples always wrong, one by half
    assert table["is_always_wrong"].tolist() == [True, True, False]
    assert table["proba_true"].tolist() == pytest.approx([0.125, 0.15, 0.275])
    # Sample 4 has a vote each for frog (.6) and cat (.9): the more probable one stands.
    assert table["mistaken_for"].tolist() == ["cat", "dog", "dog"]


def test_confused_pairs():
    table = confused_pairs(ONE)
    assert table[["true", "predicted", "n", "n_reverse"]].to_numpy().tolist() == [
        ["cat", "dog", 2, 0],
        ["dog", "frog", 1, 0],
    ]
    assert table["share"].tolist() == pytest.approx([2 / 3, 1 / 2])
    assert table["examples"].tolist() == [[2, 1], [4]]  # most confident first
    assert confused_pairs(ONE, n_examples=1)["examples"].tolist() == [[2], [4]]


def test_a_sample_is_an_example_of_a_pair_once():
    twice = make_result(ONE.oof_proba, ONE.oof_proba)
    table = confused_pairs(twice)
    assert table["n"].tolist() == [4, 2]
    assert table["examples"].tolist() == [[2, 1], [4]]


def test_hardest_classes():
    table = hardest_classes(TWO).set_index("class")
    assert table.index.tolist() == ["cat", "dog", "frog"]
    assert table["error_rate"].tolist() == pytest.approx([3 / 6, 2 / 4, 0])
    assert table.loc["cat", ["mistaken_for", "n_mistaken_for", "n_always_wrong"]].tolist() == [
        "dog",
        2,
        1,
    ]
    assert table.loc["frog", "mistaken_for"] == ""
    # The even fold of the first repeat misses one cat of two, the odd one its only one.
    assert table.loc["cat", ["error_rate_min", "error_rate_max"]].tolist() == [0, 1]


def test_a_class_without_samples_is_no_hard_class():
    proba = np.column_stack([ONE.oof_proba, np.zeros(6)])
    table = hardest_classes(make_result(proba, names=(*NAMES, "newt")))
    assert table["class"].iloc[-1] == "newt"
    assert np.isnan(table["error_rate"].iloc[-1])


def test_what_failed_is_left_out():
    half = OOFResult(TARGET, np.arange(3), NAMES, 2, 1, ONE.folds[:1])
    assert sample_predictions(half)["sample"].tolist() == [0, 2, 4]
    assert missed_samples(half)["sample"].tolist() == [2, 4]
    with pytest.raises(InputError, match="one fold or more, got none"):
        missed_samples(OOFResult(TARGET, np.arange(3), NAMES, 2, 1, ()))


def test_confident_joint_of_cleanlab():
    labels, proba = noisy()
    # cleanlab 2.9.0: compute_confident_joint(labels, proba, calibrate=False), and the samples
    # of find_label_issues(filter_by="confident_learning", by normalized_margin).
    expected = [[50, 2, 3, 1], [2, 44, 3, 1], [4, 2, 42, 0], [1, 1, 1, 54]]
    assert confident_joint(labels, proba).tolist() == expected
    result = make_result(proba, target=labels, names=("a", "b", "c", "d"))
    issues = label_issues(result)
    assert issues["sample"].tolist()[:5] == [93, 231, 158, 18, 87]
    assert len(issues) == 21


def test_calibrated_joint_keeps_the_counts_of_labels():
    # The worked example of figure 1 in Northcutt et al. (2021): 160, 116 and 124 samples.
    counts = np.array([[100, 40, 20], [56, 60, 0], [32, 12, 80]])
    labels = np.repeat(np.arange(3), counts.sum(axis=1))
    proba = np.eye(3)[np.repeat(np.tile(np.arange(3), 3), counts.ravel())] * 0.7 + 0.1
    joint = confident_joint(labels, proba, calibrate=True)
    published = [[0.25, 0.1, 0.05], [0.14, 0.15, 0], [0.08, 0.03, 0.2]]
    np.testing.assert_allclose(joint, published)
    # Samples that are confident of nothing change the scale of their row, not its shares.
    vague = np.full((4, 3), 1 / 3)
    joint = confident_joint([*labels, 0, 0, 0, 0], np.vstack([proba, vague]), calibrate=True)
    assert joint.sum(axis=1)[0] == pytest.approx(164 / 404)


def test_thresholds_and_a_class_that_nothing_bears():
    thresholds = class_thresholds([0, 0, 1], [[0.9, 0.1, 0], [0.5, 0.3, 0.2], [0.4, 0.6, 0]])
    assert thresholds.tolist() == pytest.approx([0.7, 0.6, np.inf])
    suspected = suspected_labels([0, 0, 1], [[0.9, 0.1, 0], [0.5, 0.3, 0.2], [0.4, 0.6, 0]])
    assert suspected.tolist() == [0, -1, 1]


def test_planted_label_errors_are_found():
    generator = np.random.default_rng(1)
    truth = np.arange(300) % 3
    labels = truth.copy()
    planted = generator.choice(300, 15, replace=False)
    labels[planted] = (truth[planted] + 1) % 3
    proba = 0.85 * np.eye(3)[truth] + 0.05 + generator.uniform(0, 1e-3, (300, 3))
    result = make_result(proba / proba.sum(axis=1, keepdims=True), target=labels)
    issues = label_issues(result)
    assert set(issues["sample"]) == set(planted)
    assert issues["margin"].is_monotonic_increasing
    names = np.asarray(NAMES, dtype=object)
    assert issues["suggested"].tolist() == names[truth[issues["sample"]]].tolist()
    assert issues.attrs["estimated_share"] == pytest.approx(15 / 300)


def test_perfect_predictions_leave_nothing_to_show():
    result = make_result(probabilities(TARGET, [0.9] * 6))
    images = np.zeros((6, 4, 4), np.uint8)
    assert label_issues(result).empty
    assert missed_samples(result).empty
    assert confused_pairs(result).empty
    assert hardest_classes(result)["n_mistaken_for"].tolist() == [0, 0, 0]
    with pytest.raises(InputError, match="suspected label"):
        LabelIssuesDisplay.from_result(result, images)
    with pytest.raises(InputError, match="every one is right"):
        ConfusedPairsDisplay.from_result(result, images)


@pytest.mark.parametrize("labels", [[0, 3], [0.0, 1.0], [0, 1, 2]])
def test_labels_that_are_no_columns_are_refused(labels):
    with pytest.raises(InputError, match="target must"):
        confident_joint(labels, np.full((2, 3), 1 / 3))


@pytest.mark.parametrize(
    ("shape", "scale"), [((4, 6), 1), ((4, 6, 1), 1), ((4, 6, 3), 255), ((4, 6, 4), 255)]
)
def test_brightness_and_contrast(shape, scale):
    generator = np.random.default_rng(0)
    images = generator.random((7, *shape))
    images = images if scale == 1 else (images * 255).astype(np.uint8)
    pixels = images.reshape(7, 4, 6, -1) / scale
    weights = [1] if pixels.shape[-1] == 1 else [0.299, 0.587, 0.114]
    luma = sum(w * pixels[..., k] for k, w in enumerate(weights))
    table = brightness_and_contrast(images)
    np.testing.assert_allclose(table["brightness"], [image.mean() for image in luma])
    np.testing.assert_allclose(table["contrast"], [image.std() for image in luma])


def test_error_by_statistic():
    table = error_by_statistic(ONE, np.array([1.0, 9, 8, 2, 7, 3]), n_bins=2)
    assert table[["lower", "upper", "n_samples"]].to_numpy().tolist() == [[1, 3, 3], [7, 9, 3]]
    assert table["error_rate"].tolist() == [0, 1]
    for row in table.to_dict("records"):
        interval = binomtest(round(3 * row["error_rate"]), 3).proportion_ci(method="wilson")
        assert (row["ci95_low"], row["ci95_high"]) == pytest.approx((interval.low, interval.high))


def test_error_rate_counts_all_repeats_but_intervals_only_samples():
    table = error_by_statistic(TWO, np.zeros(6))
    assert table["n_samples"].tolist() == [6]  # ties make one bin
    assert table["error_rate"].tolist() == [5 / 12]
    interval = binomtest(5, 12).proportion_ci(method="wilson")
    assert table["ci95_high"].item() > interval.high


@pytest.mark.parametrize("is_wrong", [False, True])
def test_intervals_hold_rates_of_0_and_1(is_wrong):
    for n in range(1, 60):
        target = np.zeros(n, np.int64)
        proba = probabilities([int(is_wrong)] * n, [0.9] * n)
        table = error_by_statistic(make_result(proba, target=target), np.zeros(n))
        low, rate, high = table[["ci95_low", "error_rate", "ci95_high"]].iloc[0]
        assert low <= rate <= high


@pytest.mark.parametrize("values", [np.zeros(5), np.full(6, np.nan)])
def test_a_value_per_sample_is_needed(values):
    with pytest.raises(InputError, match="each of 6 samples"):
        error_by_statistic(ONE, values)


@pytest.mark.parametrize("shape", [(6, 4, 4), (6, 4, 4, 1), (6, 4, 4, 3), (6, 4, 4, 4)])
def test_displays_draw(shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    displays = [
        ConfusedPairsDisplay.from_result(ONE, images),
        ErrorRateDisplay.from_result(ONE, images, n_bins=2),
    ]
    for display in displays:
        assert isinstance(display.frame(), pd.DataFrame)
        FigureCanvasAgg(display.plot().figure_).draw()
    assert len(displays[0].ax_.images) == 3
    assert displays[1].frame()["statistic"].unique().tolist() == ["brightness", "contrast"]


def test_long_names_stay_within_the_figure():
    pairs = pd.DataFrame(
        {"true": "automobile", "predicted": "an aircraft", "n": 1000, "share": 0.1},
        index=range(8),
    ).assign(examples=[[0, 0, 0, 0, 0, 0]] * 8)
    display = ConfusedPairsDisplay(pairs, np.zeros((1, 4, 4), np.uint8)).plot()
    FigureCanvasAgg(display.figure_).draw()
    assert display.ax_.get_tightbbox().x0 >= 0


def test_suspected_labels_are_drawn_with_what_is_suggested():
    labels, proba = noisy()
    result = make_result(proba, target=labels, names=("a", "b", "c", "d"))
    images = np.arange(300, dtype=np.float64).repeat(16).reshape(300, 4, 4) / 300
    display = LabelIssuesDisplay.from_result(result, images, n_images=2).plot()
    assert display.frame()["sample"].tolist() == [93, 231]
    assert display.images[:, 0, 0].tolist() == [93 / 300, 231 / 300]
    first = label_issues(result).iloc[0]
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts[0] == f"label: {first['label']}"
    assert texts[1].startswith(f"? {first['suggested']}, ")


@pytest.mark.parametrize(
    ("images", "match"),
    [(np.zeros((5, 4, 4)), "5 for 6 samples"), (np.zeros((6, 4, 4, 2)), "c 1, 3 or 4")],
)
def test_images_that_do_not_fit_are_refused(images, match):
    with pytest.raises(InputError, match=match):
        ErrorRateDisplay.from_result(ONE, images)
