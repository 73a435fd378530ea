"""ImageResampler against imbalanced-learn on flat pixels."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, BorderlineSMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import EditedNearestNeighbours, RandomUnderSampler
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from cifar_sk.augmentation import RandomFlip
from cifar_sk.augmentation.resampling import ImageResampler
from cifar_sk.errors import InputError


@pytest.fixture
def unbalanced():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (34, 4, 4, 3), dtype=np.uint8)
    y = np.repeat(["cat", "dog", "eel"], [16, 8, 10])
    return X, y


class RecordingClassifier(ClassifierMixin, BaseEstimator):
    """Keep what fit and predict see."""

    def fit(self, X, y):
        self.classes_, self.counts_ = np.unique(y, return_counts=True)
        self.fitted_X_ = X
        return self

    def predict(self, X):
        self.predicted_X_ = X
        return np.repeat(self.classes_[:1], len(X))


def test_smote_is_imblearns_smote_on_flat_pixels_rounded(unbalanced):
    X, y = unbalanced
    flat, expected_y = SMOTE(random_state=3).fit_resample(X.reshape(34, -1).astype(float), y)
    resampled, y_resampled = ImageResampler(SMOTE(random_state=3)).fit_resample(X, y)
    assert resampled.dtype == np.uint8
    assert_array_equal(y_resampled, expected_y)
    assert_array_equal(resampled[:34], X)
    # float32 against float64 can round a value that lies half-way differently
    difference = resampled.reshape(48, -1) - np.rint(flat)
    assert np.abs(difference).max() <= 1
    assert np.mean(difference != 0) < 0.001


def test_smote_with_a_random_state_instance_draws_on_from_class_to_class(unbalanced):
    X, y = unbalanced
    flat = X.reshape(34, -1).astype(np.float32)
    expected, _ = SMOTE(random_state=np.random.RandomState(5)).fit_resample(flat, y)
    resampler = ImageResampler(SMOTE(random_state=np.random.RandomState(5)))
    resampled, _ = resampler.fit_resample(X.astype(np.float32), y)
    assert_array_equal(resampled.reshape(48, -1), expected)


def test_smote_keeps_float64_and_grey_images(unbalanced):
    X, y = unbalanced
    grey = X[..., 0] / 255
    resampled, _ = ImageResampler(SMOTE(random_state=0)).fit_resample(grey, y)
    expected, _ = SMOTE(random_state=0).fit_resample(grey.reshape(34, -1), y)
    assert resampled.dtype == np.float64
    assert_array_equal(resampled, expected.reshape(-1, 4, 4))


def test_smote_on_balanced_classes_returns_the_images_themselves():
    X = np.zeros((4, 2, 2, 3), dtype=np.uint8)
    resampled, _ = ImageResampler().fit_resample(X, [0, 1, 0, 1])
    assert resampled is X


@pytest.mark.parametrize(
    "sampler",
    [
        RandomOverSampler(random_state=1),
        RandomUnderSampler(random_state=1),
        EditedNearestNeighbours(sampling_strategy="all"),
        BorderlineSMOTE(random_state=1, k_neighbors=3),
        RandomOverSampler(random_state=1, shrinkage=0.5),
    ],
)
def test_other_samplers_agree_with_imblearn_on_flat_pixels(sampler, unbalanced):
    X, y = unbalanced
    flat = X.reshape(34, -1).astype(np.float32)
    expected, expected_y = clone(sampler).fit_resample(flat, y)
    resampled, y_resampled = ImageResampler(sampler).fit_resample(X, y)
    assert_array_equal(y_resampled, expected_y)
    assert_array_equal(resampled.reshape(len(expected), -1), np.clip(np.rint(expected), 0, 255))
    assert not hasattr(sampler, "sampling_strategy_")  # a clone resampled


def test_pipeline_balances_the_training_classes_and_predicts_on_raw_input(unbalanced):
    X, y = unbalanced
    pipeline = make_pipeline(ImageResampler(), RandomFlip(), RecordingClassifier())
    pipeline.set_params(imageresampler__sampler__k_neighbors=3)
    pipeline.fit(X, y).predict(X)
    classifier = pipeline[-1]
    assert classifier.counts_.tolist() == [16, 16, 16]
    assert classifier.fitted_X_.operations[0].mode == "horizontal"
    assert classifier.predicted_X_ is X


def test_parameters_of_the_default_sampler_are_visible_and_settable():
    resampler = ImageResampler()
    assert resampler.get_params()["sampler__k_neighbors"] == 5
    assert resampler.sampler is None
    assert clone(resampler).sampler is None
    resampler.set_params(sampler__random_state=7)
    assert resampler.sampler.random_state == 7
    assert clone(resampler).get_params()["sampler__random_state"] == 7


def test_a_class_too_small_for_smote_is_named_with_the_remedy(unbalanced):
    X, y = unbalanced
    with pytest.raises(InputError, match=r"class dog has 4 .* at least 6; set its k_.* to 3"):
        ImageResampler().fit_resample(X[:20], y[:20])


@pytest.mark.parametrize(
    ("X", "sampler", "message"),
    [
        (RandomFlip().fit_transform(np.zeros((4, 2, 2, 3))), None, "before the augmentation"),
        (np.zeros((4, 12)), None, r"needs images .* \(4, 12\)"),
        (np.zeros((4, 2, 2, 3)), RandomFlip(), "must be a sampler .* RandomFlip"),
    ],
)
def test_unusable_input_is_refused(X, sampler, message):
    with pytest.raises(InputError, match=message):
        ImageResampler(sampler).fit_resample(X, [0, 0, 0, 1])
