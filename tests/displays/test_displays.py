"""What the displays compute, and that drawing them leaves nothing behind and hides nothing."""

import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cifar_sk.displays import (
    ClassScoresDisplay,
    ConfusionDisplay,
    LearningCurvesDisplay,
    ReliabilityDisplay,
    SampleGridDisplay,
)
from cifar_sk.errors import InputError
from cifar_sk.folds.predictions import FoldResult, OOFResult
from cifar_sk.metrics import score_predictions


def make_result(n_classes=3, n_samples=60, n_folds=3, histories=None, names=None):
    generator = np.random.default_rng(0)
    target = np.arange(n_samples) % n_classes
    proba = generator.dirichlet(np.ones(n_classes), n_samples) + 0.5 * np.eye(n_classes)[target]
    proba /= proba.sum(axis=1, keepdims=True)
    histories = histories or [{}] * n_folds
    parts = np.array_split(np.arange(n_samples), n_folds)
    folds = tuple(
        FoldResult(i, 0, i, n_samples - len(part), part, proba[part], history=histories[i])
        for i, part in enumerate(parts)
    )
    names = names or tuple(f"class {label}" for label in range(n_classes))
    return OOFResult(target, np.arange(n_classes), names, n_folds, 1, folds)


def draw(display):
    """Lay out and render: text has neither place nor size before."""
    FigureCanvasAgg(display.figure_).draw()
    return display


def assert_apart(texts):
    left, bottom, right, top = np.array(
        [text.get_window_extent().extents for text in texts if text.get_text()]
    ).T
    overlap = (left[:, None] < right) & (left < right[:, None])
    overlap &= (bottom[:, None] < top) & (bottom < top[:, None])
    assert overlap.sum() == len(left)  # each with itself


HISTORIES = [
    {"loss": [2.0, 1.0, 0.5], "accuracy": [0.3, 0.6, 0.9], "val_loss": [2.0, 1.5, 1.4]},
    {"loss": [3.0, 2.0], "accuracy": [0.2, 0.4], "val_loss": [3.0, 2.5]},
    {},
]


def test_confusion_writes_counts_or_percentages():
    result = make_result()
    display = ConfusionDisplay.from_result(result).plot()
    counts = display.frame().to_numpy()
    written = [text.get_text() for text in display.ax_.texts]
    assert written == [str(count) for count in counts.ravel()]
    assert counts.sum() == 60
    shares = ConfusionDisplay.from_result(result, normalize=True).frame()
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert ConfusionDisplay.from_result(result, fold=1).frame().to_numpy().sum() == 20


@pytest.mark.parametrize(("n_classes", "n_texts"), [(2, 4), (20, 400), (100, 0)])
def test_confusion_labels_do_not_overlap(n_classes, n_texts):
    display = draw(ConfusionDisplay.from_result(make_result(n_classes, 200)).plot())
    assert len(display.ax_.texts) == n_texts
    assert_apart(display.ax_.get_yticklabels())
    if n_classes > 20:  # slanted labels have overlapping boxes and clear ink
        assert_apart(display.ax_.get_xticklabels())


def test_names_are_drawn_as_they_are():
    names = ("$x^2$", "$broken", "a name that is far too long for a tick label")
    display = draw(ConfusionDisplay.from_result(make_result(names=names)).plot())
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels[:2] == list(names[:2])
    assert labels[2].endswith("…")
    draw(ClassScoresDisplay.from_result(make_result(names=names)).plot())


def test_learning_curve_mean_ends_where_the_first_fold_stops():
    display = LearningCurvesDisplay.from_result(make_result(histories=HISTORIES)).plot()
    loss, accuracy = display.ax_
    mean = next(line for line in loss.lines if line.get_label() == "training")
    values = mean.get_ydata()
    np.testing.assert_array_equal(values[:2], [2.5, 1.5])
    assert np.isnan(values[2])
    labels = [text.get_text() for text in loss.get_legend().get_texts()]
    assert labels == ["training", "inner validation (held out of the training fold)"]
    # No val_accuracy was recorded, so accuracy has no such line.
    assert len(accuracy.get_legend().get_texts()) == 1
    assert len(display.frame()) == 15


def test_learning_curves_need_a_history():
    with pytest.raises(InputError, match="history_"):
        LearningCurvesDisplay.from_result(make_result())


def test_learning_curves_of_loss_alone():
    histories = [{"loss": [1.0, 0.5]}] * 3
    display = LearningCurvesDisplay.from_result(make_result(histories=histories)).plot()
    assert len(display.ax_) == 1


def test_class_scores_are_means_over_the_folds_that_hold_the_class():
    display = ClassScoresDisplay.from_result(make_result(n_classes=3, n_samples=7))
    # Classes 0, 1, 2 in the first fold, 0, 1 in the second, 2, 0 in the third.
    assert display.scores.isna().sum(axis=1).tolist() == [0, 1, 1]
    frame = display.frame()
    assert frame["mean"].is_monotonic_decreasing
    np.testing.assert_allclose(frame["mean"].sort_index(), display.scores.mean(axis=1))
    draw(display.plot())


def test_reliability_error_is_the_metric():
    result = make_result()
    display = ReliabilityDisplay.from_result(result).plot()
    proba = np.concatenate([fold.proba for fold in result.folds])
    scores = score_predictions(result.target, proba)
    assert display.expected_calibration_error == pytest.approx(
        scores["expected_calibration_error"]
    )
    heights = [bar.get_height() for bar in display.ax_[1].patches]
    assert sum(heights) == 60


@pytest.mark.parametrize(
    ("shape", "dtype"), [((8, 8, 3), np.uint8), ((8, 8, 1), np.float32), ((8, 8), np.uint8)]
)
def test_sample_grid_is_seeded_and_takes_all_images(shape, dtype):
    result, images = make_result(), np.ones((60, *shape), dtype)
    displays = [
        SampleGridDisplay.from_result(result, images, n_images=7, random_state=seed)
        for seed in (0, 0, 1)
    ]
    chosen = [display.frame()["sample"].tolist() for display in displays]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(set(chosen[0])) == 7
    display = draw(displays[0].plot())
    assert_apart(display.ax_.texts)


def test_most_confident_mistakes():
    result = make_result()
    images = np.arange(60, dtype=np.uint8).repeat(16).reshape(60, 4, 4)
    display = SampleGridDisplay.most_confident_mistakes(result, images, n_images=3)
    frame = display.frame()
    proba = result.oof_proba
    wrong = np.flatnonzero(proba.argmax(axis=1) != result.target)
    expected = wrong[np.argsort(-proba[wrong].max(axis=1))][:3]
    assert frame["sample"].tolist() == expected.tolist()
    assert display.images[:, 0, 0].tolist() == expected.tolist()


def test_images_of_another_data_set_are_refused():
    with pytest.raises(InputError, match="59 for 60 samples"):
        SampleGridDisplay.from_result(make_result(), np.zeros((59, 4, 4), np.uint8))


def test_displays_draw_on_given_axes_and_leave_pyplot_alone():
    upper, lower = Figure().subplots(2)
    result = make_result()
    assert ReliabilityDisplay.from_result(result).plot([upper, lower]).ax_[0] is upper
    assert ConfusionDisplay.from_result(result).plot(upper).ax_ is upper
    with pytest.raises(InputError, match="2 axes"):
        ReliabilityDisplay.from_result(result).plot(upper)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []
