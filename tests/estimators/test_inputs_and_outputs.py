"""What goes into the classifiers and comes out of them, on networks of a few weights."""

import warnings

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import roc_auc_score

from cifar_sk import ANNClassifier, InputError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 4, 4, 1), dtype=np.uint8)
LABELS = np.array(list("abc"))[np.arange(12) % 3]


def ann(**params):
    defaults = {"hidden_units": (), "epochs": 1, "early_stopping": False, "schedule": "constant"}
    return ANNClassifier(**{"optimizer": "sgd", "random_state": 0, **defaults, **params})


@pytest.fixture(scope="module")
def fitted():
    """A classifier of images (n, 4, 4, 1) of three classes, which no test changes."""
    return ann().fit(IMAGES, LABELS)


@pytest.mark.parametrize(
    ("weight", "reason"),
    [
        ([1.0] * 11 + [-1.0], "Negative"),
        ([1.0] * 11 + [np.nan], "NaN"),
        ([1.0] * 11 + [np.inf], "infinity"),
        ([0.0] * 12, "non-zero"),
        ([1.0] * 11, "expected"),
        (["heavy"] * 12, "heavy"),
    ],
)
def test_sample_weights_that_are_none(weight, reason):
    with pytest.raises(InputError, match=f"sample_weight must give .*{reason}") as error:
        ann().fit(IMAGES, LABELS, sample_weight=weight)
    assert "\n" not in str(error.value)


def test_class_weights_that_are_none():
    with pytest.raises(InputError, match=r"class_weight must give .*Negative"):
        ann(class_weight={"a": -1.0, "b": 1.0, "c": 1.0}).fit(IMAGES, LABELS)


FLOATS = IMAGES.astype(np.float64)
WIDE = np.zeros((12, 3, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("X", "params", "said"),
    [
        (FLOATS, {}, "Pixels of float64 .* up to 249; divide them by 255"),
        (FLOATS[..., 0].astype(np.float32), {}, "Pixels of float32"),
        (IMAGES.astype(int), {}, "Pixels of int64"),
        (FLOATS.reshape(12, -1), {"image_shape": (4, 4, 1)}, "Pixels of float64"),
        (WIDE, {}, r"shape \(3, 8, 8\) .* channels first; turn them by np.moveaxis"),
        (WIDE.reshape(12, -1), {"image_shape": (3, 8, 8)}, "channels first"),
        (WIDE[:, :1], {}, "channels first"),
    ],
)
def test_images_that_are_most_likely_meant_otherwise(X, params, said):
    with pytest.warns(UserWarning, match=said) as caught:
        ann(**params).initialize(X, LABELS)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "X",
    [
        FLOATS / 255,
        (FLOATS - FLOATS.mean()) / FLOATS.std(),
        FLOATS.reshape(12, -1),  # rows of numbers are no pixels
        np.zeros((12, 1, 8, 1), np.uint8),
        np.zeros((12, 3, 8, 4), np.uint8),
        np.zeros((12, 3, 8), np.uint8),
    ],
    ids=["scaled", "standardised", "rows", "one row", "RGBA", "grey"],
)
def test_images_that_need_no_warning(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ann().initialize(X, LABELS)


def test_rows_and_images_with_and_without_a_channel_are_the_same(fitted):
    expected = fitted.predict_proba(IMAGES)
    rows = IMAGES.reshape(12, -1)
    flat = ann(image_shape=(4, 4, 1)).fit(rows, LABELS)
    np.testing.assert_array_equal(flat.predict_proba(rows), expected)
    np.testing.assert_array_equal(fitted.predict_proba(IMAGES[..., 0]), expected)
    grey = ann().fit(IMAGES[..., 0], LABELS)
    np.testing.assert_array_equal(grey.predict_proba(IMAGES), expected)
    for X in (rows, IMAGES[:, :3], np.repeat(IMAGES, 3, axis=-1)):
        with pytest.raises(ValueError, match=r"samples of shape|features"):
            fitted.predict(X)


def test_scores_of_three_classes(fitted):
    proba, scores = fitted.predict_proba(IMAGES), fitted.decision_function(IMAGES)
    np.testing.assert_array_equal(fitted.predict_log_proba(IMAGES), np.log(proba))
    np.testing.assert_allclose(softmax(scores, axis=1), proba)
    np.testing.assert_array_equal(fitted.classes_[scores.argmax(axis=1)], fitted.predict(IMAGES))


def test_scores_of_two_classes():
    y = LABELS == "c"
    classifier = ann().fit(IMAGES, y)
    proba, scores = classifier.predict_proba(IMAGES), classifier.decision_function(IMAGES)
    assert scores.shape == (12,)
    np.testing.assert_allclose(expit(scores), proba[:, 1])
    np.testing.assert_array_equal(scores > 0, classifier.predict(IMAGES))
    assert roc_auc_score(y, scores) == roc_auc_score(y, proba[:, 1])


def test_scores_of_what_is_certain_are_finite(fitted):
    weights = fitted.model_.get_weights()
    try:
        fitted.model_.set_weights([weights[0], np.array([300.0, 0.0, -300.0], np.float32)])
        assert (fitted.predict_log_proba(IMAGES)[:, 2] == -np.inf).all()
        assert np.isfinite(fitted.decision_function(IMAGES)).all()
        assert (fitted.predict(IMAGES) == "a").all()
    finally:
        fitted.model_.set_weights(weights)


def test_initialize_builds_and_trains_nothing(fitted):
    classifier = ann().initialize(IMAGES, LABELS)
    assert classifier.n_epochs_ == 0
    assert classifier.predict_proba(IMAGES).shape == (12, 3)
    proba = classifier.fit(IMAGES, LABELS).predict_proba(IMAGES)
    np.testing.assert_array_equal(proba, fitted.predict_proba(IMAGES))
